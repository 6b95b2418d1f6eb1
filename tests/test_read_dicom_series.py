"""DICOM series: every way in which the slices of a volume come out of order, and every way in which they are no volume."""

import numpy as np
import pytest

from laudo.core.errors import UnreadableImageError
from laudo.read import dicom_series
from laudo.read.dicom_header import short_hash
from laudo.read.dicom_series import read_slices
from laudo.read.table import read_image
from read_examples import write_dicom

ROWS, COLUMNS, SLICES, STEP_MM = 6, 8, 12, 2.5
SPACING_MM = (0.5, 0.75)
AXIAL = ([1.0, 0, 0], [0, 1.0, 0])


def block() -> np.ndarray:
    """(slices, rows, columns) in which every voxel has a value of its own."""
    return np.arange(SLICES * ROWS * COLUMNS, dtype=np.int16).reshape(SLICES, ROWS, COLUMNS)


def write_series(
    folder, directions=AXIAL, tilt=0.0, order=None, leave_out=(), twice=(), digits=6, shape=(ROWS, COLUMNS), **changed
):
    """Files whose names and InstanceNumbers say nothing of where they lie; ``changed``: slice → elements of it."""
    row, column = (np.asarray(one, dtype=float) for one in directions)
    normal = np.cross(row, column)
    step = STEP_MM * (normal + np.tan(np.deg2rad(tilt)) * column)
    order = list(range(SLICES)) if order is None else list(order)
    names = {}
    for number, index in enumerate([*order, *twice]):
        if index in leave_out:
            continue
        elements = {
            "ImagePositionPatient": [round(float(one), digits) for one in [-100, -90, 37.5] + index * step],
            "ImageOrientationPatient": [round(float(one), digits) for one in (*row, *column)],
            "PixelSpacing": list(SPACING_MM),
            "InstanceNumber": str(len(order) - number),
            **changed.get(f"slice{index}", {}),
        }
        array = block()[index]
        if "Rows" in elements:
            array = np.zeros((elements.pop("Rows"), COLUMNS), np.int16)
        names[index] = write_dicom(folder / f"IM{number:04d}", array, **elements).name
    return names


