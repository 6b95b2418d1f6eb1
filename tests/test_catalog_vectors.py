"""Vectors: made once, resumed after a kill, never compared with others' weights; the nearest are exactly the nearest."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from catalog_example import address, example, fill, manifest, picture
from laudo.catalog import nearest as module
from laudo.catalog import vectors
from laudo.catalog.filters import Filters
from laudo.catalog.nearest import Nearest, encoders, find_nearest, open_matrix
from laudo.catalog.open import open_catalog
from laudo.catalog.search import search
from laudo.catalog.vectors import ImageEncoder, embed_images
from laudo.core.errors import DataError, UnreadableImageError
from laudo.workflows import image_encoders


class Eye:
    """Looks at pixels; counts what it has looked at, and stops when it is told to."""

    def __init__(self, stop_after: int | None = None, identity: str = "one") -> None:
        self.seen: list[Path] = []
        self.stop_after = stop_after
        self.encoder = ImageEncoder("eye", identity, self.embed)

    def embed(self, paths):
        if self.stop_after is not None and len(self.seen) >= self.stop_after:
            raise KeyboardInterrupt
        rows = []
        for path in paths:
            try:
                pixels = np.asarray(Picture.open(path), dtype=np.float32)
            except OSError as error:
                raise UnreadableImageError("no picture", file=path) from error
            rows.append(pixels.ravel()[:16] - 128)
        self.seen += paths
        return np.stack(rows)


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request, tmp_path):
    with open_catalog(example(tmp_path, address(request.param, tmp_path, request)).db) as opened:
        yield opened


def nearest(catalog, encoder, path):
    return find_nearest(catalog, encoder, encoder.embed([path])[0])


def test_the_nearest_are_those_of_a_naive_search(catalog, tmp_path):
    eye = Eye()
    assert embed_images(catalog, eye.encoder).new == 15
    picture(tmp_path / "asked.png", 99)
    found = search(catalog, "", Filters(), 15, nearest(catalog, eye.encoder, tmp_path / "asked.png"))
    asked = eye.embed([tmp_path / "asked.png"])[0]
    naive = {}
    for path in sorted((tmp_path / "images").iterdir()):
        other = eye.embed([path])[0]
        naive[f"images/{path.name}"] = float(asked @ other / np.linalg.norm(asked) / np.linalg.norm(other))
    assert [hit.sample for hit in found.hits] == sorted(naive, key=lambda name: -naive[name])
    assert np.allclose([hit.similarity for hit in found.hits], sorted(naive.values(), reverse=True), atol=1e-6)


def test_an_image_of_the_catalogue_is_nearest_to_itself_and_filters_hold(catalog, tmp_path, monkeypatch):
    eye = Eye()
    embed_images(catalog, eye.encoder)
    asked = nearest(catalog, eye.encoder, tmp_path / "images" / "C1_2.png")
    hit = search(catalog, "", Filters(), 1, asked).hits[0]
    assert hit.sample == "images/C1_2.png"
    assert hit.similarity == pytest.approx(1)
    few = search(catalog, "edema", Filters.of({"modality": "MR"}), 10, asked)
    monkeypatch.setattr("laudo.catalog.search.FEW", 0)  # the way of large catalogues
    many = search(catalog, "edema", Filters.of({"modality": "MR"}), 10, asked)
    assert [hit.sample for hit in few.hits] == [hit.sample for hit in many.hits]
    assert {hit.case for hit in few.hits} == {"B1", "B2"}
    assert few.images == 4


def test_what_was_made_is_not_made_again(catalog, tmp_path):
    embed_images(catalog, Eye().encoder)
    again = Eye()
    done = embed_images(catalog, again.encoder)
    assert (done.new, done.known, again.seen) == (0, 15, [])


def test_a_picture_that_was_replaced_has_a_new_vector(tmp_path):
    db = example(tmp_path, str(tmp_path / "c.db")).db
    eye = Eye()
    with open_catalog(db) as catalog:
        embed_images(catalog, eye.encoder)
    listed = manifest(tmp_path)
    picture(tmp_path / "images" / "A1_1.png", 1234)
    from laudo.core.environment import file_hash

    table = listed.table.copy()
    table.loc[table["sample"] == "images/A1_1.png", "sha256"] = file_hash(tmp_path / "images" / "A1_1.png")
    fill(db, type(listed)(table, tmp_path, "medpix2", listed.classes))
    with open_catalog(db) as catalog:
        asked = nearest(catalog, eye.encoder, tmp_path / "images" / "A1_1.png")
        assert len(asked.keys) == 14  # the old picture's is gone
        assert "14 of 15" in search(catalog, "", Filters(), 1, asked).notes[0]
        assert embed_images(catalog, eye.encoder).new == 1
        hit = search(catalog, "", Filters(), 1, nearest(catalog, eye.encoder, tmp_path / "images" / "A1_1.png")).hits[0]
        assert hit.sample == "images/A1_1.png"


def test_pruned_pictures_take_their_vectors_with_them(tmp_path):
    db = example(tmp_path, str(tmp_path / "c.db")).db
    eye = Eye()
    with open_catalog(db) as catalog:
        embed_images(catalog, eye.encoder)
        assert len(open_matrix(catalog, eye.encoder)[1]) == 15
    listed = manifest(tmp_path)
    fill(db, listed.rows(np.arange(10)), prune=True)
    with open_catalog(db) as catalog:
        assert len(open_matrix(catalog, eye.encoder)[1]) == 10


def test_files_that_vanish_at_once_are_no_matter_nor_touched_while_they_are_written(tmp_path, monkeypatch):
    eye = Eye()
    with open_catalog(example(tmp_path, str(tmp_path / "c.db")).db) as catalog:
        embed_images(catalog, eye.encoder)
        folder = tmp_path / "cache" / "catalog"
        expected = open_matrix(catalog, eye.encoder, tmp_path / "cache")[0].copy()
        (place,) = folder.iterdir()
        for path in place.iterdir():
            path.unlink()
        being_written = place / ".other-keys.npy.x.tmp.npy"
        being_written.write_bytes(b"half")
        monkeypatch.setattr(module, "_open", lambda *_: None)
        assert np.array_equal(open_matrix(catalog, eye.encoder, tmp_path / "cache")[0], expected)
        assert being_written.exists()


def test_a_killed_job_goes_on_where_it_was(catalog, monkeypatch):
    monkeypatch.setattr(vectors, "CHUNK", 4)
    with pytest.raises(KeyboardInterrupt):
        embed_images(catalog, Eye(stop_after=8).encoder)
    rest = Eye()
    done = embed_images(catalog, rest.encoder)
    assert (done.new, done.known) == (7, 8)
    assert len(rest.seen) == 7
    assert len(open_matrix(catalog, rest.encoder)[0]) == 15


def test_a_broken_picture_is_skipped_and_listed(catalog, tmp_path):
    (tmp_path / "images" / "B1_1.png").write_bytes(b"no picture")
    eye = Eye()
    done = embed_images(catalog, eye.encoder)
    assert done.new == 14
    assert [Path(row.place).name for row in done.skipped] == ["B1_1.png"]
    found = search(catalog, "", Filters(), 20, nearest(catalog, eye.encoder, tmp_path / "images" / "A1_1.png"))
    assert len(found.hits) == 14
    assert "14 of 15" in found.notes[0]


def test_other_weights_are_never_compared(catalog, tmp_path):
    embed_images(catalog, Eye().encoder)
    other = Eye(identity="other")
    for call in (
        lambda: embed_images(catalog, other.encoder),
        lambda: nearest(catalog, other.encoder, tmp_path / "images" / "A1_1.png"),
    ):
        with pytest.raises(DataError) as caught:
            call()
        assert "--again" in caught.value.cure
    assert embed_images(catalog, other.encoder, again=True).new == 15
    assert encoders(catalog) == ["eye"]


def test_vectors_that_are_no_numbers_are_refused(catalog):
    encoder = ImageEncoder("bad", "x", lambda paths: np.full((len(paths), 3), np.nan, dtype=np.float32))
    with pytest.raises(DataError):
        embed_images(catalog, encoder)
    assert encoders(catalog) == []


def test_a_damaged_file_of_the_cache_is_made_again(tmp_path):
    with open_catalog(example(tmp_path, str(tmp_path / "c.db")).db) as catalog:
        eye = Eye()
        embed_images(catalog, eye.encoder)
        first = open_matrix(catalog, eye.encoder, tmp_path / "cache")[0].copy()
        for file in (tmp_path / "cache").rglob("*.npy"):
            file.write_bytes(file.read_bytes()[:40])
        assert np.array_equal(open_matrix(catalog, eye.encoder, tmp_path / "cache")[0], first)


def test_a_copy_of_a_catalogue_has_vectors_of_its_own(tmp_path):
    """Two files that were one: what is cached of the one must not be taken for the other's."""
    db = tmp_path / "c.db"
    example(tmp_path, str(db))
    (tmp_path / "d.db").write_bytes(db.read_bytes())
    eye = Eye()
    turned = ImageEncoder("eye", "one", lambda paths: -eye.embed(paths))
    for name, encoder in (("c.db", eye.encoder), ("d.db", turned)):
        with open_catalog(tmp_path / name) as catalog:
            embed_images(catalog, encoder)
            hit = search(catalog, "", Filters(), 1, nearest(catalog, encoder, tmp_path / "images" / "E1_1.png")).hits[0]
            assert hit.sample == "images/E1_1.png"


