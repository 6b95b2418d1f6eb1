"""Written label maps lie voxel on voxel on the image that they belong to, whatever its orientation."""

import itertools

import nibabel as nib
import numpy as np
import pytest
from nibabel.orientations import axcodes2ornt, inv_ornt_aff
from PIL import Image

from laudo.core.errors import DataError
from laudo.predict.mask_files import mask_ending, save_label_map
from laudo.read.dicom_header import short_hash
from laudo.read.mask import read_mask
from laudo.read.nifti import read_nifti
from laudo.read.table import read_image
from read_examples import picture, volume, write_dicom, write_nifti

CODES = ["".join(code) for order in itertools.permutations(["LR", "AP", "SI"]) for code in itertools.product(*order)]


def affine_of(code: str, shape: tuple[int, int, int]) -> np.ndarray:
    """An oblique affine whose axes run as the code says."""
    a, b = np.deg2rad(9), np.deg2rad(-6)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    tip = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    base = np.eye(4)
    base[:3, :3] = turn @ tip @ np.diag([0.9, 1.1, 3.0])
    base[:3, 3] = [-80, 20, 5]
    return base @ np.linalg.inv(inv_ornt_aff(axcodes2ornt(code), shape))


def labels_of(array: np.ndarray) -> np.ndarray:
    """A label map in which no direction is like another: it depends on the image's own values."""
    return ((array.astype(np.int64) * 7) % 5).astype(np.uint8)


@pytest.mark.parametrize("code", CODES)
def test_volumes_of_every_orientation_come_back_voxel_on_voxel(tmp_path, code):
    like = write_nifti(tmp_path / "image.nii.gz", volume(), affine_of(code, volume().shape))
    read = read_nifti(like)
    assert read.notes == (() if code == "RAS" else ("axes",))
    save_label_map(tmp_path / "out.nii.gz", labels_of(read.array), like)
    image, out = nib.load(like), nib.load(tmp_path / "out.nii.gz")
    assert np.array_equal(out.get_fdata(), labels_of(image.get_fdata()))
    assert np.array_equal(out.affine, image.affine)
    assert out.shape == image.shape
    assert out.get_data_dtype() == np.uint8
    for of in ("get_sform", "get_qform"):
        one, other = getattr(out, of)(coded=True), getattr(image, of)(coded=True)
        assert one[1] == other[1]
        assert np.array_equal(one[0], other[0])
    again = read_mask([tmp_path / "out.nii.gz"])
    assert np.array_equal(again.labels, labels_of(read.array))
    assert np.allclose(again.affine, read.affine)


@pytest.mark.parametrize(("sform", "qform"), [(0, 0), (1, 0), (0, 1), (4, 2), (2, 3)])
def test_what_the_header_says_of_space_stays(tmp_path, sform, qform):
    image = nib.Nifti1Image(volume(), None)
    affine = affine_of("LPS", volume().shape)
    image.set_sform(affine, code=sform)
    image.set_qform(affine, code=qform)
    image.header.set_xyzt_units("meter" if sform == 4 else "mm", "sec")
    if sform == 4:
        affine = np.diag([1e-3, 1e-3, 1e-3, 1]) @ affine
        image.set_sform(affine, code=4)
        image.set_qform(affine, code=qform)
    nib.save(image, tmp_path / "image.nii")
    read = read_nifti(tmp_path / "image.nii")
    save_label_map(tmp_path / "out.nii.gz", labels_of(read.array), tmp_path / "image.nii")
    saved, out = nib.load(tmp_path / "image.nii"), nib.load(tmp_path / "out.nii.gz")
    assert np.array_equal(out.get_fdata(), labels_of(saved.get_fdata()))
    assert np.array_equal(out.affine, saved.affine)
    for name in ("sform_code", "qform_code", "xyzt_units", "pixdim", "srow_x", "quatern_b", "qoffset_x"):
        assert np.array_equal(out.header[name], saved.header[name]), name


def test_scaled_big_endian_and_second_version(tmp_path):
    """Scaling of the image's numbers is none of the labels'; who was scanned is not written again."""
    scaled = nib.Nifti1Image(volume(), affine_of("PIR", (9, 7, 5)))
    scaled.header.set_slope_inter(0.5, -10)
    scaled.header["descrip"] = b"Silva^Ana"
    scaled.header["cal_max"] = 900  # the window of a viewer
    big = nib.Nifti1Image(volume(), affine_of("SAL", (9, 7, 5)), nib.Nifti1Header(endianness=">"))
    two = nib.Nifti2Image(volume()[..., None], affine_of("LAS", (9, 7, 5)))
    for image, kind in ((scaled, nib.Nifti1Image), (big, nib.Nifti1Image), (two, nib.Nifti2Image)):
        nib.save(image, tmp_path / "image.nii")
        read = read_nifti(tmp_path / "image.nii")
        labels = labels_of(read.array)
        save_label_map(tmp_path / "out.nii.gz", labels, tmp_path / "image.nii")
        out = nib.load(tmp_path / "out.nii.gz")
        assert type(out) is kind
        assert out.shape == image.shape
        assert np.array_equal(out.affine, nib.load(tmp_path / "image.nii").affine)
        assert np.array_equal(read_nifti(tmp_path / "out.nii.gz").array, labels)
        assert sorted(np.unique(np.asarray(out.dataobj))) == sorted(np.unique(labels))
        assert b"Silva" not in bytes(out.header["descrip"])
        assert out.header["cal_max"] == 0


