"""Data of one's own: tables, JSON Lines, images and masks, folders with patients, DICOM trees, manifests."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from laudo.core.environment import file_hash
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.progress import overhear
from laudo.sources.images_masks import match_masks, stem
from laudo.sources.lone_table import find_table
from laudo.sources.part_names import PART_NAMES, part_named
from laudo.sources.table import SOURCES, import_manifest
from laudo.sources.table_file import SYNONYMS, match_columns, read_rows


def image(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 14), dtype=np.uint8)).save(path)
    return path


def told(source: str, root: Path) -> tuple[Manifest, str]:
    """The manifest, and all that was said."""
    with overhear() as said:
        manifest = import_manifest(source, root)
    return manifest, "\n".join(said)


def by_sample(manifest: Manifest) -> pd.DataFrame:
    return manifest.table.set_index("sample")


# tables --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path) -> Path:
    for number in range(4):
        image(tmp_path / "set" / "pics" / f"{number}.png", number)
        image(tmp_path / "set" / "masks" / f"{number}.png", number)
    return tmp_path / "set"


HEAD = "File Name,Diagnosis,Subject-ID,mask path,Report,subset,fold,age"
ROWS = [
    "pics/0.png,benign,P1,masks/0.png,a small mass,training,1,40",
    'pics/1.png,malignant,P1,,"large, dark",Validation,1,41',
    "pics/2.png,benign,P2,masks/2.png,,test,2,",
    "pics\\3.png,malignant,,masks\\3.png,x,TEST,2,7.5",
]


def write_table(path: Path, separator: str = ",", encoding: str = "utf-8") -> Path:
    text = "\n".join([HEAD, *ROWS]) + "\n"
    if separator != ",":
        text = text.replace('"large, dark"', "LARGE").replace(",", separator).replace("LARGE", "large, dark")
    path.write_text(text, encoding=encoding, newline="")
    return path


@pytest.mark.parametrize(
    ("name", "separator", "encoding"),
    [
        ("t.csv", ",", "utf-8"),
        ("t.CSV", ";", "utf-8-sig"),
        ("t.csv", "\t", "utf-8"),
        ("t.tsv", "\t", "utf-8"),
        ("t.csv", ";", "cp1252"),
    ],
)
def test_a_table_with_columns_of_other_names(pictures, name, separator, encoding):
    if encoding == "cp1252":
        (pictures / name).write_bytes(
            "\r\n".join([HEAD, *ROWS]).replace('"large, dark"', "lésão").replace(",", ";").encode("cp1252")
        )
    else:
        write_table(pictures / name, separator, encoding)
    manifest, said = told("csv", pictures)
    table = by_sample(manifest)
    assert manifest.classes == ("benign", "malignant")
    assert list(table.index) == [f"pics/{n}.png" for n in range(4)]
    assert list(table["label"]) == ["benign", "malignant"] * 2
    assert list(table["patient"]) == ["P1", "P1", "P2", ""]
    assert list(table["mask"]) == ["masks/0.png", "", "masks/2.png", "masks/3.png"]
    assert list(table["split"]) == ["train", "val", "test", "test"]
    assert list(table["fold"]) == [1, 1, 2, 2]
    assert table["text"].iloc[1] == ("lésão" if encoding == "cp1252" else "large, dark")
    assert list(table["age"]) == ["40", "41", "", "7.5"]
    assert list(table["sha256"]) == [file_hash(pictures / name) for name in table.index]
    for word in ("image ← File Name", "label ← Diagnosis", "patient ← Subject-ID", "split ← subset"):
        assert word in said
    assert ("cp1252" in said) == (encoding == "cp1252")
    assert by_sample(import_manifest("csv", pictures / name)).equals(table)


def test_parquet_with_numbers_and_nothing(pictures):
    frame = pd.DataFrame(
        {
            "path": [f"pics/{n}.png" for n in range(4)],
            "target": [0.0, 1.0, 0.0, 1.0],
            "patient_id": [17.0, None, 17.0, 4.0],
            "cv_fold": [0, 1, 2, 0],
            "score": [0.25, float("nan"), 1.0, 2.0],
        }
    )
    frame.to_parquet(pictures / "t.parquet")
    manifest, said = told("csv", pictures)
    assert manifest.classes == ("0", "1")
    assert list(manifest.table["patient"]) == ["17", "", "17", "4"]
    assert list(manifest.table["fold"]) == [1, 2, 3, 1]
    assert list(manifest.table["score"]) == ["0.25", "", "1", "2"]
    assert "counted from 1" in said


def test_a_table_without_classes_is_a_table_of_masks(pictures):
    (pictures / "t.csv").write_text("image,mask\n" + "".join(f"pics/{n}.png,masks/{n}.png\n" for n in range(4)))
    manifest = import_manifest("csv", pictures)
    assert manifest.classes == ()
    assert set(manifest.table["label"]) == {""}
    assert (manifest.table["mask_sha256"] != "").all()


def test_absolute_paths_and_paths_above_the_table(pictures, tmp_path):
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "t.csv").write_text(
        f"image,label\n{pictures}/pics/0.png,a\n../set/pics/1.png,b\n./../set//pics/2.png,b\n"
    )
    manifest = import_manifest("csv", folder / "t.csv")
    assert list(manifest.table["sample"]) == [f"../set/pics/{n}.png" for n in range(3)]
    assert (manifest.table["sha256"] != "").all()


def test_several_images_of_one_sample(pictures):
    (pictures / "t.csv").write_text("image,label\npics/0.png|pics/1.png,a\npics/2.png|pics/3.png,b\n")
    manifest = import_manifest("csv", pictures)
    assert manifest.channels == ("1", "2")
    assert manifest.image_paths(1) == [pictures / "pics/2.png", pictures / "pics/3.png"]
    (pictures / "t.csv").write_text("image,label\npics/0.png|pics/1.png,a\npics/2.png,b\n")
    with pytest.raises(DataError, match="same number of images"):
        import_manifest("csv", pictures)


def test_columns_that_name_a_person_are_left_out(pictures):
    (pictures / "t.csv").write_text("image,label,Patient_Name,CPF,age\npics/0.png,a,Ana,1,4\npics/1.png,b,Rui,2,5\n")
    manifest, said = told("csv", pictures)
    assert "Ana" not in manifest.table.to_csv()
    assert {"patient_name", "cpf"} & set(manifest.table.columns) == set()
    assert "Patient_Name, CPF" in said
    assert "age" in manifest.table


@pytest.mark.parametrize(
    "column",
    [
        "Patient Name",
        "patient's name",
        "Data de Nascimento",
        "data-nascimento",
        "Teléfono 2",
        "PatientBirthDate",
        "E-Mail",
    ],
)
def test_they_are_left_out_however_they_are_spelled(pictures, column):
    (pictures / "t.csv").write_text(f"image,label,{column}\npics/0.png,a,Ana\npics/1.png,b,Ana\n", encoding="utf-8")
    manifest, said = told("csv", pictures)
    assert "Ana" not in manifest.table.to_csv()
    assert f"may name a person: {column}" in said


def test_nested_values_that_name_a_person_are_left_out(pictures):
    more = {"PatientName": "Ana", "scan": [{"phone": "Ana", "kv": 120}]}
    (pictures / "t.jsonl").write_text(json.dumps({"image": "pics/0.png", "label": "a", "meta": more}))
    assert list(import_manifest("jsonl", pictures / "t.jsonl").table["meta"]) == ['{"scan": [{"kv": 120}]}']


def test_a_parquet_table_may_be_called_like_a_manifest(pictures):
    pd.DataFrame({"image": ["pics/0.png", "pics/1.png"], "label": ["a", "b"]}).to_parquet(pictures / "manifest.parquet")
    assert list(import_manifest("csv", pictures).table["label"]) == ["a", "b"]


def test_rows_without_a_class_and_files_that_are_not_there_are_said(pictures):
    (pictures / "t.csv").write_text("image,label\npics/0.png,a\npics/1.png,\npics/2.png,b\npics/gone.png,b\n")
    manifest, said = told("csv", pictures)
    assert list(manifest.table["sample"]) == ["pics/0.png", "pics/2.png", "pics/gone.png"]
    assert "no class: 1 (3)" in said
    assert "not there: 1 (pics/gone.png)" in said
    assert by_sample(manifest).loc["pics/gone.png", "sha256"] == ""


BROKEN_TABLES = {
    "no image column": ("what,label\nx,y\n", "no column that names the images", "what, label"),
    "image empty": ("image,label\npics/0.png,a\n,b\n", "names no image", "row 3"),
    "strange part": (
        "image,split\npics/0.png,train\npics/1.png,holdout\n",
        "a part that laudo does not know",
        "row 3: holdout",
    ),
    "strange fold": ("image,fold\npics/0.png,1\npics/1.png,two\n", "a fold that is no number", "row 3: two"),
    "repeated image": ("image,label\npics/0.png,a\npics/1.png,b\n./pics/0.png,b\n", "in two rows", "rows 2 and 4"),
    "too many cells": ("image,label\npics/0.png,a\npics/1.png,b,c\n", "more cells", "line 3: 3"),
    "two columns of a name": ("image,label,label\npics/0.png,a,b\n", "same name", "label"),
    "nothing there": ("image,label\nx/0.png,a\nx/1.png,b\n", "None of the images", "x/0.png, x/1.png"),
    "no mask there": ("image,mask\npics/0.png,x/0.png\n", "None of the masks", "x/0.png"),
    "no text": ("image,label\npics/0.png,\0a\n", "can not be read", "no text"),
}


@pytest.mark.parametrize("text", ["", "image,label\n", "\n\n"])
def test_a_table_without_rows_is_refused(pictures, text):
    (pictures / "t.csv").write_text(text)
    with pytest.raises(DataError, match="no rows"):
        import_manifest("csv", pictures)


@pytest.mark.parametrize("kind", BROKEN_TABLES)
def test_a_broken_table_names_the_row(pictures, kind):
    text, what, found = BROKEN_TABLES[kind]
    (pictures / "t.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        import_manifest("csv", pictures)
    assert what in caught.value.what
    assert found in caught.value.found
    assert caught.value.file == str(pictures / "t.csv")


def test_a_quoted_text_may_hold_line_ends_and_line_numbers_stay_right(pictures):
    (pictures / "t.csv").write_text('image,text,fold\npics/0.png,"one\u2028two\nthree",1\npics/1.png,x,y\n')
    with pytest.raises(DataError) as caught:
        import_manifest("csv", pictures)
    assert "row 4" in caught.value.found
    (pictures / "t.csv").write_text('image,text\npics/0.png,"one\u2028two\nthree"\npics/1.png,a\u2028b\n')
    assert list(import_manifest("csv", pictures).table["text"]) == ["one\u2028two\nthree", "a\u2028b"]


def test_a_folder_must_hold_exactly_one_table(pictures):
    source = SOURCES["csv"]
    with pytest.raises(DataError) as caught:
        import_manifest("csv", pictures)
    assert ".csv" in caught.value.found
    write_table(pictures / "a.csv")
    (pictures / "patients.csv").write_text("image,patient\n")  # belongs to class folders
    assert source.fits(pictures)
    write_table(pictures / "b.tsv", "\t")
    with pytest.raises(DataError) as caught:
        import_manifest("csv", pictures)
    assert caught.value.found == "a.csv, b.tsv"
    assert not source.fits(pictures)
    assert find_table(pictures / "b.tsv", (".tsv",), "") == pictures / "b.tsv"


def test_a_table_that_names_nothing_in_the_folder_is_none(pictures):
    (pictures / "t.csv").write_text("file,label\nnowhere/1.png,a\n")
    assert not SOURCES["csv"].fits(pictures)
    (pictures / "t.csv").write_text("n,label\n1,a\n")
    assert not SOURCES["csv"].fits(pictures)


def test_a_damaged_parquet_is_one_error(tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="can not be read"):
        import_manifest("csv", tmp_path / "t.parquet")


def test_a_synonym_stands_for_one_field_and_the_exact_name_wins():
    every = [name for names in SYNONYMS.values() for name in names]
    assert len(set(every)) == len(every)
    assert match_columns(["class", "Label", "PATH", "image"]) == {"image": "image", "label": "Label"}
    assert match_columns([" Patient  ID "]) == {"patient": " Patient  ID "}
    assert match_columns(["nothing"]) == {}


cells = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=8)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=6), st.sampled_from(",;\t"))
def test_any_table_that_csv_writes_comes_back(tmp_path_factory, rows, separator):
    path = tmp_path_factory.mktemp("csv") / ("t.tsv" if separator == "\t" else "t.csv")
    frame = pd.DataFrame([["x", *row] for row in rows], columns=["image", "one", "two"])
    frame.to_csv(path, index=False, sep=separator, encoding="utf-8")
    assert [list(values.values()) for _line, values in read_rows(path)] == frame.to_numpy().tolist()


def test_names_of_parts():
    assert {part_named(name.upper()) for names in PART_NAMES.values() for name in names} == {"train", "val", "test"}
    assert part_named(" Dev ") == "val"
    assert part_named("holdout") == ""


# JSON Lines ----------------------------------------------------------------------------------------------------------


def test_json_lines_with_lists_and_numbers(pictures):
    documents = [
        {"image": "pics/0.png", "label": 1, "mask": ["masks/0.png", "masks/1.png"], "tags": ["a", 1]},
        {"label": 2, "image": "pics/1.png", "text": "line\nend", "more": {"b": 1}, "patient": None},
    ]
    (pictures / "t.jsonl").write_text("\n\n".join(json.dumps(one) for one in documents) + "\n")
    manifest, _said = told("jsonl", pictures)
    table = by_sample(manifest)
    assert manifest.classes == ("1", "2")
    assert list(table["mask"]) == ["masks/0.png|masks/1.png", ""]
    assert manifest.mask_paths(0) == [pictures / "masks/0.png", pictures / "masks/1.png"]
    assert table.loc["pics/1.png", "text"] == "line\nend"
    assert table.loc["pics/1.png", "more"] == '{"b": 1}'
    assert table.loc["pics/0.png", "tags"] == '["a", 1]'
    assert manifest.content_hash() == import_manifest("jsonl", pictures / "t.jsonl").content_hash()


@pytest.mark.parametrize("line", ["{", "[1]", '"x"', '{"image": }', "null", "[" * 100_000, "{'image': 'x'}"])
def test_a_broken_line_is_named_by_its_number(pictures, line):
    (pictures / "t.jsonl").write_text(f'{{"image": "pics/0.png"}}\n\n{line}\n')
    with pytest.raises(DataError) as caught:
        import_manifest("jsonl", pictures)
    assert caught.value.found.startswith("line 3: ")
    assert caught.value.file == str(pictures / "t.jsonl")


def test_json_lines_that_are_no_text(pictures):
    (pictures / "t.jsonl").write_bytes(b'{"image": "\xff"}')
    with pytest.raises(DataError, match="can not be read"):
        import_manifest("jsonl", pictures)


# images and masks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "folders", [("images", "masks"), ("Images", "Labels"), ("imagesTr", "labelsTr"), ("img", "ground_truth")]
)
@pytest.mark.parametrize("suffix", ["", "_mask", "-mask", "_seg", "_Segmentation", " mask", "_gt", ".label"])
def test_masks_are_found_by_name_with_or_without_a_suffix(tmp_path, folders, suffix):
    images, masks = folders
    for number in range(2):
        image(tmp_path / images / f"{number}.jpg", number)
        image(tmp_path / masks / f"{number}{suffix}.png", number)
    image(tmp_path / images / "deep" / "x.png", 7)
    image(tmp_path / masks / "deep" / f"x{suffix}.bmp", 7)
    manifest = import_manifest("images-masks", tmp_path)
    assert dict(zip(manifest.table["image"], manifest.table["mask"], strict=True)) == {
        f"{images}/0.jpg": f"{masks}/0{suffix}.png",
        f"{images}/1.jpg": f"{masks}/1{suffix}.png",
        f"{images}/deep/x.png": f"{masks}/deep/x{suffix}.bmp",
    }
    assert manifest.classes == ()


def test_which_images_have_no_mask_is_said(tmp_path):
    for number in range(5):
        image(tmp_path / "images" / f"{number}.png", number)
    for number in (0, 1, 9):
        image(tmp_path / "masks" / f"{number}.png", number)
    manifest, said = told("images-masks", tmp_path)
    assert "without a mask: 3 (images/2.png, images/3.png, images/4.png)" in said
    assert "without an image: 1 (masks/9.png)" in said
    assert (manifest.table["mask"] == "").sum() == 3
    assert not (tmp_path / "masks").samefile(tmp_path / "images")


def test_folders_of_classes_and_folders_of_parts(tmp_path):
    for label in ("benign", "malignant"):
        image(tmp_path / "classes" / label / "images" / "1.png", len(label))
        image(tmp_path / "classes" / label / "masks" / "1.png", len(label))
    manifest, said = told("images-masks", tmp_path / "classes")
    assert manifest.classes == ("benign", "malignant")
    assert list(manifest.table["label"]) == ["benign", "malignant"]
    assert "benign, malignant" in said
    for part in ("train", "valid", "Test"):
        image(tmp_path / "parts" / part / "images" / "1.png", len(part))
        image(tmp_path / "parts" / part / "labels" / "1.png", len(part))
    manifest, said = told("images-masks", tmp_path / "parts")
    assert manifest.classes == ()
    assert set(manifest.table["split"]) == {"train", "val", "test"}
    assert "parts of a split" in said


def test_masks_that_fit_no_image_are_an_error_with_names(tmp_path):
    image(tmp_path / "images" / "a.png")
    image(tmp_path / "masks" / "b.png")
    with pytest.raises(DataError) as caught:
        import_manifest("images-masks", tmp_path)
    assert "images/a.png" in caught.value.found
    assert "masks/b.png" in caught.value.found
    shutil.rmtree(tmp_path / "masks")
    with pytest.raises(DataError) as caught:
        import_manifest("images-masks", tmp_path)
    assert caught.value.found == "images"


def test_boxes_in_text_files_are_no_masks(tmp_path):
    image(tmp_path / "images" / "a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    assert not SOURCES["images-masks"].fits(tmp_path)
    with pytest.raises(DataError) as caught:
        import_manifest("images-masks", tmp_path)
    assert caught.value.found == "images, labels"


def test_the_very_name_goes_before_the_suffix_and_several_masks_are_joined():
    images = ["1.png", "1_mask.png", "2.jpg", "02.jpg", "v.nii.gz"]
    masks = ["1.png", "1_mask.png", "2_mask.png", "2_mask_1.png", "02.png", "v_seg.nii.gz", "w.png"]
    found, left = match_masks(images, masks)
    assert found == {
        "1.png": ["1.png"],
        "1_mask.png": ["1_mask.png"],
        "2.jpg": ["2_mask.png", "2_mask_1.png"],
        "02.jpg": ["02.png"],
        "v.nii.gz": ["v_seg.nii.gz"],
    }
    assert left == ["w.png"]
    assert [stem(name) for name in ("a/b.nii.gz", "x.PNG", "no.ending.here")] == ["a/b", "x", "no.ending.here"]


@given(
    st.lists(st.integers(0, 40), unique=True),
    st.lists(st.integers(0, 40), unique=True),
    st.sampled_from(["", "_mask", "-seg"]),
)
def test_every_mask_goes_to_one_image_or_to_none(images, masks, suffix):
    found, left = match_masks([f"{n}.png" for n in images], [f"{n}{suffix}.png" for n in masks])
    assert {name for its in found.values() for name in its} == {f"{n}{suffix}.png" for n in set(images) & set(masks)}
    assert set(left) == {f"{n}{suffix}.png" for n in set(masks) - set(images)}


# folders and patients ------------------------------------------------------------------------------------------------


@pytest.fixture
def classes(tmp_path) -> Path:
    for label in ("yes", "no"):
        for number in range(3):
            image(tmp_path / "set" / label / f"P{number}_{label}.png", number + len(label))
    image(tmp_path / "set" / "no" / "deep" / "same.png", 50)
    image(tmp_path / "set" / "yes" / "same.png", 51)
    return tmp_path / "set"


def test_patients_are_not_guessed_from_names(classes):
    assert set(import_manifest("folders", classes).table["patient"]) == {""}


@pytest.mark.parametrize(("name", "separator"), [("patients.csv", ","), ("patients.csv", ";"), ("patients.tsv", "\t")])
def test_a_table_beside_the_classes_names_the_patients(classes, name, separator):
    rows = [
        ("Image", "Patient ID"),
        ("yes/P0_yes.png", "A"),
        ("P1_yes.png", "A"),
        ("no\\P0_no.png", "B"),
        ("gone.png", "C"),
        ("same.png", "D"),
    ]
    (classes / name).write_text("\n".join(separator.join(row) for row in rows))
    manifest, said = told("folders", classes)
    patients = by_sample(manifest)["patient"]
    assert patients[patients != ""].to_dict() == {"yes/P0_yes.png": "A", "yes/P1_yes.png": "A", "no/P0_no.png": "B"}
    assert (
        "patients 2, images without one 5, rows of images that are not there 2" in said
    )  # same.png stands in two folders


@pytest.mark.parametrize("text", ["image,who\na,b\n", "patient\nA\n", "", "image,patient\na,b,c\n"])
def test_a_table_of_patients_that_is_none(classes, text):
    (classes / "patients.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        import_manifest("folders", classes)
    assert caught.value.file == str(classes / "patients.csv")


def test_folders_of_parts_are_no_classes(tmp_path):
    for part in ("Training", "Testing"):
        for label in ("glioma", "normal"):
            image(tmp_path / part / label / f"{label}.png", len(part + label))
    manifest, said = told("folders", tmp_path)
    assert manifest.classes == ("normal", "glioma")
    assert by_sample(manifest)["split"].to_dict() == {
        "Training/glioma/glioma.png": "train",
        "Training/normal/normal.png": "train",
        "Testing/glioma/glioma.png": "test",
        "Testing/normal/normal.png": "test",
    }
    assert "parts of a split" in said


def test_two_classes_that_are_called_like_parts(tmp_path):
    for name in ("test", "train"):
        image(tmp_path / name / "a.png", len(name))
    manifest = import_manifest("folders", tmp_path)
    assert manifest.classes == ("test", "train")
    assert set(manifest.table["split"]) == {""}


# DICOM ---------------------------------------------------------------------------------------------------------------


def dicom(
    path: Path, patient: str = "", series: str = "1.2.3", modality: str = "MR", position: int = 0, **more: object
) -> None:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    data = pydicom.Dataset()
    data.PatientID, data.SeriesInstanceUID, data.StudyInstanceUID, data.Modality = patient, series, "9.9", modality
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"{series}.{position}.{len(str(path))}"
    data.Rows = data.Columns = 4
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, position], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing = [1, 1]
    data.PixelData = np.full((4, 4), position, dtype=np.uint16).tobytes()
    for name, value in more.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = (
        data.SOPClassUID,
        data.SOPInstanceUID,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def test_a_tree_of_series_and_single_images(tmp_path):
    from laudo.read.table import read_image

    for position in range(3):
        dicom(tmp_path / "sick" / "a" / f"IM{position}", "P1", "1.1", position=position)
        dicom(tmp_path / "sick" / "a" / f"other{position}.dcm", "P1", "1.2", position=position)
        dicom(tmp_path / "healthy" / f"{position}.dcm", "P2", "1.3", position=position)
    dicom(tmp_path / "healthy" / "one" / "x.ima", "Anonymized", "1.4", BurnedInAnnotation="YES", PatientName="Ana^Lima")
    (tmp_path / "sick" / "DICOMDIR").write_bytes(b"x")
    (tmp_path / "sick" / "notes.txt").write_text("hello")
    dicom(tmp_path / "sick" / "report.dcm", "P1", "1.5", "SR", Rows=None, Columns=None, PixelData=None)
    manifest, said = told("dicom", tmp_path)
    table = by_sample(manifest)
    assert manifest.classes == ("healthy", "sick")
    assert len(table) == 4
    assert table.loc["healthy/one/x.ima", ["label", "patient", "burned_in"]].tolist() == ["healthy", "", "yes"]
    series = table[table.index.str.startswith("sick/a#")]
    assert len(series) == 2
    assert series["patient"].nunique() == 1
    assert series["sha256"].nunique() == 2  # the same folder, but not the same files
    assert table.loc[table.index.str.startswith("healthy#"), "patient"].item() not in (
        "",
        "P2",
        series["patient"].iloc[0],
    )
    for text in ("healthy, sick", "series: 3, single images: 1", "PatientName", "notes.txt", "no picture: 1"):
        assert text in said
    assert "Lima" not in said + manifest.table.to_csv()
    for index in range(len(manifest)):
        assert read_image(manifest.paths[index]).array.shape[:2] == (4, 4)


def test_a_series_that_lies_in_the_root_itself(tmp_path):
    from laudo.read.table import read_image

    for position in range(3):
        dicom(tmp_path / "scan" / f"IM{position}", "P1", position=position)
    manifest = import_manifest("dicom", tmp_path / "scan")
    assert manifest.classes == ()
    (sample,) = manifest.table["sample"]
    assert sample.startswith("#")
    assert read_image(manifest.paths[0]).array.shape == (4, 4, 3)
    moved = shutil.copytree(tmp_path / "scan", tmp_path / "elsewhere")
    assert import_manifest("dicom", moved).content_hash() == manifest.content_hash()


def test_folders_of_patients_are_not_taken_for_classes(tmp_path):
    for number in range(4):
        dicom(tmp_path / f"patient {number}" / "x.dcm", f"P{number}", f"1.{number}")
    manifest, said = told("dicom", tmp_path)
    assert manifest.classes == ()
    assert "one patient" in said
    dicom(tmp_path / "patient 0" / "y.dcm", "P9", "1.9")
    assert len(import_manifest("dicom", tmp_path).classes) == 4


@pytest.mark.parametrize(
    ("modality", "more"), [("MG", {}), ("US", {}), ("MR", {"NumberOfFrames": 3, "PixelData": bytes(96)})]
)
def test_projections_and_films_are_images_of_their_own(tmp_path, modality, more):
    for position in range(2):
        dicom(tmp_path / f"{position}.dcm", "P1", "1.1", modality, position, **more)
    assert list(import_manifest("dicom", tmp_path).table["sample"]) == ["0.dcm", "1.dcm"]


def test_a_damaged_dicom_file_is_listed_so_that_the_audit_names_it(tmp_path):
    dicom(tmp_path / "a" / "good.dcm", "P1", "1.1")
    dicom(tmp_path / "a" / "cut", "P1", "1.2")
    content = (tmp_path / "a" / "cut").read_bytes()
    (tmp_path / "a" / "cut").write_bytes(content[:150] + b"\xff" * 40)
    (tmp_path / "a" / "named.dcm").write_text("no DICOM at all")
    table = by_sample(import_manifest("dicom", tmp_path))
    assert {"a/good.dcm", "a/named.dcm"} <= set(table.index)
    assert table.loc["a/named.dcm", ["patient", "burned_in"]].tolist() == ["", "unknown"]


@pytest.mark.parametrize(("folder", "told_of"), [("SILVA-MARIA", 1), ("silva_maria_2", 1), ("case 1", 0)])
def test_a_path_that_names_its_patient_is_said(tmp_path, folder, told_of):
    dicom(tmp_path / folder / "a.dcm", patient="Silva^Maria")
    _manifest, said = told("dicom", tmp_path)
    assert (f"of their patient: {told_of}" in said) == bool(told_of)


def test_a_tree_without_dicom(tmp_path):
    (tmp_path / "x.txt").write_text("x")
    assert not SOURCES["dicom"].fits(tmp_path)
    with pytest.raises(DataError) as caught:
        import_manifest("dicom", tmp_path)
    assert "files: 1" in caught.value.found


# manifests -----------------------------------------------------------------------------------------------------------


def test_a_manifest_stands_for_its_data_set_wherever_a_folder_does(classes, tmp_path):
    manifest = import_manifest("folders", classes).with_columns(split=["train"] * 8)
    manifest.save(tmp_path / "m" / "manifest.parquet")
    for where in (tmp_path / "m", tmp_path / "m" / "manifest.parquet"):
        for source in ("folders", "kaggle-brain", "csv"):
            again = import_manifest(source, where)
            assert again.content_hash() == manifest.content_hash()
            assert set(again.table["split"]) == {"train"}
    copied = shutil.copy(tmp_path / "m" / "manifest.parquet", tmp_path / "mine.parquet")
    assert import_manifest("folders", Path(copied)).content_hash() == manifest.content_hash()


def test_a_manifest_whose_images_are_gone_says_where_they_were(classes, tmp_path):
    import_manifest("folders", classes).save(tmp_path / "m" / "manifest.parquet")
    classes.rename(tmp_path / "moved")
    with pytest.raises(DataError) as caught:
        import_manifest("folders", tmp_path / "m")
    assert caught.value.file == str(classes)
    assert "--data" in caught.value.cure


def test_a_damaged_manifest_in_a_folder_is_an_error(tmp_path):
    (tmp_path / "manifest.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="manifest can not be read"):
        import_manifest("folders", tmp_path)


def test_sex_age_and_scanner_are_read_from_the_header(tmp_path):
    facts = {"PatientSex": "F", "Manufacturer": "GE", "ManufacturerModelName": "Signa", "MagneticFieldStrength": "1.5"}
    dicom(tmp_path / "a.dcm", "P1", "1.1", PatientAge="043Y", **facts)
    dicom(tmp_path / "b.dcm", "P2", "1.2", PatientAge="097Y", PatientSex="M")
    dicom(tmp_path / "c.dcm", "P3", "1.3", PatientAge="1931")
    manifest, _said = told("dicom", tmp_path)
    table = by_sample(manifest)[["sex", "age", "manufacturer", "scanner", "field_strength"]]
    assert table.loc["a.dcm"].tolist() == ["F", "043Y", "GE", "Signa", "1.5"]
    assert table.loc["b.dcm"].tolist()[:2] == ["M", "090Y"], "there are few people of 97"
    assert table.loc["c.dcm"].tolist() == [""] * 5, "what is no age could be a date"
