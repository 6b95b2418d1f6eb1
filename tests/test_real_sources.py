"""The public sets as they are: what is known of each, counted again from its files (LAUDO_DATA names their parent)."""

import os
from pathlib import Path

import pytest

from laudo.core.manifest import Manifest
from laudo.sources.table import PUBLIC, SYNTHETIC, detect, import_manifest

pytestmark = pytest.mark.real_data

FOLDERS = {
    "kaggle_brain": ("kaggle-brain", 253),
    "figshare": ("figshare", 3064),
    "medpix2": ("medpix2", 2050),
    "bus_uc": ("bus-uc", 811),
    "brats": ("brats", 5),
    "hippocampus": ("msd", 208),
}


def data() -> Path:
    return Path(os.environ["LAUDO_DATA"])


def listed(folder: str) -> Manifest:
    if not (data() / folder).is_dir():
        pytest.skip(f"LAUDO_DATA names no folder that holds {folder}")
    return import_manifest(FOLDERS[folder][0], data() / folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_is_told_apart_and_all_its_files_are_there(folder):
    name, n = FOLDERS[folder]
    manifest = listed(folder)
    assert detect(data() / folder).name == name
    assert [source.name for source in (*PUBLIC, *SYNTHETIC) if source.fits(data() / folder)] == [name]
    assert len(manifest) == n
    assert (manifest.table["sha256"] != "").all()
    assert ((manifest.table["mask"] != "") == (manifest.table["mask_sha256"] != "")).all()
    assert import_manifest(name, data()).content_hash() == manifest.content_hash()


def test_the_folder_of_all_sets_is_none_of_them():
    assert [source.name for source in (*PUBLIC, *SYNTHETIC) if source.fits(data())] == []


def test_figshare_pictures():
    manifest = listed("figshare")
    counts = manifest.table["label"].value_counts().to_dict()
    assert counts == {"meningioma": 708, "glioma": 1426, "pituitary": 930}
    assert manifest.table["fold"].value_counts().sort_index().to_dict() == {1: 570, 2: 655, 3: 562, 4: 613, 5: 664}
    assert (manifest.table["mask"] != "").all()
    assert (manifest.table["patient"] == "").all()


def test_figshare_slices_in_matlab_files_agree_with_the_pictures(tmp_path):
    pictures = listed("figshare").table
    (tmp_path / "mat").symlink_to(data() / "figshare" / "mat")
    (tmp_path / "cvind.mat").symlink_to(data() / "figshare" / "cvind.mat")
    table = import_manifest("figshare", tmp_path).table
    assert len(table) == 12
    number = table["image"].map(lambda path: f"images/{Path(path).stem}.jpg")
    same = pictures.set_index("image").loc[number]
    assert list(table["label"]) == list(same["label"])
    assert list(table["fold"]) == list(same["fold"])
    assert (table["patient"] != "").all()
    assert len(import_manifest("figshare", data() / "figshare" / "mat")) == 12


def test_the_authors_file_of_folds_agrees_with_the_table(tmp_path):
    pictures = listed("figshare").table
    for name in ("images", "masks", "cvind.mat"):
        (tmp_path / name).symlink_to(data() / "figshare" / name)
    lines = (data() / "figshare" / "labels.csv").read_text().splitlines()
    (tmp_path / "labels.csv").write_text("".join(",".join(line.split(",")[:2]) + "\n" for line in lines))
    assert list(import_manifest("figshare", tmp_path).table["fold"]) == list(pictures["fold"])


def test_bus_uc():
    manifest = listed("bus_uc")
    assert manifest.table["label"].value_counts().to_dict() == {"benign": 358, "malignant": 453}
    assert (manifest.table["mask"] != "").all()


def test_medpix2():
    manifest = listed("medpix2")
    table = manifest.table
    assert table["split"].value_counts().to_dict() == {"train": 1653, "val": 197, "test": 200}
    assert (table.groupby("patient")["split"].nunique() == 1).all()
    assert table["patient"].nunique() == 671
    assert table["label"].value_counts().to_dict() == {"CT": 1062, "MR": 988}
    assert table["modality_detail"].nunique() == 29
    assert table["location"].nunique() == 22
    assert len(manifest.labelled_by("location").classes) == 22
    assert table["location_category"].nunique() == 5
    assert (table["title"] != "").all()
    assert table["sex"].value_counts().to_dict() == {"male": 1098, "female": 885, "": 67}


def test_brats():
    manifest = listed("brats")
    assert manifest.channels == ("flair", "t1", "t1ce", "t2")
    assert (manifest.table["image"].str.count(r"\|") == 3).all()
    assert (manifest.table["mask"] != "").all()


def test_hippocampus():
    manifest = listed("hippocampus")
    assert manifest.mask_labels == {1: "anterior", 2: "posterior"}
    assert (manifest.table["mask"] != "").all()


def test_kaggle_brain():
    assert listed("kaggle_brain").table["label"].value_counts().to_dict() == {"yes": 155, "no": 98}
