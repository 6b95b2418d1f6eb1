"""MedPix 2.0: two collections joined by ``U_id``, official parts, other labels, and what a damaged export is told."""

import json
import shutil

import pytest

from laudo.core.errors import DataError
from laudo.core.progress import listen
from laudo.sources.table import detect, import_manifest
from source_layouts import IMAGES, description, image, lines, make_medpix2, make_medpix2_repository, report
from test_sources_contract import Told


def table_of(root):
    return import_manifest("medpix2", root).table.set_index("sample")


@pytest.mark.parametrize("make", [make_medpix2, make_medpix2_repository])
def test_description_and_report_are_joined_and_the_parts_are_the_authors(tmp_path, make):
    make(tmp_path)
    table = table_of(tmp_path)
    one = table.loc["images/MPX1003_synpic4.png"]
    assert (one["label"], one["modality"], one["modality_detail"]) == ("MR", "MR", "CT - noncontrast")
    assert (one["patient"], one["split"], one["text"]) == ("MPX1003", "val", "caption of MPX1003")
    assert (one["location"], one["location_category"], one["plane"]) == ("Spine", "Spine and Muscles", "Axial")
    assert (one["sex"], one["age"]) == ("male", "44")
    assert (one["title"], one["diagnosis"], one["history"], one["findings"]) == (
        "title MPX1003",
        "diagnosis",
        "history",
        "",
    )
    assert table["split"].value_counts().to_dict() == {"train": 3, "val": 2, "test": 1}
    assert (table.groupby("patient")["split"].nunique() == 1).all()


def test_another_column_can_be_the_class(tmp_path):
    make_medpix2(tmp_path)
    path = tmp_path / "splitted_dataset" / "descriptions_test.jsonl"
    path.write_text(lines([description("MPX1004", 6, Location="Chest, Pulmonary")]))
    manifest = import_manifest("medpix2", tmp_path).labelled_by("location")
    assert manifest.classes == ("Chest, Pulmonary", "Spine")
    assert len(manifest) == 6


def test_the_public_repository_as_its_archive_unpacks(tmp_path):
    make_medpix2_repository(tmp_path / "MedPix-2.0-main" / "MedPix-2-0")
    assert detect(tmp_path).name == "medpix2"
    manifest = import_manifest("medpix2", tmp_path)
    assert manifest.root == tmp_path / "MedPix-2.0-main" / "MedPix-2-0"
    assert len(manifest) == 6


def test_the_split_files_are_taken_before_the_files_of_all(tmp_path):
    make_medpix2_repository(tmp_path)
    shutil.rmtree(tmp_path / "images")
    make_medpix2(tmp_path)
    (tmp_path / "uid_list.json").unlink()
    assert table_of(tmp_path)["split"].value_counts().to_dict() == {"train": 3, "val": 2, "test": 1}


def test_the_training_part_may_come_in_its_two_halves(tmp_path):
    make_medpix2(tmp_path)
    folder = tmp_path / "splitted_dataset"
    for kind in ("data", "descriptions"):
        first, *rest = (folder / f"{kind}_train.jsonl").read_text().splitlines(keepends=True)
        (folder / f"{kind}_train_1.jsonl").write_text(first)
        (folder / f"{kind}_train_2.jsonl").write_text("".join(rest))
        (folder / f"{kind}_train.jsonl").unlink()
    assert table_of(tmp_path)["split"].value_counts().to_dict() == {"train": 3, "val": 2, "test": 1}


def test_without_the_list_of_parts_they_are_unknown_and_this_is_said(tmp_path):
    make_medpix2_repository(tmp_path)
    (tmp_path / "uid_list.json").unlink()
    told = Told()
    with listen(told):
        assert set(table_of(tmp_path)["split"]) == {""}
    assert any("uid_list.json" in line for line in told.lines)


@pytest.mark.parametrize("spelled", ["MPX1004_synpic6", "MPX1004_synpic6.png", "MPX1004_synpic6.PNG"])
def test_images_are_png_whether_or_not_the_document_says_so(tmp_path, spelled):
    make_medpix2(tmp_path)
    path = tmp_path / "splitted_dataset" / "descriptions_test.jsonl"
    path.write_text(lines([description("MPX1004", 6) | {"image": spelled}]))
    assert "images/MPX1004_synpic6.png" in table_of(tmp_path).index