@settings(max_examples=60)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40), st.integers(1, 45))
def test_the_best_of_many_are_the_best_in_the_order_of_the_rows(values, count):
    keys = np.array([f"k{n:02}".encode() for n in range(len(values))])
    near = Nearest("x", keys, np.array(values, dtype=np.float32))
    expected = sorted(range(len(values)), key=lambda n: (-values[n], n))[:count]
    assert next(near.ranked(count)) == [(f"k{n:02}", values[n]) for n in expected]
    assert [len(part) for part in near.ranked(count)][-1] == len(values)


def test_a_backbone_makes_vectors(tmp_path, monkeypatch):
    """Random weights under the name that laudo looks for; a grey and a coloured file, whatever their shape."""
    import torch
    from safetensors.torch import save_file

    from laudo.networks.small_cnn import SmallCNN

    torch.manual_seed(0)
    save_file(SmallCNN().state_dict(), tmp_path / "small_cnn.safetensors")
    monkeypatch.setenv("LAUDO_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(image_encoders, "BATCH", 2)
    names = []
    for number, mode in enumerate(("L", "RGB", "L")):
        names.append(tmp_path / f"{number}.png")
        Picture.new(mode, (30 + 9 * number, 20), 90).save(names[-1])
    encoder = image_encoders.image_encoder("small_cnn")
    made = encoder.embed(names)
    assert made.shape[0] == 3
    assert made.dtype == np.float32
    assert np.allclose(made[1:2], encoder.embed(names[1:2]), rtol=1e-3, atol=1e-3)
    assert encoder.identity == image_encoders.image_encoder("small_cnn").identity
    torch.manual_seed(1)
    save_file(SmallCNN().state_dict(), tmp_path / "small_cnn.safetensors")
    assert encoder.identity != image_encoders.image_encoder("small_cnn").identity
