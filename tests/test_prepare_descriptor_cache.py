"""Descriptors of files: what a missing mask does, what follows the preparation, and the cache."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from laudo.core.errors import UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare
from laudo.prepare import describe
from laudo.prepare.describe import describe_file, describe_images, descriptor_names

SMALL = Prepare(height=32, width=48)


def noise(height=48, width=64, seed=0):
    """Smooth noise with every grey level."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width)), 1.5)
    return np.round((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path):
    rows = []
    for index in range(5):
        Image.fromarray(noise(seed=index)).save(tmp_path / f"{index}.png")
        mask = np.zeros((48, 64), dtype=np.uint8)
        mask[10 : 20 + index, 10:30] = 255
        Image.fromarray(mask).save(tmp_path / f"{index}_mask.png")
        rows.append(
            {"sample": str(index), "image": f"{index}.png", "mask": f"{index}_mask.png", "label": "ab"[index % 2]}
            | {"sha256": f"image{index}", "mask_sha256": f"mask{index}"}
        )
    return Manifest.from_rows(rows, tmp_path, "test", ("a", "b"))


def test_a_missing_or_empty_mask_does_what_the_recipe_says(pictures):
    path = pictures.paths[0]
    empty = pictures.root / "empty.png"
    Image.fromarray(np.zeros((48, 64), dtype=np.uint8)).save(empty)
    for masks in ((), (empty,)):
        with pytest.raises(UnreadableImageError, match=r"0\.png"):
            describe_file(path, SMALL, ("shape",), masks)
        whole = describe_file(path, SMALL.model_copy(update={"without_mask": "whole"}), ("shape",), masks)
        assert dict(zip(descriptor_names(("shape",)), whole, strict=True))["shape_area_share"] == 1
    describe_file(path, SMALL, ("texture",))  # which needs none


def test_prepared_groups_follow_the_recipe_and_shape_does_not(pictures):
    path, masks = pictures.paths[0], pictures.mask_paths(0)
    crop = SMALL.model_copy(update={"crop": "lesion", "margin": 0.0})
    planes = crop.model_copy(update={"planes": ("image", "mask", "whole")})
    for group, same in (("texture", False), ("intensity", False), ("shape", True), ("lesion", True)):
        one, other = (describe_file(path, prepare, (group,), masks) for prepare in (SMALL, crop))
        assert np.array_equal(one, other) is same, group
        np.testing.assert_array_equal(describe_file(path, planes, (group,), masks), other)


def test_the_cache_measures_each_image_once_and_survives_damage(pictures, tmp_path, monkeypatch):
    cache, measured = tmp_path / "cache", []
    real = describe.describe_file
    monkeypatch.setattr(describe, "describe_file", lambda path, *rest: measured.append(path.name) or real(path, *rest))
    groups = ("intensity", "shape")
    first = describe_images(pictures, SMALL, groups, cache)
    assert len(measured) == 5
    np.testing.assert_array_equal(first[3], real(pictures.paths[3], SMALL, groups, pictures.mask_paths(3)))
    order = np.array([4, 0, 2])
    np.testing.assert_array_equal(describe_images(pictures.rows(order), SMALL, groups, cache, jobs=1), first[order])
    assert len(measured) == 5
    changed = pictures.with_columns(mask_sha256=["mask0", "other", "mask2", "mask3", "mask4"])
    describe_images(changed, SMALL, groups, cache)
    assert measured[5:] == ["1.png"]
    for size in (36, 52):
        describe_images(pictures, SMALL.model_copy(update={"width": size}), groups, cache)
    assert len(measured) == 16
    packs = sorted(cache.rglob("pack-*.npz"))
    assert not list(cache.rglob("*.tmp*"))
    for damage in ("cut", "byte", "empty"):
        for pack in packs:
            if pack.exists():
                data = bytearray(pack.read_bytes())
                data[len(data) // 2] ^= 255
                pack.write_bytes({"cut": data[:100], "byte": bytes(data), "empty": b""}[damage])
        np.testing.assert_array_equal(describe_images(pictures, SMALL, groups, cache), first)
        packs = sorted(cache.rglob("pack-*.npz"))
    assert measured[16:] == [f"{index}.png" for index in range(5)] * 3 or len(measured) == 31


def test_a_kill_while_measuring_leaves_no_bad_file(pictures, tmp_path, monkeypatch):
    real, calls = describe.describe_file, []

    def killed(path, *rest):
        calls.append(path)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(path, *rest)

    monkeypatch.setattr("laudo.prepare.descriptor_cache.PACK_IMAGES", 2)
    monkeypatch.setattr(describe, "describe_file", killed)
    with pytest.raises(KeyboardInterrupt):
        describe_images(pictures, SMALL, ("intensity",), tmp_path / "cache", jobs=1)
    calls[:] = [None] * 9
    assert len(describe_images(pictures, SMALL, ("intensity",), tmp_path / "cache", jobs=1)) == 5
    assert len(calls) - 9 in {3, 5}  # the pack of the first two was whole, or not yet begun
