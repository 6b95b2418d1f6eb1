"""Label maps of pictures on the prepared grid, and back on the picture's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from laudo.core.recipe import Prepare
from laudo.prepare.mask_back import picture_mask_back, prepare_label_map
from laudo.prepare.transform import prepare_array

WAYS = [
    {"fit": fit, "crop": crop, "mask": mask}
    for fit in ("stretch", "pad")
    for crop in ("none", "content", "lesion")
    for mask in ("keep", "erase")
]


def scan(height: int = 130, width: int = 170) -> tuple[np.ndarray, np.ndarray]:
    """A bright head in a dark picture, and in it two structures next to each other."""
    rows, columns = np.mgrid[:height, :width]
    head = ((rows - 0.5 * height) / (0.36 * height)) ** 2 + ((columns - 0.55 * width) / (0.34 * width)) ** 2 < 1
    array = np.where(head, 120 + rows // 4 + columns // 4, 3).astype(np.uint8)
    inside = ((rows - 0.45 * height) / (0.17 * height)) ** 2 + ((columns - 0.6 * width) / (0.15 * width)) ** 2 < 1
    return array, np.where(inside, np.where(columns < 0.6 * width, 1, 3), 0).astype(np.uint8)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way.values()))
@pytest.mark.parametrize("size", [(130, 170), (64, 96), (300, 280)])
def test_a_label_map_comes_back_where_it_was(way, size):
    array, labels = scan()
    prepare = Prepare(height=size[0], width=size[1], margin=0.2, **way)
    made = prepare_label_map(labels, array, prepare)
    assert made.shape == size
    assert made.dtype == np.uint8
    assert set(np.unique(made)) == {0, 1, 3}
    back = picture_mask_back(made, array, prepare, labels)
    assert back.shape == array.shape
    assert back.dtype == np.uint8
    least = 0.999 if min(size) > 200 else 0.94
    for value in (1, 3):
        assert dice(back == value, labels == value) >= least
    shares = np.stack([made == value for value in (0, 1, 3)]).astype(np.float32)
    soft = picture_mask_back(shares, array, prepare, labels)
    assert soft.shape == (3, *array.shape)
    assert soft.dtype == np.float32
    for value, label in enumerate((0, 1, 3)):
        assert dice(soft.argmax(axis=0) == value, labels == label) >= least


def test_a_picture_of_its_own_size_is_copied():
    array, labels = scan(40, 56)
    prepare = Prepare(height=40, width=56)
    assert np.array_equal(prepare_label_map(labels, array, prepare), labels)
    assert np.array_equal(picture_mask_back(labels, array, prepare), labels)
    soft = np.random.default_rng(0).random((2, 40, 56))
    assert np.array_equal(picture_mask_back(soft, array, prepare), soft)


@pytest.mark.parametrize("way", WAYS[:6:2], ids=lambda way: "-".join(way.values()))
@pytest.mark.parametrize("size", [(48, 60), (210, 190)])
def test_labels_lie_over_the_prepared_image(way, size):
    """The label map is the picture's own threshold: after preparation it is that of the prepared picture, to half a pixel."""
    rows, columns = np.mgrid[:120, :160]
    for ramp in (rows * 2, columns * 1.5):
        array = ramp.astype(np.uint8) + 10
        labels = (array > 130).astype(np.uint8)
        prepare = Prepare(height=size[0], width=size[1], colour="grey", **way)
        image = prepare_array(array, prepare, labels)[..., 0].astype(int)
        made = prepare_label_map(labels, array, prepare)
        step = max(1, np.abs(np.diff(image, axis=0)).max() if ramp is rows * 2 else 4)
        sure = np.abs(image - 130) > step
        filled = image > 0
        assert np.array_equal((image > 130)[sure & filled], made[sure & filled] == 1)
        assert not made[~filled].any()


@settings(max_examples=30)
@given(st.integers(16, 80), st.integers(16, 80), st.integers(17, 90), st.integers(17, 90))
def test_nearest_is_pillows(height, width, own_height, own_width):
    """But where the middle of a pixel lies on the edge of two."""
    labels = np.random.default_rng(height * width).integers(0, 99, (own_height, own_width)).astype(np.uint8)
    made = prepare_label_map(labels, labels, Prepare(height=height, width=width))
    expected = np.asarray(Image.fromarray(labels).resize((width, height), Image.Resampling.NEAREST))
    sides = ((height, own_height), (width, own_width))
    rows, columns = ((2 * np.arange(side) + 1) * own % (2 * side) != 0 for side, own in sides)
    assert np.array_equal(made[np.ix_(rows, columns)], expected[np.ix_(rows, columns)])


def test_probabilities_are_interpolated_as_torch_does():
    import torch

    soft = np.random.default_rng(1).random((2, 30, 44)).astype(np.float32)
    back = picture_mask_back(soft, np.zeros((75, 61), np.uint8), Prepare(height=30, width=44))
    expected = torch.nn.functional.interpolate(torch.from_numpy(soft)[None], (75, 61), mode="bilinear")[0].numpy()
    assert np.allclose(back, expected, atol=1e-5)


@pytest.mark.parametrize("crop", ["none", "content", "lesion"])
def test_a_mask_of_another_size_lies_over_the_whole_picture(crop):
    array, labels = scan()
    twice = labels.repeat(2, axis=0).repeat(2, axis=1)
    prepare = Prepare(height=96, width=96, crop=crop, fit="pad")
    one, other = prepare_label_map(labels, array, prepare), prepare_label_map(twice, array, prepare)
    assert (one != other).mean() < 0.001
    assert np.array_equal(prepare_array(array, prepare, labels), prepare_array(array, prepare, twice))


def test_what_was_cut_away_has_no_structure():
    array, labels = scan()
    prepare = Prepare(height=64, width=64, crop="lesion", margin=0)
    rows, columns = (np.flatnonzero((labels > 0).any(axis=axis)) for axis in (1, 0))
    back = picture_mask_back(np.full((64, 64), 2, np.uint8), array, prepare, labels)
    expected = np.zeros_like(back)
    expected[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 2
    assert np.array_equal(back, expected)


def test_padding_never_reaches_the_picture():
    array = np.zeros((100, 200), np.uint8)
    prepare = Prepare(height=64, width=64, fit="pad")
    answer = np.zeros((1, 64, 64), np.float32)
    answer[:, 16:48] = 1.0
    assert (picture_mask_back(answer, array, prepare) == 1.0).all()
    assert (picture_mask_back(answer[0].astype(np.uint8), array, prepare) == 1).all()


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="prepared size"):
        picture_mask_back(np.zeros((9, 9), np.uint8), np.zeros((20, 20), np.uint8), Prepare())
