"""The mask in what a network sees: erased outside, as a plane beside the image, and what people are shown of it."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from laudo.core.errors import RecipeError, UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.recipe import Prepare
from laudo.core.recipe_file import parse_recipe
from laudo.prepare.cache import prepare_images
from laudo.prepare.cut import cropped
from laudo.prepare.fitted import fit_prepare
from laudo.prepare.shown import shown
from laudo.prepare.transform import channels, prepare_array, prepare_file

RECIPE = "name: x\ndata: {source: folders}\nnetwork: {backbone: small_cnn}\n"
PLANES = ("image", "mask", "whole")
SIZE = {"height": 24, "width": 32}


def picture() -> np.ndarray:
    """(90, 70) uint8, no value 0."""
    y, x = np.mgrid[:90, :70]
    return (20 + (y * 7 + x * 13) % 200).astype(np.uint8)


def lesion() -> np.ndarray:
    y, x = np.mgrid[:90, :70]
    return (((y - 48) ** 2 / 100 + (x - 36) ** 2 / 64) < 1).astype(np.uint8) * 3


def bilinear(array: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(array).resize((32, 24), Image.Resampling.BILINEAR))


def padded(array: np.ndarray) -> np.ndarray:
    """Scaled to 24 rows or 32 columns and put into the middle of black."""
    height, width = array.shape
    factor = min(24 / height, 32 / width)
    small = Image.fromarray(array).resize((round(width * factor), round(height * factor)), Image.Resampling.BILINEAR)
    out = np.zeros((24, 32), np.uint8)
    top, left = (24 - small.height) // 2, (32 - small.width) // 2
    out[top : top + small.height, left : left + small.width] = np.array(small)
    return out


# planes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fit", "resized"), [("stretch", bilinear), ("pad", padded)])
def test_planes_are_the_lesions_box_its_mask_and_the_whole_image(fit, resized):
    image, mask = picture(), lesion()
    made = prepare_array(image, Prepare(**SIZE, fit=fit, crop="lesion", margin=0.5, planes=PLANES), mask)
    assert made.shape == (24, 32, 3)
    assert made.dtype == np.uint8
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    down, across = int(np.ceil((bottom - top) / 2)), int(np.ceil((right - left) / 2))
    box = np.s_[max(0, top - down) : bottom + down, max(0, left - across) : right + across]
    assert np.array_equal(made[..., 0], resized(image[box]))
    assert np.array_equal(made[..., 1], resized(np.where(mask[box], 255, 0).astype(np.uint8)))
    assert np.array_equal(made[..., 2], resized(image))
    assert len(np.unique(made[..., 1])) > 10, "the mask's edge is soft"


def test_planes_come_in_the_order_of_the_recipe_and_one_is_a_grey_image():
    image, mask = picture(), lesion()
    settings = {**SIZE, "crop": "lesion", "margin": 0.2}
    three = prepare_array(image, Prepare(**settings, planes=PLANES), mask)
    turned = prepare_array(image, Prepare(**settings, planes=("whole", "image", "image")), mask)
    assert np.array_equal(turned, three[..., [2, 0, 0]])
    for place, name in enumerate(PLANES):
        prepare = Prepare(**settings, planes=(name,))
        assert channels(prepare) == 1
        assert np.array_equal(prepare_array(image, prepare, mask), three[..., place : place + 1])


def test_colours_become_grey_in_planes():
    colour = np.dstack([picture(), picture() // 2, 255 - picture()])
    made = prepare_array(colour, Prepare(height=90, width=70, planes=("image",)))
    assert np.array_equal(made[..., 0], np.array(Image.fromarray(colour).convert("L")))


def test_each_plane_has_its_own_grey_levels():
    """A window of percentiles is measured on what is in the plane."""
    image, mask = picture() // 4, lesion()
    image[mask > 0] = image[mask > 0] // 2 + 150
    settings = {**SIZE, "crop": "lesion", "margin": 0.0, "intensity": "percentile", "percentiles": (0, 100)}
    made = prepare_array(image, Prepare(**settings, planes=PLANES), mask)
    box = image[np.ix_(mask.any(axis=1), mask.any(axis=0))]
    for plane, part in ((0, box), (2, image)):
        values = part.astype(np.float32)
        stretched = (values - values.min()) * (255 / (values.max() - values.min()))
        assert np.array_equal(made[..., plane], bilinear(stretched.round().astype(np.uint8)))


def test_without_a_mask_all_of_the_image_is_the_lesion(tmp_path):
    image = picture()
    Image.fromarray(image).save(tmp_path / "i.png")
    Image.fromarray(image * 0).save(tmp_path / "empty.png")
    settings = {**SIZE, "crop": "lesion", "mask": "erase", "planes": PLANES}
    for masks in ([], [tmp_path / "empty.png"]):
        with pytest.raises(UnreadableImageError, match="lesion") as caught:
            prepare_file(tmp_path / "i.png", Prepare(**settings), masks)
        assert "without_mask" in caught.value.cure
        made = prepare_file(tmp_path / "i.png", Prepare(**settings, without_mask="whole"), masks)
        assert (made[..., 1] == 255).all()
        assert np.array_equal(made[..., 0], bilinear(image))
        assert np.array_equal(made[..., 2], bilinear(image))


def test_a_mask_of_another_size_is_laid_over_the_image():
    image, mask = picture(), lesion()
    twice = mask.repeat(2, axis=0).repeat(2, axis=1)
    prepare = Prepare(**SIZE, crop="lesion", mask="erase", planes=PLANES)
    assert np.array_equal(prepare_array(image, prepare, twice), prepare_array(image, prepare, mask))
    speck = np.zeros((900, 700), np.uint8)
    speck[455, 333] = 1
    seen = prepare_array(image, Prepare(height=90, width=70, mask="erase", colour="grey"), speck)[..., 0]
    assert np.argwhere(seen).tolist() == [[45, 33]], "a lesion below one pixel keeps the pixel that it lies in"


# erase -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_outside_the_mask_everything_is_black_and_inside_nothing_changes(colour):
    image, mask = picture(), lesion()
    made = prepare_array(image, Prepare(height=90, width=70, mask="erase", colour=colour), mask)
    assert np.array_equal(made, np.where(mask, image, 0)[..., None].repeat(made.shape[2], axis=2))


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("intensity", ["percentile", "zscore", "none"])
def test_grey_levels_are_measured_inside_the_mask(dtype, intensity):
    """What lies outside has no say: other values there give the same image, black outside."""
    mask = lesion() > 0
    image = picture().astype(dtype)
    if dtype != np.uint8:
        image = image * 5 - 900  # below 0: black is not the value 0
    other = np.where(mask, image, image.max() if dtype == np.uint8 else image.max() + 4000).astype(dtype)
    prepare = Prepare(height=90, width=70, mask="erase", colour="grey", intensity=intensity)
    made = prepare_array(image, prepare, mask)[..., 0]
    assert np.array_equal(made, prepare_array(other, prepare, mask)[..., 0])
    assert (made[~mask] == 0).all()
    if intensity != "none":
        inside = image[mask].astype(np.float64)
        low, high = np.percentile(inside, (1, 99))
        if intensity == "zscore":
            low, high = inside.mean() - 3 * inside.std(), inside.mean() + 3 * inside.std()
        expected = ((inside - low) * 255 / (high - low)).clip(0, 255)
        assert np.abs(made[mask] - expected).max() <= 0.51


def test_the_image_is_erased_before_it_is_cropped_to_its_content():
    image, mask = picture(), ndimage.binary_dilation(lesion(), iterations=5)
    cut = cropped(image, mask, Prepare(mask="erase", crop="content"))
    assert cut.array.shape[0] < 45
    assert cut.array.shape[1] < 45
    assert cut.inside is not None
    assert cut.inside.mean() > 0.6


def test_what_is_fitted_on_the_training_part_is_fitted_inside_the_mask(tmp_path):
    image, mask = picture(), lesion()
    Image.fromarray(image).save(tmp_path / "i.png")
    Image.fromarray((mask > 0).astype(np.uint8) * 255).save(tmp_path / "m.png")
    row = {
        "sample": "i",
        "image": "i.png",
        "mask": "m.png",
        "label": "a",
        "sha256": "1",
        "mask_sha256": "2",
        "split": "train",
    }
    manifest = Manifest.from_rows([row], tmp_path, "made", ("a", "b"))
    fitted = fit_prepare(manifest, Prepare(mask="erase", intensity="fitted"))
    assert fitted.limits == pytest.approx(np.percentile(image[mask > 0], (1, 99)), rel=1e-5)


# around them -------------------------------------------------------------------------------------------------


def test_the_cache_keeps_planes_and_knows_another_mask(tmp_path):
    image, mask = picture(), (lesion() > 0).astype(np.uint8) * 255
    made = []
    for number, turned in enumerate((mask, mask[::-1])):
        Image.fromarray(image).save(tmp_path / "i.png")
        Image.fromarray(turned).save(tmp_path / "m.png")
        keys = {name: hashlib.sha256((tmp_path / f"{name}.png").read_bytes()).hexdigest() for name in "im"}
        row = {
            "sample": "i",
            "image": "i.png",
            "mask": "m.png",
            "label": "a",
            "sha256": keys["i"],
            "mask_sha256": keys["m"],
        }
        manifest = Manifest.from_rows([row], tmp_path, "made", ("a", "b"))
        prepare = Prepare(**SIZE, planes=("image", "mask", "image"))
        made.append(prepare_images(manifest, prepare, tmp_path / "cache", jobs=1).read([0])[0])
        assert np.array_equal(made[number], prepare_array(image, prepare, turned))
    assert not np.array_equal(made[0], made[1])


def test_people_are_shown_the_image_among_the_planes():
    pixels = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)
    assert shown(pixels, Prepare()) is pixels
    assert np.array_equal(shown(pixels, Prepare(planes=("mask", "image", "whole"))), pixels[..., 1:2])
    assert np.array_equal(shown(pixels[0], Prepare(planes=("mask", "mask", "whole"))), pixels[0][..., 2:3])
    assert np.array_equal(shown(pixels[..., :1], Prepare(planes=("mask",))), pixels[..., :1])


def test_two_planes_are_refused():
    with pytest.raises(RecipeError, match="one or three"):
        parse_recipe(RECIPE + "prepare: {planes: [image, mask]}", Path("x.yaml"))