@pytest.mark.parametrize(("values", "dtype"), [((0, 255), np.uint8), ((0, 300), np.int16), ((-4, 3), np.int16)])
def test_labels_keep_their_values(tmp_path, values, dtype):
    like = write_nifti(tmp_path / "image.nii.gz", volume())
    labels = np.where(volume() > 100, values[1], values[0])
    save_label_map(tmp_path / "out.nii.gz", labels, like)
    out = nib.load(tmp_path / "out.nii.gz")
    assert out.get_data_dtype() == dtype
    assert np.array_equal(out.get_fdata(), labels)


def test_a_file_of_two_axes_stays_one(tmp_path):
    like = write_nifti(tmp_path / "image.nii", volume((9, 7, 1))[..., 0], np.diag([-1.0, 2.0, 3.0, 1.0]))
    read = read_nifti(like)
    assert read.array.shape == (7, 9)
    assert mask_ending(like) == ".nii.gz"
    save_label_map(tmp_path / "out.nii.gz", labels_of(read.array), like)
    out = nib.load(tmp_path / "out.nii.gz")
    assert out.shape == (9, 7)
    assert np.array_equal(out.get_fdata(), labels_of(nib.load(like).get_fdata()))
    assert np.array_equal(read_nifti(tmp_path / "out.nii.gz").array, labels_of(read.array))


def test_a_dicom_series_gets_a_nifti_file_in_its_place(tmp_path):
    (tmp_path / "series").mkdir()
    row, column, step = np.array([0.8, 0.6, 0]), np.array([-0.6, 0.8, 0]), np.array([0, 0, 2.5])
    for number in range(6):
        write_dicom(
            tmp_path / "series" / f"{number}.dcm",
            volume((8, 9, 6))[..., number],
            ImagePositionPatient=[round(float(one), 6) for one in [-100, -90, 37.5] + number * step],
            ImageOrientationPatient=[*row, *column],
        )
    folder = tmp_path / f"series#{short_hash('1.2.3.4')}"
    image = read_image(folder)
    assert image.is_volume
    assert mask_ending(folder) == ".nii.gz"
    save_label_map(tmp_path / "out.nii.gz", labels_of(image.array), folder)
    again = read_mask([tmp_path / "out.nii.gz"])
    assert np.array_equal(again.labels, labels_of(image.array))
    assert np.allclose(again.affine, image.affine, atol=1e-4)
    assert nib.aff2axcodes(nib.load(tmp_path / "out.nii.gz").affine) == ("R", "A", "S")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_gets_a_picture_of_its_labels(tmp_path, mode):
    like = tmp_path / "image.jpg"
    Image.fromarray(picture()).convert(mode).save(like)
    labels = labels_of(picture())
    assert mask_ending(like) == ".png"
    save_label_map(tmp_path / "out.png", labels, like)
    with Image.open(tmp_path / "out.png") as out:
        assert out.mode == "L"
        assert out.format == "PNG"
        assert np.array_equal(np.asarray(out), labels)
    assert np.array_equal(read_mask([tmp_path / "out.png"]).labels, labels)


def test_the_same_labels_are_the_same_bytes_and_failure_leaves_the_old_file(tmp_path, monkeypatch):
    like = write_nifti(tmp_path / "image.nii.gz", volume())
    for name in ("a.nii.gz", "b.nii.gz"):
        save_label_map(tmp_path / name, labels_of(volume()), like)
    before = (tmp_path / "a.nii.gz").read_bytes()
    assert before == (tmp_path / "b.nii.gz").read_bytes()
    assert before[4:8] == bytes(4), "the time of writing"

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="space"):
        save_label_map(tmp_path / "a.nii.gz", labels_of(volume()) * 0, like)
    assert (tmp_path / "a.nii.gz").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz", "image.nii.gz"]


def test_labels_of_another_grid_or_kind_are_refused(tmp_path):
    like = write_nifti(tmp_path / "image.nii.gz", volume(), affine_of("SAL", volume().shape))
    flat = tmp_path / "image.png"
    Image.fromarray(picture()).save(flat)
    for path, labels in ((like, np.zeros((9, 7, 5), np.uint8)), (flat, np.zeros((56, 40), np.uint8))):
        with pytest.raises(DataError, match="grid") as caught:
            save_label_map(tmp_path / "out.nii.gz", labels, path)
        assert caught.value.file == str(path)
    for labels in (np.full((40, 56), 300), np.full((40, 56), -1)):
        with pytest.raises(DataError, match="do not fit"):
            save_label_map(tmp_path / "out.png", labels, flat)
    with pytest.raises(DataError, match="do not fit"):
        save_label_map(tmp_path / "out.nii.gz", np.full((5, 9, 7), 70000), like)
    with pytest.raises(ValueError, match="whole numbers"):
        save_label_map(tmp_path / "out.png", np.zeros((40, 56)), flat)
    assert not list(tmp_path.glob("out.*"))
