"""Label maps of pictures in the cache: over the prepared image, and known by both files."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from laudo.core.errors import UnreadableImageError
from laudo.core.recipe import Prepare
from laudo.prepare.cache import prepare_images
from laudo.prepare.mask_cache import prepare_label_maps
from laudo.sources.table import import_manifest
from mask_example import write_pictures

PREPARE = Prepare(height=24, width=24, colour="grey")


@pytest.fixture
def manifest(tmp_path):
    return import_manifest("csv", write_pictures(tmp_path / "data", n=4))


def test_label_maps_lie_over_the_prepared_images(tmp_path, manifest):
    images = prepare_images(manifest, PREPARE, tmp_path / "cache").read(range(4))
    masks = prepare_label_maps(manifest, PREPARE, tmp_path / "cache").read(range(4))
    assert masks.shape == (4, 24, 24, 1)
    assert set(np.unique(masks)) == {0, 1}
    for image, mask in zip(images, masks, strict=True):
        assert image[mask == 1].mean() > image[mask == 0].mean() + 50


def test_the_cache_answers_until_image_or_mask_changes(tmp_path, manifest, monkeypatch):
    first = prepare_label_maps(manifest, PREPARE, tmp_path / "cache").read(range(4))
    monkeypatch.setattr("laudo.prepare.mask_cache.read_mask", lambda *_: pytest.fail("it was read already"))
    assert np.array_equal(prepare_label_maps(manifest, PREPARE, tmp_path / "cache").read(range(4)), first)
    monkeypatch.undo()
    path = tmp_path / "data" / "masks" / "001.png"
    Image.fromarray(255 - np.array(Image.open(path))).save(path)
    again = prepare_label_maps(import_manifest("csv", tmp_path / "data"), PREPARE, tmp_path / "cache").read(range(4))
    assert np.array_equal(again[0], first[0])
    assert not np.array_equal(again[1], first[1])


def test_values_that_are_named_stay_and_have_entries_of_their_own(tmp_path, manifest):
    """The same files without names are black and white."""
    plain = prepare_label_maps(manifest, PREPARE, tmp_path / "cache").read(range(4))
    named = replace(manifest, mask_labels={255: "disc"})
    found = prepare_label_maps(named, PREPARE, tmp_path / "cache").read(range(4))
    assert set(np.unique(plain)) == {0, 1}
    assert np.array_equal(found, plain * 255)


def test_without_a_mask_nothing_is_marked(tmp_path, manifest):
    bare = manifest.with_columns(
        mask=["", *manifest.table["mask"][1:]], mask_sha256=["", *manifest.table["mask_sha256"][1:]]
    )
    masks = prepare_label_maps(bare, PREPARE, tmp_path / "cache").read(range(4))
    assert not masks[0].any()
    assert masks[1].any()


def test_labels_that_do_not_fit_are_named(tmp_path, manifest):
    path = tmp_path / "data" / "masks" / "000.tif"
    Image.fromarray(np.full((48, 48), -3, np.int32)).save(path)
    odd = manifest.with_columns(mask=["masks/000.tif", *manifest.table["mask"][1:]])
    with pytest.raises(UnreadableImageError) as error:
        prepare_label_maps(odd, PREPARE, tmp_path / "cache")
    assert error.value.file == str(path)