def test_null_is_empty_and_a_modality_stays_as_it_is_spelled(tmp_path):
    make_medpix2(tmp_path)
    path = tmp_path / "splitted_dataset" / "descriptions_test.jsonl"
    path.write_text(
        lines([description("MPX1004", 6, Plane=None, Sex="N/A", Age=None, Modality=" MR - Montage of Images")])
    )
    one = table_of(tmp_path).loc["images/MPX1004_synpic6.png"]
    assert (one["plane"], one["sex"], one["age"], one["modality_detail"]) == ("", "", "", " MR - Montage of Images")


def test_an_image_that_is_not_there_is_named_and_kept_for_the_audit(tmp_path):
    make_medpix2(tmp_path)
    (tmp_path / "images" / "MPX1002_synpic3.png").unlink()
    told = Told()
    with listen(told):
        table = table_of(tmp_path)
    assert table.loc["images/MPX1002_synpic3.png", "sha256"] == ""
    assert "Image files that are not there: 1 (images/MPX1002_synpic3.png)" in told.lines


def test_a_case_without_a_report_is_named(tmp_path):
    make_medpix2(tmp_path)
    (tmp_path / "splitted_dataset" / "data_dev.jsonl").write_text(lines([report("MPX9")]))
    told = Told()
    with listen(told):
        assert table_of(tmp_path).loc["images/MPX1003_synpic4.png", "title"] == ""
    assert "Cases that have images but no report: 1 (MPX1003)" in told.lines


def test_every_missing_file_is_named(tmp_path):
    make_medpix2(tmp_path)
    shutil.rmtree(tmp_path / "images")
    for name in ("data_dev", "descriptions_test"):
        (tmp_path / "splitted_dataset" / f"{name}.jsonl").unlink()
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.found.partition(";")[0] == "images, descriptions_test.jsonl, data_dev.jsonl missing"


def test_the_reports_of_the_other_layout_are_missing(tmp_path):
    make_medpix2_repository(tmp_path)
    (tmp_path / "Case_topic.json").unlink()
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.found.startswith("Case_topic.json missing")


def test_a_line_that_is_no_json_is_named_with_its_number(tmp_path):
    make_medpix2(tmp_path)
    path = tmp_path / "splitted_dataset" / "descriptions_dev.jsonl"
    path.write_text(path.read_text() + "\n{'U_id': 1}\n")
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.file.endswith("descriptions_dev.jsonl")
    assert "4" in caught.value.found


@pytest.mark.parametrize("text", ["[1, 2", '{"a": 1}', "\xff"])
def test_a_collection_that_is_no_list_is_named(tmp_path, text):
    make_medpix2_repository(tmp_path)
    (tmp_path / "Descriptions.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.file.endswith("Descriptions.json")


@pytest.mark.parametrize(
    "wrong",
    [
        {"Type": "US"},
        {"Type": None},
        {"image": "../../x"},
        {"image": ""},
        {"image": None},
        {"image": "a|b"},
        {"U_id": ""},
    ],
)
def test_a_description_that_can_not_be_used_is_named_with_its_line(tmp_path, wrong):
    make_medpix2(tmp_path)
    path = tmp_path / "splitted_dataset" / "descriptions_dev.jsonl"
    path.write_text(lines([description("MPX1003", 4), description("MPX1003", 5) | wrong]))
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.found == "1 of 6 descriptions"
    assert caught.value.details[0].startswith("descriptions_dev.jsonl, line 2:")


def test_an_entry_of_a_list_that_is_no_document_is_named(tmp_path):
    make_medpix2_repository(tmp_path)
    path = tmp_path / "Descriptions.json"
    path.write_text(json.dumps([*json.loads(path.read_text()), "x"]))
    with pytest.raises(DataError) as caught:
        table_of(tmp_path)
    assert caught.value.details[0].startswith("Descriptions.json, entry 7:")


def test_images_that_no_description_names_are_no_samples(tmp_path):
    make_medpix2(tmp_path)
    image(tmp_path / "images" / "MPX7_synpic7.png")
    assert len(table_of(tmp_path)) == sum(len(numbers) for numbers in IMAGES.values())
