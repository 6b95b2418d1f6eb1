"""The slice viewer's data: what the page holds of a case decodes to the right voxels; pictures show what they should."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from laudo.report.case_picture import montage, paint, planes, rgb, thumbnail
from laudo.report.outlined_case import OutlinedCase, innermost
from laudo.report.slice_viewer import encode_runs, leb128, make_slices, thinning, viewed_box

RNG = np.random.default_rng(5)


def decode(runs: str, shape: tuple[int, ...], structures: int) -> tuple[np.ndarray, np.ndarray]:
    """Byte by byte, as the script does it."""
    numbers, value, factor = [], 0, 1
    for byte in base64.b64decode(runs):
        value += (byte & 127) * factor
        factor *= 128
        if byte < 128:
            numbers.append(value)
            value, factor = 0, 1
    pairs = [number for pair, length in zip(numbers[::2], numbers[1::2], strict=True) for number in [pair] * length]
    both = np.array(pairs).reshape(shape[::-1])
    return (both // (structures + 1)).T, (both % (structures + 1)).T


def blob(shape=(20, 30, 12), spacing=(1.0, 1.5, 3.0)) -> OutlinedCase:
    """Two structures beside each other, the prediction a voxel off; grey levels tell the axes apart."""
    x, y, z = np.meshgrid(*[np.arange(side) for side in shape], indexing="ij")
    truth = ((x > 8) & (x < 15) & (y > 10) & (y < 22) & (z > 3) & (z < 9)).astype(np.uint8)
    truth[truth > 0] += (y[truth > 0] > 16).astype(np.uint8)
    grey = (40 + 4 * x + 2 * y + 6 * z).clip(0, 255).astype(np.uint8)
    return OutlinedCase("a", grey, truth, np.roll(truth, 1, axis=1), spacing)


@given(st.lists(st.integers(0, 2**40), max_size=30))
def test_numbers_of_any_size_are_read_back(numbers):
    value, factor, found = 0, 1, []
    for byte in leb128(np.array(numbers, dtype=np.int64)):
        value += (byte & 127) * factor
        factor *= 128
        if byte < 128:
            found.append(value)
            value, factor = 0, 1
    assert found == numbers


@pytest.mark.parametrize("structures", [1, 3, 20])
def test_masks_decode_to_the_same_voxels(structures):
    truth = RNG.integers(0, structures + 1, (7, 5, 3)).astype(np.uint8)
    predicted = RNG.integers(0, structures + 1, (7, 5, 3)).astype(np.uint8)
    found = decode(encode_runs(truth.T, predicted.T, structures), truth.shape, structures)
    assert np.array_equal(found[0], truth)
    assert np.array_equal(found[1], predicted)


def test_a_volume_is_there_voxel_by_voxel():
    case = blob()
    slices = make_slices(case, 2)
    assert slices.step == (1, 1, 1)
    assert slices.shape == case.truth.shape
    assert slices.spacing == case.spacing_mm
    truth, predicted = decode(slices.runs, slices.shape, 2)
    assert np.array_equal(truth, case.truth)
    assert np.array_equal(predicted, case.predicted)
    sheet = np.asarray(Image.open(io.BytesIO(slices.sheet)))
    x, y, _z = slices.shape
    for number in range(slices.shape[2]):
        row, column = divmod(number, slices.columns)
        tile = sheet[row * y : (row + 1) * y, column * x : (column + 1) * x].astype(int)
        assert np.abs(tile - case.grey[:, :, number].T).max() < 16  # a JPEG


def test_the_first_slices_are_the_worst_ones():
    case = blob()
    assert make_slices(case, 2).places == case.places()
    i, j, k = case.places()
    counts = case.wrong.sum(axis=(0, 2))
    assert counts[j] == counts.max() > 0
    right = OutlinedCase("b", case.grey, case.truth, case.truth, case.spacing_mm)
    assert case.truth[i, :, k].any()
    assert right.truth[right.places()[0]].any()  # nothing is wrong: where most is marked
    nothing = np.zeros_like(case.truth)
    assert OutlinedCase("c", case.grey, nothing, nothing, case.spacing_mm).places() == (10, 15, 6)


def test_a_large_volume_is_thinned_out_along_its_finest_axes():
    case = blob(shape=(40, 40, 10), spacing=(1.0, 1.0, 4.0))
    slices = make_slices(case, 2, most_voxels=5000)
    assert slices.step == (2, 2, 1)
    assert slices.shape == (20, 20, 10)
    assert slices.spacing == (2.0, 2.0, 4.0)
    truth, _predicted = decode(slices.runs, slices.shape, 2)
    assert np.array_equal(truth, case.truth[1::2, 1::2])
    assert slices.start == (1, 1, 0)
    assert thinning((10, 10, 10), (1.0, 1.0, 1.0), 10_000) == (1, 1, 1)


def test_background_around_the_content_is_left_out_but_no_mark():
    grey = np.zeros((30, 30, 30), np.uint8)
    grey[5:20, 6:21, 7:22] = RNG.integers(50, 200, (15, 15, 15))
    truth = np.zeros_like(grey)
    truth[10:14, 10:14, 10:14] = 1
    predicted = truth.copy()
    predicted[27, 2, 15] = 1
    case = OutlinedCase("a", grey, truth, predicted, (1.0, 1.0, 1.0))
    box = viewed_box(case, 10**6)
    assert box == (slice(5, 28), slice(2, 21), slice(7, 22))
    slices = make_slices(case, 1)
    assert slices.shape == (23, 19, 15)
    assert slices.start == (5, 2, 7)
    assert slices.total == (30, 30, 30)
    i, j, k = (start + place for start, place in zip(slices.start, slices.places, strict=True))
    assert (i, j, k) == case.places()


def test_a_picture_keeps_its_rows():
    grey = RNG.integers(0, 255, (12, 17, 3)).astype(np.uint8)
    truth = RNG.integers(0, 2, (12, 17)).astype(np.uint8)
    slices = make_slices(OutlinedCase("a", grey, truth, 1 - truth, (0.5, 0.25)), 1)
    assert slices.shape == (17, 12, 1)
    assert slices.spacing == (0.25, 0.5, 1.0)
    found, other = decode(slices.runs, slices.shape, 1)
    assert np.array_equal(found[:, :, 0].T, truth)
    assert np.array_equal(other[:, :, 0].T, 1 - truth)
    assert Image.open(io.BytesIO(slices.sheet)).size == (17, 12)


def test_nested_regions_are_shown_by_the_innermost():
    labels = np.array([[0, 1, 2, 4]])
    assert innermost(labels, [(1, 2, 4), (1, 4), (4,)]).tolist() == [[0, 2, 1, 3]]
    assert innermost(labels, [(2,), (4,)]).tolist() == [[0, 0, 1, 2]]


def test_planes_have_the_front_and_the_head_above_and_their_own_spacing():
    case = blob()
    i, j, k = 12, 15, 6
    axial, coronal, sagittal = planes(case, (i, j, k))
    assert np.array_equal(axial[0], case.grey[:, ::-1, k].T)
    assert np.array_equal(coronal[0], case.grey[:, j, ::-1].T)
    assert np.array_equal(sagittal[1], case.truth[i, :, ::-1].T)
    assert [plane[3] for plane in (axial, coronal, sagittal)] == [(1.5, 1.0), (3.0, 1.0), (3.0, 1.5)]
    assert paint(coronal, 4.0).shape == (12 * 3 * 4, 20 * 4, 3)


def test_truth_is_a_line_and_the_prediction_an_area():
    grey = np.full((20, 20), 100, np.uint8)
    truth, predicted = np.zeros((2, 20, 20), np.uint8)
    truth[5:15, 5:15] = 1
    predicted[8:12, 2:12] = 1
    image = paint((grey, truth, predicted, (1.0, 1.0)), 5.0)
    assert np.array_equal(image[5 * 5, 50], rgb(1))  # on the border of the truth
    assert image[65, 65].tolist() == [100, 100, 100]  # inside it, not predicted
    filled = image[50, 15].astype(int)  # predicted, outside the truth
    assert filled[0] > 150 > filled[2]


def test_still_pictures_have_the_size_asked_for():
    case = blob()
    assert max(thumbnail(case, 90).shape) == 90
    assert montage(case, 200).shape[0] <= 200
    assert montage(case, 200).shape[1] > 200


def test_a_volume_of_one_slice_is_drawn():
    case = blob(shape=(20, 30, 5))
    one = OutlinedCase("a", *(part[:, :, 4:] for part in (case.grey, case.truth, case.predicted)), case.spacing_mm)
    slices = make_slices(one, 2)
    assert np.array_equal(decode(slices.runs, slices.shape, 2)[0], one.truth)
    assert montage(one, 100).ndim == 3
