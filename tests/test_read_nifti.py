"""NIfTI: axes as nibabel's own as_closest_canonical, numbers, and headers that lie."""

import gzip
import itertools
import struct

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff

from laudo.core.errors import UnreadableImageError
from laudo.read.nifti import read_nifti
from read_examples import volume, write_nifti

CODES = ["".join(code) for order in itertools.permutations(["LR", "AP", "SI"]) for code in itertools.product(*order)]


def affine_of(code: str, shape: tuple[int, int, int]) -> np.ndarray:
    """A slightly oblique affine whose axes run as the code says."""
    angle = np.deg2rad(7)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    base = np.eye(4)
    base[:3, :3] = turn @ np.diag([0.9, 1.1, 3.0])
    base[:3, 3] = [-80, 20, 5]
    return base @ np.linalg.inv(inv_ornt_aff(axcodes2ornt(code), shape))


@pytest.mark.parametrize("code", CODES)
def test_axes_are_those_of_nibabel(tmp_path, code):
    array = volume()
    path = write_nifti(tmp_path / "x.nii.gz", array, affine_of(code, array.shape))
    image = read_nifti(path)
    expected = nib.as_closest_canonical(nib.load(path))
    assert np.array_equal(image.array, np.asarray(expected.dataobj))
    assert np.allclose(image.affine, expected.affine)
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert np.allclose(image.spacing_mm, expected.header.get_zooms(), atol=1e-4)
    assert ("axes" in image.notes) == (code != "RAS")
    assert image.facts["axes"] == code


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("uint8", "uint8"),
        ("int8", "int16"),
        ("int16", "int16"),
        ("uint16", "uint16"),
        ("int32", "int16"),
        ("float32", "float32"),
        ("float64", "float32"),
        (">i2", "int16"),
    ],
)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_numbers(tmp_path, stored, expected, ending):
    array = (volume() % 120).astype(stored)
    image = read_nifti(write_nifti(tmp_path / f"x{ending}", array))
    assert image.array.dtype == expected
    assert np.array_equal(image.array, array)
    assert image.mode == np.dtype(stored).newbyteorder("=").name


def test_wide_integers_that_do_not_fit_are_real_numbers(tmp_path):
    image = read_nifti(write_nifti(tmp_path / "x.nii", volume().astype(np.int32) * 100_000))
    assert image.array.dtype == np.float32
    assert image.array.max() == volume().max() * 100_000.0


def test_nifti_2_and_big_endian(tmp_path):
    nib.save(nib.Nifti2Image(volume(), np.diag([1, 2, 3, 1])), tmp_path / "two.nii")
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    nib.save(nib.Nifti1Image(volume(), np.diag([1, 2, 3, 1]), header), tmp_path / "big.nii")
    for name in ("two.nii", "big.nii"):
        image = read_nifti(tmp_path / name)
        assert np.array_equal(image.array, volume()), name
        assert image.spacing_mm == (1, 2, 3), name


def test_scaling_is_applied(tmp_path):
    image = nib.Nifti1Image(volume(), np.eye(4))
    image.header.set_slope_inter(0.5, -10)
    # set_slope_inter scales on saving too; the stored numbers are what nibabel makes of them
    nib.save(image, tmp_path / "x.nii")
    read = read_nifti(tmp_path / "x.nii")
    expected = nib.load(tmp_path / "x.nii").get_fdata()
    assert "scaled" in read.notes
    assert read.array.dtype == np.float32
    assert np.allclose(read.array, expected)
    assert len(np.unique(expected)) > 50


def test_a_fourth_axis_of_one_is_dropped_and_a_longer_one_refused(tmp_path):
    image = read_nifti(write_nifti(tmp_path / "one.nii", volume()[..., None]))
    assert np.array_equal(image.array, volume())
    with pytest.raises(UnreadableImageError, match="axes") as caught:
        read_nifti(write_nifti(tmp_path / "two.nii", np.stack([volume()] * 2, axis=3)))
    assert "9 × 7 × 5 × 2" in caught.value.found


