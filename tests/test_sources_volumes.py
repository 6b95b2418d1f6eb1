"""Sets of volumes: the names of four years of BraTS, absent sequences, and the tasks of the Decathlon."""

import json
import shutil

import nibabel
import numpy as np
import pytest

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.progress import listen
from laudo.sources.table import detect, import_manifest
from source_layouts import KINDS, blob, make_brats, make_msd
from test_sources_contract import Told


def listed(name, root) -> tuple[Manifest, list[str]]:
    told = Told()
    with listen(told):
        return import_manifest(name, root), told.lines


def make_case(folder, case, ending=".nii.gz", kinds=KINDS):
    for kind in kinds:
        blob(folder / case / f"{case}_{kind}{ending}")


# BraTS -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "case", "ending"),
    [
        ("", "Brats18_TCIA02_370_1", ".nii.gz"),
        ("MICCAI_BraTS_2018_Data_Training/HGG", "Brats18_2013_11_1", ".nii.gz"),
        ("HGG", "BraTS19_CBICA_AAB_1", ".nii.gz"),
        ("BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData", "BraTS20_Training_001", ".nii"),
        ("", "BraTS2021_00000", ".nii.gz"),
        ("BraTS2021_Training_Data", "BraTS2021_00002", ".nii.gz"),
    ],
)
def test_the_names_of_every_year(tmp_path, folder, case, ending):
    make_case(tmp_path / folder, case, ending)
    assert detect(tmp_path).name == "brats"
    manifest, lines = listed("brats", tmp_path)
    (row,) = manifest.table.to_dict("records")
    place = f"{folder}/{case}".lstrip("/")
    assert row["sample"] == place
    assert row["image"].split("|") == [f"{place}/{case}_{kind}{ending}" for kind in ("flair", "t1", "t1ce", "t2")]
    assert row["mask"] == f"{place}/{case}_seg{ending}"
    assert (row["patient"], row["label"]) == (case, "")
    assert manifest.channels == ("flair", "t1", "t1ce", "t2")
    assert manifest.mask_labels == {1: "necrosis", 2: "oedema", 4: "enhancing"}
    assert lines == []


def test_the_grade_is_the_folder_and_can_be_the_class(tmp_path):
    make_brats(tmp_path)
    manifest = import_manifest("brats", tmp_path)
    assert manifest.table["grade"].value_counts().to_dict() == {"HGG": 3, "LGG": 3}
    assert manifest.labelled_by("grade").classes == ("HGG", "LGG")


def test_an_absent_sequence_keeps_its_place_and_is_named(tmp_path):
    make_brats(tmp_path)
    gone = "HGG/Brats18_TCIA01_1/Brats18_TCIA01_1_t1ce.nii.gz"
    (tmp_path / gone).unlink()
    manifest, lines = listed("brats", tmp_path)
    row = manifest.table.set_index("sample").loc["HGG/Brats18_TCIA01_1"]
    assert row["image"].split("|")[2] == gone
    assert row["sha256"] == ""
    assert lines == [f"Image files that are not there: 1 ({gone})"]


def test_the_misnamed_regions_of_case_355_are_found(tmp_path):
    for case in ("BraTS20_Training_354", "BraTS20_Training_355"):
        make_case(tmp_path, case, ".nii")
    folder = tmp_path / "BraTS20_Training_355"
    (folder / "BraTS20_Training_355_seg.nii").rename(folder / "W39_1998.09.19_Segm.nii")
    manifest, lines = listed("brats", tmp_path)
    assert list(manifest.table["mask"])[1] == "BraTS20_Training_355/W39_1998.09.19_Segm.nii"
    assert (manifest.table["mask_sha256"] != "").all()
    assert lines == []


def test_one_case_without_regions_is_named_but_a_whole_set_without_them_has_no_masks(tmp_path):
    make_brats(tmp_path)
    for path in sorted(tmp_path.rglob("*_seg.nii.gz"))[1:]:
        path.unlink()
    manifest, lines = listed("brats", tmp_path)
    assert (manifest.table["mask"] != "").all()
    assert lines[0].startswith("Mask files that are not there: 5 (HGG/Brats18_TCIA01_1/Brats18_TCIA01_1_seg.nii.gz")
    next(tmp_path.rglob("*_seg.nii.gz")).unlink()
    manifest, lines = listed("brats", tmp_path)
    assert (manifest.table["mask"] == "").all()
    assert "_seg" in lines[0]


def test_the_folder_of_one_case_is_a_set_of_one(tmp_path):
    make_brats(tmp_path)
    manifest, _lines = listed("brats", tmp_path / "LGG" / "Brats18_TCIA04_1")
    assert list(manifest.table["sample"]) == ["Brats18_TCIA04_1"]
    assert detect(tmp_path / "LGG" / "Brats18_TCIA04_1").name == "brats"


