"""Breast ultrasound sets: names with gaps, images with several masks, folders that are missing."""

import shutil

import pytest

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.progress import listen
from laudo.sources.table import detect, import_manifest
from source_layouts import image, make_bus_uc, make_busi, mask
from test_sources_contract import Told


def listed(name, root) -> tuple[Manifest, list[str]]:
    told = Told()
    with listen(told):
        return import_manifest(name, root), told.lines


def test_01_and_001_are_two_images_with_their_own_masks(tmp_path):
    make_bus_uc(tmp_path)
    table = listed("bus-uc", tmp_path)[0].table.set_index("sample")
    assert table.loc["Benign/images/01.png", "mask"] == "Benign/masks/01.png"
    assert table.loc["Benign/images/001.png", "mask"] == "Benign/masks/001.png"
    assert table.loc["Benign/images/01.png", "sha256"] != table.loc["Benign/images/001.png", "sha256"]
    assert table["label"].value_counts().to_dict() == {"benign": 3, "malignant": 3}


def test_bus_uc_may_lie_in_the_folder_of_its_archive(tmp_path):
    make_bus_uc(tmp_path / "BUS_UC")
    assert detect(tmp_path).name == "bus-uc"
    assert listed("bus-uc", tmp_path)[0].root == tmp_path / "BUS_UC"


@pytest.mark.parametrize("gone", ["Benign/masks", "Malignant/images", "Malignant"])
def test_bus_uc_names_the_folders_that_are_missing(tmp_path, gone):
    make_bus_uc(tmp_path)
    shutil.rmtree(tmp_path / gone)
    with pytest.raises(DataError) as caught:
        listed("bus-uc", tmp_path)
    missing = caught.value.found.partition(" missing")[0].split(", ")
    assert missing == ([gone] if "/" in gone else ["Malignant/images", "Malignant/masks"])


def test_bus_uc_names_an_empty_folder(tmp_path):
    make_bus_uc(tmp_path)
    for path in (tmp_path / "Benign" / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError) as caught:
        listed("bus-uc", tmp_path)
    assert caught.value.found.startswith("Benign/images/*.png missing")


def test_bus_uc_names_images_without_mask_and_masks_without_image(tmp_path):
    make_bus_uc(tmp_path)
    (tmp_path / "Benign" / "masks" / "001.png").unlink()
    mask(tmp_path / "Malignant" / "masks" / "77.png")
    manifest, lines = listed("bus-uc", tmp_path)
    assert "Mask files that are not there: 1 (Benign/masks/001.png)" in lines
    assert "Masks without an image: 1 (77.png)" in lines
    assert len(manifest) == 6


def test_several_masks_of_one_image_are_joined_in_their_order(tmp_path):
    make_busi(tmp_path)
    for number in (10, 2):
        mask(tmp_path / "benign" / f"benign (12)_mask_{number}.png", number)
    manifest, lines = listed("busi", tmp_path)
    table = manifest.table.set_index("sample")
    assert table.loc["benign/benign (1).png", "mask"] == "benign/benign (1)_mask.png"
    names = ["_mask.png", "_mask_1.png", "_mask_2.png", "_mask_10.png"]
    assert table.loc["benign/benign (12).png", "mask"].split("|") == [f"benign/benign (12){name}" for name in names]
    index = manifest.table.index[manifest.table["sample"] == "benign/benign (12).png"][0]
    assert len(manifest.mask_paths(index)) == 4
    assert (manifest.table["mask_sha256"].str.len() == 64).all()
    assert lines == []


def test_busi_as_its_archive_unpacks(tmp_path):
    make_busi(tmp_path / "Dataset_BUSI_with_GT")
    assert detect(tmp_path).name == "busi"
    assert listed("busi", tmp_path)[0].root == tmp_path / "Dataset_BUSI_with_GT"


def test_busi_names_the_class_that_is_missing(tmp_path):
    make_busi(tmp_path)
    shutil.rmtree(tmp_path / "normal")
    with pytest.raises(DataError) as caught:
        listed("busi", tmp_path)
    assert caught.value.found.startswith("normal missing; there are folders: benign, malignant")


def test_busi_names_images_without_mask_and_masks_without_image(tmp_path):
    make_busi(tmp_path)
    image(tmp_path / "malignant" / "malignant (3).png")
    mask(tmp_path / "malignant" / "malignant (33)_mask_1.png")
    manifest, lines = listed("busi", tmp_path)
    assert len(manifest) == 7
    assert "Mask files that are not there: 1 (malignant/malignant (3)_mask.png)" in lines
    assert "Masks without an image: 1 (malignant/malignant (33)_mask_1.png)" in lines


def test_class_folders_of_ones_own_are_not_busi(tmp_path):
    for label in ("benign", "malignant", "normal"):
        for number in range(2):
            image(tmp_path / label / f"{number}.png", number)
    assert detect(tmp_path).name == "folders"