def test_two_axes_are_a_picture_as_a_radiologist_sees_it(tmp_path):
    array = volume((9, 7, 1))[..., 0]
    header = nib.Nifti1Image(array, np.diag([1.0, 2.0, 3.0, 1.0]))
    nib.save(header, tmp_path / "x.nii")
    image = read_nifti(tmp_path / "x.nii")
    assert not image.is_volume
    assert image.array.shape == (7, 9)
    assert image.spacing_mm == (2, 1)
    # right of the patient on the left of the picture, the front on top
    assert image.array[0, 0] == array[-1, -1]
    assert image.array[-1, -1] == array[0, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_counted(tmp_path, value):
    array = volume().astype(np.float32)
    array[1, 2, 3] = array[0, 0, 0] = value
    with pytest.raises(UnreadableImageError, match="not numbers") as caught:
        read_nifti(write_nifti(tmp_path / "x.nii.gz", array))
    assert "2 of 315" in caught.value.found


def patched(path, offset, form, *values):
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, offset, *values)
    path.write_bytes(data)
    return path


SROW, SFORM, QFORM, PIXDIM, SLOPE, UNITS, DIM = 280, 254, 252, 76, 112, 123, 40


@pytest.mark.parametrize(
    ("offset", "form", "values"),
    [
        (SROW, "<f", (np.nan,)),
        (SROW, "<f", (np.inf,)),
        (SROW, "<f", (0.0,)),
        (SROW, "<f", (1e6,)),
        (SROW, "<f", (1e-7,)),
        (SROW + 12, "<f", (1e30,)),
        (SLOPE, "<f", (np.inf,)),
        (DIM, "<4h", (3, 9, 7, -5)),
        (DIM, "<4h", (3, 0, 7, 5)),
        (DIM, "<h", (9,)),
        (DIM, "<4h", (3, 9, 7, 6)),
        (70, "<h", (1792,)),
        (70, "<h", (32,)),
        (108, "<f", (1e20,)),
        (108, "<f", (-5.0,)),
        (108, "<f", (0.0,)),
        (108, "<f", (np.nan,)),
    ],
)
def test_absurd_headers_are_refused(tmp_path, offset, form, values):
    with pytest.raises(UnreadableImageError):
        read_nifti(patched(write_nifti(tmp_path / "x.nii", volume()), offset, form, *values))


def test_a_file_that_does_not_say_how_it_lies(tmp_path):
    path = patched(write_nifti(tmp_path / "x.nii", volume()), QFORM, "<hh", 0, 0)
    image = read_nifti(path)
    assert "no-orientation" in image.notes
    assert np.array_equal(image.array, np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj))
    assert image.spacing_mm == (1, 2, 3)


def test_units_other_than_millimetres(tmp_path):
    path = write_nifti(tmp_path / "x.nii", volume(), np.diag([25.0, 50.0, 100.0, 1.0]))
    image = read_nifti(patched(path, UNITS, "<B", 3))
    assert "units" in image.notes
    assert np.allclose(image.spacing_mm, (0.025, 0.05, 0.1))


def test_pairs_are_named(tmp_path):
    nib.save(nib.Nifti1Pair(volume(), np.eye(4)), tmp_path / "x.hdr")
    with pytest.raises(UnreadableImageError) as caught:
        read_nifti(tmp_path / "x.hdr")
    assert "pair" in caught.value.found


def test_a_wrong_checksum_is_found(tmp_path):
    path = write_nifti(tmp_path / "x.nii.gz", volume())
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError, match="damaged"):
        read_nifti(path)


def test_several_gzip_members_are_one_file(tmp_path):
    whole = write_nifti(tmp_path / "x.nii", volume()).read_bytes()
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress(whole[:500]) + gzip.compress(whole[500:]))
    assert np.array_equal(read_nifti(tmp_path / "y.nii.gz").array, volume())


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    head = bytearray(write_nifti(tmp_path / "x.nii", volume()).read_bytes()[:352])
    struct.pack_into("<4h", head, DIM, 3, 1024, 512, 256)
    (tmp_path / "y.nii.gz").write_bytes(gzip.compress(bytes(head) + bytes(1 << 20)))
    with pytest.raises(UnreadableImageError, match="too large"):
        read_nifti(tmp_path / "y.nii.gz")
    struct.pack_into("<4h", head, DIM, 3, 9, 7, 5)
    struct.pack_into("<f", head, 108, 3e8)  # a small image far behind the zeros
    (tmp_path / "z.nii.gz").write_bytes(gzip.compress(bytes(head) + bytes(1 << 20)))
    with pytest.raises(UnreadableImageError, match="too large"):
        read_nifti(tmp_path / "z.nii.gz")
    struct.pack_into("<4h", head, DIM, 3, 32767, 32767, 32767)
    (tmp_path / "y.nii").write_bytes(head + bytes(1 << 20))
    with pytest.raises(UnreadableImageError, match="too large"):
        read_nifti(tmp_path / "y.nii")