def test_no_case_at_all_says_what_was_found_instead(tmp_path):
    blob(tmp_path / "scans" / "patient1.nii.gz")
    with pytest.raises(DataError) as caught:
        listed("brats", tmp_path)
    assert "folders: scans" in caught.value.found
    assert "flair" in caught.value.expected


# Decathlon ---------------------------------------------------------------------------------------------------


def facts(root, **more):
    names = sorted(path.name for path in (root / "imagesTr").iterdir() if not path.name.startswith("."))
    training = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    labels = {"0": "background", "1": "Anterior", "2": "Posterior"}
    (root / "dataset.json").write_text(json.dumps({"labels": labels, "training": training, **more}))


def test_task_four_is_known_by_its_names(tmp_path):
    make_msd(tmp_path)
    manifest, _lines = listed("msd", tmp_path)
    assert manifest.mask_labels == {1: "anterior", 2: "posterior"}
    row = manifest.table.set_index("sample").loc["hippocampus_003"]
    assert (row["image"], row["mask"]) == ("imagesTr/hippocampus_003.nii.gz", "labelsTr/hippocampus_003.nii.gz")
    assert (manifest.table["patient"] == "").all(), (
        "left and right of one person are two volumes, and nobody knows which"
    )


def test_dataset_json_names_the_labels_and_the_cases(tmp_path):
    make_msd(tmp_path)
    facts(tmp_path, labels={"0": "background", "1": "Liver", "2": "Cancer"})
    blob(tmp_path / "imagesTr" / "extra.nii.gz")
    blob(tmp_path / "imagesTs" / "hippocampus_100.nii.gz")
    manifest, lines = listed("msd", tmp_path)
    assert manifest.mask_labels == {1: "liver", 2: "cancer"}
    assert len(manifest) == 6
    assert lines == ["Images that dataset.json does not list are left out: 1 (imagesTr/extra.nii.gz)"]


def test_a_case_that_dataset_json_names_and_that_is_not_there_is_kept_and_named(tmp_path):
    make_msd(tmp_path)
    facts(tmp_path)
    (tmp_path / "labelsTr" / "hippocampus_002.nii.gz").unlink()
    manifest, lines = listed("msd", tmp_path)
    assert len(manifest) == 6
    assert lines == ["Mask files that are not there: 1 (labelsTr/hippocampus_002.nii.gz)"]


def test_labels_may_be_written_the_other_way_round(tmp_path):
    make_msd(tmp_path)
    facts(tmp_path, labels={"background": 0, "Spleen": 1}, training=[])
    assert listed("msd", tmp_path)[0].mask_labels == {1: "spleen"}


def test_files_of_other_names_take_their_labels_from_the_first_masks(tmp_path):
    for number in range(2):
        for folder in ("imagesTr", "labelsTr"):
            (tmp_path / folder).mkdir(exist_ok=True)
            voxels = np.zeros((6, 5, 4), dtype=np.uint8)
            voxels[1, 1, 1], voxels[2, 2, 2] = 1, 3 if number else 1
            nibabel.Nifti1Image(voxels, np.eye(4)).to_filename(tmp_path / folder / f"own_{number}.nii.gz")
    assert listed("msd", tmp_path)[0].mask_labels == {1: "label_1", 3: "label_3"}


def test_a_task_in_its_folder_is_found_and_several_are_asked_about(tmp_path):
    make_msd(tmp_path / "Task04_Hippocampus")
    assert detect(tmp_path).name == "msd"
    assert listed("msd", tmp_path)[0].root == tmp_path / "Task04_Hippocampus"
    shutil.copytree(tmp_path / "Task04_Hippocampus", tmp_path / "Task02_Heart")
    with pytest.raises(DataError) as caught:
        listed("msd", tmp_path)
    assert "Task02_Heart" in caught.value.cure


@pytest.mark.parametrize("gone", ["imagesTr", "labelsTr"])
def test_a_missing_folder_is_named(tmp_path, gone):
    make_msd(tmp_path)
    shutil.rmtree(tmp_path / gone)
    with pytest.raises(DataError) as caught:
        listed("msd", tmp_path)
    assert caught.value.found.startswith(f"{gone} missing")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"labels": {"a": "b"}}',
        '{"training": [{"image": "../x.nii.gz", "label": "y.nii.gz"}]}',
        '{"training": [{"image": "/x.nii.gz", "label": "y.nii.gz"}]}',
        '{"training": [{"image": 1}]}',
        '{"training": [{"image": "a|b.nii.gz", "label": "y.nii.gz"}]}',
        '{"training": 7}',
    ],
)
def test_a_dataset_json_that_can_not_be_used_is_named(tmp_path, text):
    make_msd(tmp_path)
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(DataError) as caught:
        listed("msd", tmp_path)
    assert caught.value.file.endswith("dataset.json")
