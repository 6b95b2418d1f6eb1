"""The deterministic way from an image to what a network eats."""

import numpy as np
import pytest
from PIL import Image

from laudo.core.errors import UnreadableImageError
from laudo.core.recipe import Prepare
from laudo.prepare import transform
from laudo.prepare.transform import channels, prepare_array, prepare_file, transform_key
from laudo.read.content import content_box
from laudo.sources.phantom_brain import slices


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """(128, 128) uint8 slice that does not touch the margin of its frame."""
    return next(slices(1, seed=6, size=128)).image


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize("crop", ["none", "content"])
@pytest.mark.parametrize("intensity", ["none", "percentile"])
@pytest.mark.parametrize("colour", ["grey", "rgb"])
@pytest.mark.parametrize("kind", ["grey", "colour", "sixteen bits", "sixteen bits, colour"])
def test_whatever_comes_in_has_the_shape_that_was_asked_for(head, fit, crop, intensity, colour, kind):
    array = head if "colour" not in kind else np.dstack([head, head // 2, 255 - head])
    array = array.astype(np.uint16) * 200 if "sixteen" in kind else array
    prepare = Prepare(height=40, width=56, fit=fit, crop=crop, intensity=intensity, colour=colour)
    out = prepare_array(array, prepare)
    assert out.shape == (40, 56, channels(prepare))
    assert out.dtype == np.uint8
    assert out.std() > 10
    assert np.array_equal(out, prepare_array(array.copy(), prepare))


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 3)])
@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_extreme_shapes(shape, fit):
    array = np.full(shape, 77, np.uint8)
    out = prepare_array(array, Prepare(height=16, width=32, fit=fit, crop="content"))
    assert out.shape == (16, 32, 3)
    assert out.max() == 77


