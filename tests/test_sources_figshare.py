"""The brain tumours of figshare: slices in MATLAB files wherever they lie, pictures with a table, folds and patients."""

import h5py
import numpy as np
import pytest

from laudo.core.errors import DataError
from laudo.core.progress import listen
from laudo.sources.table import import_manifest
from source_layouts import folds, image, make_figshare, make_figshare_pictures, mask, mat
from test_sources_contract import Told


def table_of(root):
    return import_manifest("figshare", root).table.set_index("sample")


def mat73(path, label, patient):
    """A slice in MATLAB's newer format (HDF5), with the arrays transposed as MATLAB writes them."""
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("cjdata")
        group.create_dataset("label", data=np.array([[float(label)]])).attrs["MATLAB_class"] = np.bytes_("double")
        letters = np.array([[ord(letter)] for letter in patient], dtype=np.uint16)
        group.create_dataset("PID", data=letters).attrs["MATLAB_class"] = np.bytes_("char")
        group.create_dataset("image", data=np.ones((24, 20), dtype=np.int16)).attrs["MATLAB_class"] = np.bytes_("int16")
        group.create_dataset("tumorMask", data=np.ones((24, 20), dtype=np.uint8)).attrs["MATLAB_class"] = np.bytes_(
            "uint8"
        )


def test_label_patient_fold_and_mask_of_each_slice(tmp_path):
    make_figshare(tmp_path)
    table = table_of(tmp_path)
    one = table.loc["brainTumorDataPublic_1-3/2.mat"]
    assert one["image"] == "brainTumorDataPublic_1-3/2.mat"
    assert one["mask"] == "brainTumorDataPublic_1-3/2.mat#tumorMask"
    assert (one["label"], one["patient"], one["fold"]) == ("pituitary", "P1", 2)
    assert list(table["fold"]) == [1, 2, 2, 3, 3, 4]
    assert list(table["patient"]) == ["P0", "P1", "P1", "P2", "P2", "P3"]
    assert (table["mask_sha256"] == table["sha256"]).all()


def test_slices_may_lie_anywhere_and_in_either_matlab_format(tmp_path):
    mat(tmp_path / "1.mat", 1, "A")
    (tmp_path / "a" / "b").mkdir(parents=True)
    mat73(tmp_path / "a" / "b" / "10.mat", 2, "100360")
    mat73(tmp_path / "a" / "2.MAT", 3, "MR017260F")
    table = table_of(tmp_path)
    assert table["label"].to_dict() == {"1.mat": "meningioma", "a/b/10.mat": "glioma", "a/2.MAT": "pituitary"}
    assert table["patient"].to_dict() == {"1.mat": "A", "a/b/10.mat": "100360", "a/2.MAT": "MR017260F"}


def test_a_patient_may_be_a_number(tmp_path):
    mat(tmp_path / "1.mat", 1, 104637.0)
    mat(tmp_path / "2.mat", 2, "  112649 ")
    assert list(table_of(tmp_path)["patient"]) == ["104637", "112649"]


def test_without_the_folds_they_are_unknown_and_this_is_said(tmp_path):
    make_figshare(tmp_path)
    (tmp_path / "cvind.mat").unlink()
    told = Told()
    with listen(told):
        assert set(table_of(tmp_path)["fold"]) == {0}
    assert any("cvind.mat" in line for line in told.lines)


@pytest.mark.parametrize("values", [[1, 2, 3], [1, 2, 3, 4, 5, 0], [1, 2, 3, 4, 5, 2.5]])
def test_folds_that_belong_to_other_slices_are_an_error(tmp_path, values):
    make_figshare(tmp_path)
    folds(tmp_path / "cvind.mat", values)
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.file.endswith("cvind.mat")


def test_folds_that_can_not_be_read_are_an_error_of_their_own(tmp_path):
    make_figshare(tmp_path)
    (tmp_path / "cvind.mat").write_bytes(b"MATLAB 5.0")
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.file.endswith("cvind.mat")
    assert "fold" in caught.value.what
    assert caught.value.cure


def test_a_broken_slice_is_listed_without_a_class_and_named(tmp_path):
    make_figshare(tmp_path)
    (tmp_path / "brainTumorDataPublic_4-6" / "5.mat").write_bytes(b"MATLAB 5.0 MAT-file" + b"\0" * 40)
    told = Told()
    with listen(told):
        manifest = import_manifest("figshare", tmp_path)
    row = manifest.table.set_index("sample").loc["brainTumorDataPublic_4-6/5.mat"]
    assert (row["label"], row["patient"], row["fold"]) == ("", "", 3)
    assert list(manifest.labels).count(-1) == 1
    assert any("5.mat" in line for line in told.lines)


