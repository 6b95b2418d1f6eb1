"""MATLAB files of both kinds, against what SciPy and h5py say is in them."""

import h5py
import numpy as np
import pytest

from laudo.core.errors import UnreadableImageError
from laudo.read.matlab import read_matlab, read_struct
from laudo.read.table import read_image
from read_examples import picture, write_mat5, write_mat73

WRITERS = {"5": write_mat5, "7.3": write_mat73}
each_version = pytest.mark.parametrize("version", WRITERS)


def write_struct(path, version, **fields):
    if version == "5":
        return write_mat5(path, cjdata=fields)
    return write_mat73(path, **fields)


@pytest.fixture
def fields():
    tumour = picture() > 100
    return {
        "label": 3.0,
        "PID": "MR040241C",
        "image": picture().astype(np.int16) * 9,
        "tumorBorder": np.arange(20.0),
        "tumorMask": tumour,
    }


@each_version
def test_the_public_struct(tmp_path, version, fields):
    path = write_struct(tmp_path / "1.mat", version, **fields)
    image = read_image(path)
    assert np.array_equal(image.array, fields["image"])
    assert image.array.dtype == np.int16
    assert image.facts["label"] == 3
    assert image.spacing_mm is None
    assert image.format == "MATLAB"
    assert "MR040241C" not in repr(image.facts)
    assert len(image.facts["patient"]) == 8


@each_version
def test_a_member_is_one_array(tmp_path, version, fields):
    path = write_struct(tmp_path / "1.mat", version, **fields)
    mask = read_image(tmp_path / "1.mat#tumorMask")
    assert np.array_equal(mask.array, np.where(fields["tumorMask"], 255, 0))
    assert mask.mode == "logical"
    with pytest.raises(UnreadableImageError, match="no such array") as caught:
        read_matlab(path, "tumourMask")
    assert "tumorMask" in caught.value.expected


@each_version
def test_chosen_fields(tmp_path, version, fields):
    path = write_struct(tmp_path / "1.mat", version, **fields)
    read = read_struct(path, ["label", "PID", "tumorBorder", "absent"])
    assert set(read) == {"label", "PID", "tumorBorder"}
    assert read["label"] == 3.0
    assert isinstance(read["label"], float)
    assert read["PID"] == "MR040241C"
    assert np.array_equal(read["tumorBorder"].ravel(), fields["tumorBorder"])


@each_version
def test_rows_and_columns_are_those_of_matlab(tmp_path, version):
    # 1 2 3 / 4 5 6 in MATLAB; SciPy's savemat writes it so, and the HDF5 of version 7.3 holds it transposed
    array = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8)
    path = WRITERS[version](tmp_path / "x.mat", **({} if version == "5" else {"struct_name": ""}), a=array)
    if version == "7.3":
        with h5py.File(path) as file:
            assert file["a"].shape == (3, 2)
    assert np.array_equal(read_image(path).array, array)
    assert np.array_equal(read_struct(path, ["a"])["a"], array)


@each_version
@pytest.mark.parametrize(
    ("stored", "expected"), [("uint8", "uint8"), ("uint16", "uint16"), ("int32", "int16"), ("float64", "float32")]
)
def test_numbers(tmp_path, version, stored, expected):
    array = picture().astype(stored)
    image = read_image(WRITERS[version](tmp_path / "x.mat", a=array, b=array[:3, :3]))
    assert image.array.dtype == expected
    assert np.array_equal(image.array, array)
    assert image.facts["array"] == "a"


@each_version
def test_colours(tmp_path, version):
    array = np.stack([picture(), picture()[::-1], 255 - picture()], axis=2)
    image = read_image(WRITERS[version](tmp_path / "x.mat", photo=array))
    assert np.array_equal(image.array, array)


@each_version
def test_which_array_is_meant_must_be_clear(tmp_path, version):
    one, two = picture(), picture()[::-1].copy()
    path = WRITERS[version](tmp_path / "x.mat", a=one, b=two)
    with pytest.raises(UnreadableImageError, match="several") as caught:
        read_image(path)
    assert "x.mat#a" in caught.value.cure
    assert np.array_equal(read_image(tmp_path / "x.mat#b").array, two)
    path = WRITERS[version](tmp_path / "y.mat", a=one, b=two > 100)
    assert read_image(path).facts["array"] == "a", "a picture goes before true-or-false"


@each_version
def test_no_picture_is_said_with_what_there_is(tmp_path, version):
    path = WRITERS[version](tmp_path / "x.mat", cvind=np.ones((1, 30)))
    with pytest.raises(UnreadableImageError, match="no picture") as caught:
        read_image(path)
    assert "cvind 1×30" in caught.value.found
    with pytest.raises(UnreadableImageError, match="not a picture"):
        read_image(WRITERS[version](tmp_path / "y.mat", v=np.zeros((8, 9, 10))))


@each_version
def test_values_that_are_no_numbers_are_counted(tmp_path, version):
    array = picture().astype(float)
    array[3, 4] = np.nan
    with pytest.raises(UnreadableImageError, match="not numbers") as caught:
        read_image(WRITERS[version](tmp_path / "x.mat", a=array))
    assert "1 of 2240" in caught.value.found


def test_links_to_other_files_are_not_followed(tmp_path):
    write_mat73(tmp_path / "secret.mat", struct_name="", image=picture())
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file["image"] = h5py.ExternalLink("secret.mat", "/image")
    with pytest.raises(UnreadableImageError, match="no picture"):
        read_image(tmp_path / "x.mat")
    assert read_struct(tmp_path / "x.mat", ["image"]) == {}


def test_an_array_that_unpacks_to_gigabytes_is_refused(tmp_path):
    with h5py.File(tmp_path / "x.mat", "w") as file:
        file.create_dataset("a", shape=(40_000, 40_000), chunks=(1000, 1000), dtype="u1", compression="gzip")
    with pytest.raises(UnreadableImageError, match="memory"):
        read_image(tmp_path / "x.mat")


def test_only_matlab_files_have_a_struct(tmp_path):
    (tmp_path / "x.mat").write_bytes(b"not MATLAB")
    with pytest.raises(UnreadableImageError, match="not a MATLAB file"):
        read_struct(tmp_path / "x.mat", ["label"])
    with pytest.raises(UnreadableImageError, match="not there"):
        read_struct(tmp_path / "none.mat", ["label"])