def test_an_image_of_the_right_size_is_not_touched(head):
    out = prepare_array(head, Prepare(height=128, width=128, colour="grey"))
    assert np.array_equal(out[..., 0], head)
    colour = np.dstack([head, head // 2, 255 - head])
    assert np.array_equal(prepare_array(colour, Prepare(height=128, width=128)), colour)


def test_grey_is_repeated_for_networks_that_want_three(head):
    out = prepare_array(head, Prepare(height=64, width=64))
    assert np.array_equal(out[..., 0], out[..., 1])
    assert np.array_equal(out[..., 0], out[..., 2])


def test_padding_keeps_the_aspect_and_centres():
    wide = np.full((20, 80), 200, np.uint8)
    out = prepare_array(wide, Prepare(height=64, width=64, fit="pad", colour="grey"))[..., 0]
    rows = np.flatnonzero(out.any(axis=1))
    assert (rows.min(), rows.max()) == (24, 39)
    assert (out[24:40] == 200).all()
    tall = prepare_array(wide.T, Prepare(height=64, width=64, fit="pad", colour="grey"))[..., 0]
    assert np.array_equal(tall, out.T)
    stretched = prepare_array(wide, Prepare(height=64, width=64, colour="grey"))
    assert (stretched == 200).all()


def test_shrinking_is_antialiased():
    stripes = np.zeros((256, 256), np.uint8)
    stripes[:, ::2] = 255
    out = prepare_array(stripes, Prepare(height=32, width=32, colour="grey"))
    assert np.abs(out.astype(int) - 127.5).max() < 12


# crop --------------------------------------------------------------------------------------------------------


def framed(head: np.ndarray) -> np.ndarray:
    """The head in a wide black frame with white letters, a ruler and a thin line in its margin."""
    frame = np.zeros((240, 300), np.uint8)
    frame[60:188, 90:218] = head
    frame[6:14, 10:60:3] = 255  # letters
    frame[220:228, 200:290:4] = 255
    frame[30:200:6, 285:295] = 255  # ruler
    frame[:, 2] = 180  # line
    return frame


def test_letters_and_rulers_in_the_margin_do_not_count(head):
    frame = framed(head)
    rows, columns = content_box(frame)
    bright = np.argwhere(head > 40)
    (top, left), (bottom, right) = bright.min(0), bright.max(0)
    found = (rows.start - 60, rows.stop - 60, columns.start - 90, columns.stop - 90)
    assert np.abs(np.array(found) - (top, bottom + 1, left, right + 1)).max() <= 5


def test_cropping_a_framed_head_gives_nearly_what_the_head_itself_gives(head):
    prepare = Prepare(height=64, width=64, crop="content", colour="grey")
    bare, dressed = prepare_array(head, prepare), prepare_array(framed(head), prepare)
    assert np.corrcoef(bare.ravel(), dressed.ravel())[0, 1] > 0.95
    plain = prepare_array(framed(head), Prepare(height=64, width=64, colour="grey"))
    assert np.corrcoef(bare.ravel(), plain.ravel())[0, 1] < 0.6


@pytest.mark.parametrize("array", [np.zeros((50, 60)), np.full((50, 60), 9)])
def test_without_content_nothing_is_cut(array):
    assert array[content_box(array)].shape == array.shape


def test_a_speck_is_no_content():
    array = np.zeros((200, 200), np.uint8)
    array[90:110, 90:110] = 255
    assert array[content_box(array)].shape == (200, 200)


# intensity ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (100, 400), (30_000, 30_255)])
def test_sixteen_bits_are_stretched_over_their_own_range(low, high):
    ramp = np.linspace(low, high, 64 * 64).reshape(64, 64).round().astype(np.uint16)
    out = prepare_array(ramp, Prepare(height=64, width=64, colour="grey"))[..., 0]
    assert (out.min(), out.max()) == (0, 255)
    assert np.abs(out - (ramp.astype(float) - low) * 255 / (high - low)).max() <= 0.51


def test_eight_bits_are_left_alone_unless_asked():
    dim = np.linspace(50, 90, 64 * 64).reshape(64, 64).astype(np.uint8)
    plain = prepare_array(dim, Prepare(height=64, width=64, colour="grey"))
    assert (plain.min(), plain.max()) == (50, 90)
    stretched = prepare_array(dim, Prepare(height=64, width=64, colour="grey", intensity="percentile"))
    assert (stretched.min(), stretched.max()) == (0, 255)


def test_percentiles_do_not_follow_a_single_bright_pixel():
    dim = np.linspace(50, 90, 64 * 64).reshape(64, 64)
    dim[0, 0] = 255
    out = prepare_array(dim.astype(np.uint8), Prepare(height=64, width=64, colour="grey", intensity="percentile"))
    assert np.median(out) == pytest.approx(127, abs=8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_image_of_one_level_is_no_division_by_zero(dtype):
    flat = np.full((32, 32), 99, dtype)
    out = prepare_array(flat, Prepare(height=16, width=16, intensity="percentile"))
    assert out.shape == (16, 16, 3)
    assert not out.any()


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_calibrated_images_are_windowed_in_their_own_units(dtype):
    """Hounsfield units of a ramp: a window of 40 ± 200 makes -160 black, 240 white and 40 grey."""
    ramp = np.linspace(-1000, 1000, 64 * 64).reshape(64, 64).round().astype(dtype)
    out = prepare_array(ramp, Prepare(height=64, width=64, colour="grey", intensity="window", window=(40, 400)))[..., 0]
    assert (out[ramp <= -160] == 0).all()
    assert (out[ramp >= 240] == 255).all()
    assert np.abs(out[np.abs(ramp - 40) <= 1].astype(int) - 127.5).max() <= 2
    plain = prepare_array(ramp, Prepare(height=64, width=64, colour="grey"))
    assert (plain.min(), plain.max()) == (0, 255)


def test_zscore_puts_the_mean_in_the_middle_and_three_deviations_at_the_ends():
    rng = np.random.default_rng(0)
    noise = rng.normal(90, 10, (64, 64)).clip(0, 255).round().astype(np.uint8)
    out = prepare_array(noise, Prepare(height=64, width=64, colour="grey", intensity="zscore"))[..., 0]
    assert out.mean() == pytest.approx(127.5, abs=1)
    assert out.std() == pytest.approx(255 / 6, abs=1)


# lesion ------------------------------------------------------------------------------------------------------


def lesion_in(shape=(100, 120), box=(20, 40, 60, 100)) -> tuple[np.ndarray, np.ndarray]:
    image = np.full(shape, 50, np.uint8)
    image[box[0] : box[1], box[2] : box[3]] = 200
    mask = np.zeros(shape, np.uint8)
    mask[box[0] : box[1], box[2] : box[3]] = 255
    return image, mask


def test_the_box_of_the_mask_is_cut_out_with_a_margin():
    image, mask = lesion_in()
    tight = Prepare(height=20, width=40, crop="lesion", margin=0.0, colour="grey")
    assert (prepare_array(image, tight, mask) == 200).all()
    wide = Prepare(height=40, width=80, crop="lesion", margin=0.5, colour="grey")
    out = prepare_array(image, wide, mask)[..., 0]
    assert (out[10:30, 20:60] == 200).all()
    assert (out[:10] == 50).all()
    assert (out[:, 60:] == 50).all()


def test_a_mask_of_another_size_lies_over_the_whole_image():
    image, mask = lesion_in()
    tight = Prepare(height=20, width=40, crop="lesion", margin=0.0, colour="grey")
    assert (prepare_array(image, tight, mask[::2, ::2]) == 200).all()


def test_without_a_mask_it_is_said_or_the_image_stays_whole(tmp_path):
    image, mask = lesion_in()
    for name, pixels in (("i", image), ("m", mask), ("empty", mask * 0)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    settings = {"height": 20, "width": 40, "crop": "lesion", "margin": 0.0, "colour": "grey"}
    assert (prepare_file(tmp_path / "i.png", Prepare(**settings), [tmp_path / "m.png"]) == 200).all()
    for masks in ([], [tmp_path / "empty.png"]):
        with pytest.raises(UnreadableImageError, match="lesion") as caught:
            prepare_file(tmp_path / "i.png", Prepare(**settings), masks)
        assert "without_mask" in caught.value.cure
        whole = prepare_file(tmp_path / "i.png", Prepare(**settings, without_mask="whole"), masks)
        assert np.array_equal(whole, prepare_array(image, Prepare(height=20, width=40, colour="grey")))


# key ---------------------------------------------------------------------------------------------------------

OTHER = {
    "height": [{"height": 64}],
    "width": [{"width": 64}],
    "fit": [{"fit": "pad"}],
    "crop": [{"crop": "content"}, {"crop": "lesion"}],
    "margin": [{"margin": 0.2}],
    "without_mask": [{"without_mask": "whole"}],
    "intensity": [{"intensity": "percentile"}, {"intensity": "zscore"}],
    "percentiles": [{"percentiles": (2, 99)}],
    "window": [{"intensity": "window", "window": (40, 80)}, {"intensity": "window", "window": (40, 90)}],
    "limits": [{"intensity": name, "limits": (0, high)} for name in ("range", "fitted") for high in (5, 6)],
    "colour": [{"colour": "grey"}],
    "mask": [{"mask": "erase"}],
    "planes": [
        {"planes": ["image"]},
        {"planes": ["mask"]},
        {"planes": ["image", "mask", "whole"]},
        {"planes": ["image", "whole", "mask"]},
    ],
    "volume": [],
}


def test_every_setting_has_another_value_here():
    assert set(OTHER) == set(Prepare.model_fields)


def test_every_setting_changes_the_key():
    changes = [change for changes in OTHER.values() for change in changes]
    keys = [transform_key(Prepare()), *[transform_key(Prepare(**change)) for change in changes]]
    assert len(set(keys)) == len(keys)
    assert transform_key(Prepare()) == transform_key(Prepare(height=256))


def test_settings_that_are_not_fitted_have_no_key():
    with pytest.raises(ValueError, match="not fitted"):
        transform_key(Prepare(intensity="fitted"))


@pytest.mark.parametrize(("name", "value"), [("DECODERS", "pillow 0"), ("VERSION", 0)])
def test_another_decoder_or_another_version_of_the_code_changes_the_key(monkeypatch, name, value):
    before = transform_key(Prepare())
    monkeypatch.setattr(transform, name, value)
    assert transform_key(Prepare()) != before


def test_a_file_is_read_and_prepared(head, tmp_path):
    Image.fromarray(head).save(tmp_path / "x.png")
    prepare = Prepare(height=32, width=32)
    assert np.array_equal(prepare_file(tmp_path / "x.png", prepare), prepare_array(head, prepare))
