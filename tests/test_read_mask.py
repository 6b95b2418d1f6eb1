"""Masks of every format: black and white, label maps, several files."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from laudo.core.errors import UnreadableImageError
from laudo.read.mask import read_mask
from read_examples import picture, volume, write_mat73, write_nifti


def png(path, array):
    Image.fromarray(array).save(path)
    return path


def halves(value, dtype=np.uint8):
    array = np.zeros((20, 30), dtype)
    array[:, 10:] = value
    return array


@pytest.mark.parametrize("value", [255, 128, 200])
def test_black_and_white(tmp_path, value):
    mask = read_mask([png(tmp_path / "m.png", halves(value))])
    assert np.array_equal(mask.labels, halves(1))
    assert mask.labels.dtype == np.uint8
    assert mask.values == (0, value)
    assert not mask.grey_edges


def test_grey_edges_are_thresholded_at_127(tmp_path):
    array = halves(255)
    array[:, 9], array[:, 10] = 127, 128
    mask = read_mask([png(tmp_path / "m.png", array)])
    assert np.array_equal(mask.labels, halves(1))
    assert mask.values == (0, 127, 128, 255)
    assert mask.grey_edges


def test_small_values_are_labels(tmp_path):
    array = halves(2)
    array[0, 0] = 1
    mask = read_mask([png(tmp_path / "m.png", array)])
    assert np.array_equal(mask.labels, array)
    assert mask.values == (0, 1, 2)
    assert not mask.grey_edges


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ((85, 255), {0, 85, 255}),
        ((85, 170, 255), {0, 85, 255}),
        ((255,), {0, 1}),  # 85 has no name: an edge between black and white
        ((1,), {0, 1}),
        ((), {0, 1}),
    ],
)
def test_values_that_all_have_a_name_are_labels_however_high(tmp_path, named, wanted):
    array = halves(255)
    array[:, :4] = 85
    mask = read_mask([png(tmp_path / "m.png", array)], named)
    assert set(np.unique(mask.labels)) == wanted
    assert mask.grey_edges == (wanted == {0, 1})


def test_colours_count_by_their_brightest_channel(tmp_path):
    array = np.stack([halves(255), halves(0), halves(0)], axis=2)
    assert np.array_equal(read_mask([png(tmp_path / "m.png", array)]).labels, halves(1))


def test_several_files_are_united(tmp_path):
    one, two = halves(255), np.zeros((20, 30), np.uint8)
    two[:5] = 255
    mask = read_mask([png(tmp_path / "1.png", one), png(tmp_path / "2.png", two)])
    assert np.array_equal(mask.labels, ((one > 0) | (two > 0)).astype(np.uint8))
    with pytest.raises(UnreadableImageError, match="same size") as caught:
        read_mask([tmp_path / "1.png", png(tmp_path / "3.png", two[:10])])
    assert caught.value.file == str(tmp_path / "3.png")


def test_empty_and_full(tmp_path):
    assert read_mask([png(tmp_path / "e.png", np.zeros((4, 4), np.uint8))]).values == (0,)
    full = read_mask([png(tmp_path / "f.png", np.full((4, 4), 255, np.uint8))])
    assert full.labels.all()
    assert full.values == (255,)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_label_maps_of_volumes_keep_their_values(tmp_path, dtype):
    array = np.zeros((5, 6, 7), dtype)
    array[1:3], array[4], array[0, 0, 0] = 1, 4, 200
    mask = read_mask([write_nifti(tmp_path / "m.nii.gz", array)])
    assert np.array_equal(mask.labels, array)
    assert mask.labels.dtype == np.uint8
    assert mask.values == (0, 1, 4, 200)
    assert not mask.grey_edges
    assert mask.spacing_mm == (1, 2, 3)
    assert mask.affine is not None


def test_values_that_are_no_labels_are_refused(tmp_path):
    array = volume().astype(np.float32) + 0.5
    with pytest.raises(UnreadableImageError, match="not labels") as caught:
        read_mask([write_nifti(tmp_path / "m.nii", array)])
    assert "exchange" in caught.value.cure
    with pytest.raises(UnreadableImageError, match="not labels"):
        read_mask([write_nifti(tmp_path / "n.nii", volume().astype(np.int32) * 1000)])


def test_negative_labels(tmp_path):
    mask = read_mask([write_nifti(tmp_path / "m.nii", volume())])
    assert mask.labels.dtype == np.int16
    assert mask.values[0] == -40
    assert len(mask.values) == 256


def test_volumes_in_different_places_are_refused(tmp_path):
    array = np.ones((4, 4, 4), np.uint8)
    write_nifti(tmp_path / "a.nii", array)
    moved = np.diag([1.0, 2.0, 3.0, 1.0])
    moved[0, 3] = 5
    nib.save(nib.Nifti1Image(array, moved), tmp_path / "b.nii")
    with pytest.raises(UnreadableImageError, match="same size and place"):
        read_mask([tmp_path / "a.nii", tmp_path / "b.nii"])


def test_the_mask_in_a_matlab_struct(tmp_path):
    tumour = picture() > 100
    write_mat73(tmp_path / "1.mat", image=picture().astype(np.int16), tumorMask=tumour)
    mask = read_mask([tmp_path / "1.mat#tumorMask"])
    assert np.array_equal(mask.labels, tumour)
    assert mask.values == (0, 255)
    assert not mask.grey_edges