@pytest.mark.parametrize("label", [0, 4, 1.5, None, float("nan")])
def test_a_label_that_is_none_of_the_three_is_an_error_that_names_the_file(tmp_path, label):
    make_figshare(tmp_path)
    mat(tmp_path / "7.mat", label)
    folds(tmp_path / "cvind.mat", [1] * 7)
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert [line.partition(":")[0] for line in caught.value.details] == ["7.mat"]


def test_numbered_files_that_are_no_matlab_are_an_error(tmp_path):
    for number in (1, 2):
        (tmp_path / f"{number}.mat").write_text("x")
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.found == "2 of 2 files"


def test_a_folder_that_leads_back_to_itself_is_walked_once(tmp_path):
    make_figshare(tmp_path)
    (tmp_path / "brainTumorDataPublic_1-3" / "back").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "again")
    assert len(table_of(tmp_path)) == 6


# pictures ----------------------------------------------------------------------------------------------------


def test_pictures_have_class_fold_and_mask_but_no_patient(tmp_path):
    make_figshare_pictures(tmp_path)
    table = table_of(tmp_path)
    one = table.loc["images/3.jpg"]
    assert (one["label"], one["fold"], one["mask"], one["patient"]) == ("meningioma", 4, "masks/3.png", "")


def test_without_a_column_fold_the_authors_file_is_used(tmp_path):
    make_figshare_pictures(tmp_path)
    (tmp_path / "labels.csv").write_text("index,label\n" + "".join(f"{n},1\n" for n in range(1, 7)))
    folds(tmp_path / "cvind.mat", [5, 4, 3, 2, 1, 1])
    assert list(table_of(tmp_path)["fold"]) == [5, 4, 3, 2, 1, 1]


@pytest.mark.parametrize("name", ["images", "masks", "labels.csv"])
def test_what_is_missing_is_named_and_nothing_else(tmp_path, name):
    make_figshare_pictures(tmp_path)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    missing = caught.value.found.partition(";")[0]
    assert missing == f"{name} missing"
    assert "elsewhere" in caught.value.found or name == "labels.csv"


def test_masks_and_images_that_are_missing_are_kept_and_listed(tmp_path):
    make_figshare_pictures(tmp_path)
    for gone in ("masks/2.png", "masks/5.png", "images/6.jpg"):
        (tmp_path / gone).unlink()
    told = Told()
    with listen(told):
        table = table_of(tmp_path)
    assert len(table) == 6
    assert table.loc["images/2.jpg", "mask"] == "masks/2.png"
    assert table.loc["images/2.jpg", "mask_sha256"] == table.loc["images/6.jpg", "sha256"] == ""
    assert "Mask files that are not there: 2 (masks/2.png, masks/5.png)" in told.lines
    assert "Image files that are not there: 1 (images/6.jpg)" in told.lines


def test_a_long_list_of_missing_masks_ends_with_their_number(tmp_path):
    for number in range(1, 31):
        image(tmp_path / "images" / f"{number}.jpg", number)
    mask(tmp_path / "masks" / "1.png")
    (tmp_path / "labels.csv").write_text("index,label,fold\n" + "".join(f"{n},2,1\n" for n in range(1, 31)))
    told = Told()
    with listen(told):
        table_of(tmp_path)
    (line,) = [line for line in told.lines if "Mask files" in line]
    assert line.startswith("Mask files that are not there: 29 (masks/2.png, masks/3.png")
    assert line.endswith("and 17 more)")


def test_no_image_at_all_is_an_error(tmp_path):
    make_figshare_pictures(tmp_path)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.found == "6 files missing"
    assert "images/1.jpg" in caught.value.details


def test_pictures_that_the_table_does_not_name_are_left_out_and_listed(tmp_path):
    make_figshare_pictures(tmp_path)
    image(tmp_path / "images" / "99.jpg")
    told = Told()
    with listen(told):
        assert len(table_of(tmp_path)) == 6
    assert any("99.jpg" in line for line in told.lines)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("index;label\n1;2\n", "no column index"),
        ("", "no column index, label"),
        ("index,label,fold\n", "0 such lines of 0"),
        ("index,label,fold\n1,1,1\n2,7,1\nx,1,1\n3\n4,1,z\n", "4 such lines of 5"),
    ],
)
def test_a_table_that_can_not_be_understood_is_named_with_its_lines(tmp_path, text, word):
    make_figshare_pictures(tmp_path)
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.file.endswith("labels.csv")
    assert word in caught.value.found
    if "4 such" in word:
        assert [line.partition(":")[0] for line in caught.value.details] == ["line 3", "line 4", "line 5", "line 6"]