def read(folder):
    return read_image(folder.with_name(f"{folder.name}#{short_hash('1.2.3.4')}"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "series").mkdir()
    return tmp_path / "series"


def check_places(image, directions=AXIAL, tilt=0.0, within=1e-3):
    """Every voxel's value says which one it is; its place must be the one that its slice was written with."""
    assert sorted(image.array.ravel()) == list(range(block().size))
    row, column = (np.asarray(one, dtype=float) for one in directions)
    step = STEP_MM * (np.cross(row, column) + np.tan(np.deg2rad(tilt)) * column)
    for value in (0, 7, 41, 100, block().size - 1):
        k, r, c = np.unravel_index(value, block().shape)
        place = np.array([-100, -90, 37.5]) + c * SPACING_MM[1] * row + r * SPACING_MM[0] * column + k * step
        voxel = np.argwhere(image.array == value)[0]
        assert np.allclose(image.affine[:3] @ [*voxel, 1], place * [-1, -1, 1], atol=within), value
    for axis in range(3):  # RAS+: the largest part of each axis is positive and its own
        assert np.argmax(np.abs(image.affine[:3, axis])) == axis
        assert image.affine[axis, axis] > 0


@pytest.mark.parametrize("how", ["sorted", "reversed", "shuffled"])
def test_order_comes_from_the_positions(folder, how):
    order = {
        "sorted": range(SLICES),
        "reversed": range(SLICES)[::-1],
        "shuffled": np.random.default_rng(3).permutation(SLICES).tolist(),
    }[how]
    write_series(folder, order=order)
    image = read(folder)
    check_places(image)
    assert image.array.shape == (COLUMNS, ROWS, SLICES)
    assert image.spacing_mm == pytest.approx((0.75, 0.5, 2.5))
    assert image.notes == ()
    assert image.facts["slices"] == SLICES
    assert image.array.dtype == np.int16


@pytest.mark.parametrize("tilt", [7.0, -7.0])
def test_a_tilted_gantry_shears_the_affine(folder, tilt):
    write_series(folder, tilt=tilt)
    image = read(folder)
    check_places(image, tilt=tilt)
    assert "tilt" in image.notes
    assert image.facts["tilt_degrees"] == pytest.approx(tilt, abs=0.01)
    volume_mm3 = abs(np.linalg.det(image.affine[:3, :3]))
    assert volume_mm3 == pytest.approx(0.5 * 0.75 * 2.5)


def oblique():
    a, b = np.deg2rad(20), np.deg2rad(-12)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turn = about_z @ about_x
    return turn[:, 0], turn[:, 1]


@pytest.mark.parametrize(
    "directions",
    [oblique(), ([0, 1.0, 0], [0, 0, -1.0]), ([1.0, 0, 0], [0, 0, -1.0]), ([-1.0, 0, 0], [0, 1.0, 0])],
    ids=["oblique", "sagittal", "coronal", "flipped"],
)
def test_any_plane(folder, directions):
    write_series(folder, directions, order=np.random.default_rng(1).permutation(SLICES).tolist())
    image = read(folder)
    check_places(image, directions)
    assert "tilt" not in image.notes


@pytest.mark.parametrize("directions", [AXIAL, oblique()], ids=["axial", "oblique"])
def test_rounded_positions_are_tolerated(folder, directions):
    write_series(folder, directions, digits=1 if directions is AXIAL else 3)
    check_places(read(folder), directions, within=0.15)


def test_rounded_to_tenths_of_a_finer_step(folder):
    for index in range(SLICES):
        place = [0, 0, round(0.625 * index, 1)]
        write_dicom(
            folder / f"{index}", block()[index], ImagePositionPatient=place, ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
        )
    assert read(folder).spacing_mm[2] == pytest.approx(0.625, abs=0.01)


def refused(folder) -> UnreadableImageError:
    with pytest.raises(UnreadableImageError) as caught:
        read(folder)
    assert caught.value.cure
    return caught.value


def test_missing_slices_are_named(folder):
    names = write_series(folder, leave_out={5, 6, 9})
    error = refused(folder)
    assert "missing" in error.what
    assert "3" in error.found
    assert any(names[4] in line and names[7] in line for line in error.details)


def test_two_slices_at_one_place_are_named(folder):
    write_series(folder, twice=(4,))
    error = refused(folder)
    assert "same place" in error.what
    assert "IM0004 = IM0012" in error.details


def test_a_jump_is_an_error(folder):
    write_series(folder, slice5={"ImagePositionPatient": [-100, -90, 37.5 + 5.4 * STEP_MM]})
    assert "jump" in refused(folder).what


def test_a_slice_beside_the_others_is_an_error(folder):
    names = write_series(folder, slice5={"ImagePositionPatient": [-96, -90, 37.5 + 5 * STEP_MM]})
    error = refused(folder)
    assert "straight line" in error.what
    assert error.details == (names[5],)


@pytest.mark.parametrize(
    ("elements", "what"),
    [
        ({"Rows": ROWS + 1}, "several sizes"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "several orientations"),
        ({"PixelSpacing": [0.5, 0.9]}, "several pixel spacings"),
        ({"ImagePositionPatient": None}, "does not say where"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "does not say where"),
        ({"PixelSpacing": [0, 0]}, "does not say where"),
    ],
)
def test_mixed_series_are_refused(folder, elements, what):
    if elements.get("ImagePositionPatient", 0) is None:
        names = write_series(folder, slice3={"ImagePositionPatient": ""})
    else:
        names = write_series(folder, slice3=elements)
    error = refused(folder)
    assert what in error.what
    assert names[3] in " ".join([str(error.file), *error.details])


def test_a_damaged_slice_is_named(folder):
    names = write_series(folder)
    path = folder / names[3]
    path.write_bytes(path.read_bytes()[:-20])
    error = refused(folder)
    assert error.file == str(path)


def test_other_files_and_other_series_are_passed_over(folder):
    write_series(folder)
    (folder / "notes.txt").write_text("not DICOM")
    write_dicom(folder / "other", block()[0], SeriesInstanceUID="9.9")
    check_places(read(folder))
    with pytest.raises(UnreadableImageError, match="no such DICOM series") as caught:
        read_image(folder.with_name("series#00000000"))
    assert short_hash("9.9") in caught.value.expected


def test_slices_of_different_rescale_are_brought_to_one_scale(folder):
    write_series(folder, slice3={"RescaleSlope": 0.5, "RescaleIntercept": 0})
    image = read(folder)
    assert image.array.dtype == np.float32
    assert image.array.min() == 0
    assert (image.array % 1 != 0).sum() == ROWS * COLUMNS / 2


def test_one_file_is_a_picture(folder):
    path = write_dicom(folder / "a", block()[3])
    image = read_slices([path])
    assert np.array_equal(image.array, block()[3])
    assert not image.is_volume


def test_the_headers_of_a_folder_are_read_once_for_all_its_series(folder, monkeypatch):
    asked = []
    real = dicom_series.read_header
    monkeypatch.setattr(dicom_series, "read_header", lambda path: (asked.append(path), real(path))[1])
    write_series(folder)
    files = len(list(folder.iterdir()))
    (key,) = dicom_series.series_in(folder)
    dicom_series.read_series(folder, key)
    assert len(asked) == files
    first = min(folder.iterdir())
    first.rename(first.with_name("renamed"))
    assert first.with_name("renamed") in dicom_series.series_in(folder)[key]
