"""Export: the manifest that comes out is the one that went in, and a training takes it."""

import pandas as pd
import pytest

from catalog_example import address, example, fill, manifest
from laudo.catalog.export import manifest_of
from laudo.catalog.filters import Filters
from laudo.catalog.open import open_catalog
from laudo.catalog.search import search_numbers
from laudo.core.errors import DataError
from laudo.core.manifest import COLUMNS, Manifest
from laudo.core.recipe_file import load_recipe
from laudo.sources.table import import_manifest
from laudo.workflows import steps
from laudo.workflows.dataset import listed as listed_by


@pytest.fixture(params=["sqlite", "postgres"])
def db(request, tmp_path):
    return address(request.param, tmp_path, request)


def exported(db, words="", **conditions) -> Manifest:
    with open_catalog(db) as catalog:
        numbers = search_numbers(catalog, words, Filters.of(conditions))
        with catalog.reading() as session:
            return manifest_of(session, numbers)


def test_what_comes_out_is_what_went_in(tmp_path, db):
    went_in = example(tmp_path, db).manifest
    came_out = exported(db)
    pd.testing.assert_frame_equal(came_out.table, went_in.table, check_dtype=False)
    assert (came_out.root, came_out.source, came_out.classes) == (tmp_path, "medpix2", ("CT", "MR"))
    assert came_out.content_hash() == went_in.content_hash()


def test_only_what_was_asked_for(tmp_path, db):
    example(tmp_path, db)
    came_out = exported(db, "appendicitis", sex="female")
    assert came_out.table["sample"].tolist() == ["images/A1_1.png", "images/A1_2.png"]
    assert came_out.classes == ("CT",)
    with pytest.raises(DataError):
        exported(db, "nothingoftheset")


def test_channels_masks_folds_and_several_labels_come_back(tmp_path, db):
    rows = [
        {"sample": f"s{n}", "image": f"a{n}.nii|b{n}.nii", "mask": f"m{n}.nii", "label": label, "sha256": str(n), "fold": 1 + n,
         "fold_2": 2 - n, "weight": 0.5 * n, "patient": "p"}
        for n, label in enumerate(("Mass|Effusion", ""))
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    for name in COLUMNS:
        if name not in table:
            table[name] = ""
    went_in = Manifest(
        table[[*COLUMNS, "fold_2", "weight"]],
        tmp_path,
        "csv",
        ("Effusion", "Mass"),
        ("t1", "t2"),
        {1: "core"},
        separator="|",
    )
    fill(db, went_in)
    came_out = exported(db)
    pd.testing.assert_frame_equal(came_out.table, went_in.table, check_dtype=False)
    assert (came_out.channels, came_out.mask_labels, came_out.separator) == (("t1", "t2"), {1: "core"}, "|")
    assert came_out.classes == ("Effusion", "Mass")


def test_several_data_sets_have_one_root_and_no_sample_in_common(tmp_path, db):
    for name in ("one", "two"):
        fill(db, manifest(tmp_path / name), name)
    came_out = exported(db, modality="CT")
    assert came_out.root == tmp_path
    assert came_out.source == "catalog"
    assert len(came_out) == 18
    assert came_out.table["sample"].is_unique
    assert all(path.is_file() for path in came_out.paths)
    assert {"one/A1", "two/A1"} <= set(came_out.table["patient"])


def test_data_sets_that_do_not_fit_together_are_refused(tmp_path, db):
    listed = example(tmp_path, db).manifest
    fill(db, Manifest(listed.table, tmp_path / "x", "csv", listed.classes, separator="|"), "other")
    with pytest.raises(DataError) as caught:
        exported(db)
    assert "--source" in caught.value.cure


def test_a_training_takes_what_was_exported(tmp_path, db):
    example(tmp_path, db)
    facts = steps.catalog_export(tmp_path / "out", db=db, modality=["CT", "MR"])
    assert facts["samples"] == 15
    assert facts["counts"]["CT"] == {"train": 7, "test": 2}
    assert (tmp_path / "out" / "export.json").is_file()
    opened = import_manifest("medpix2", tmp_path / "out")
    assert len(opened) == 15
    recipe = load_recipe("medpix-modality-resnet50")
    assert listed_by(recipe, tmp_path / "out").counts == {"CT": 9, "MR": 6}
    assert steps.catalog_import(str(tmp_path / "out"), db=db, name="example")["images"]["same"] == 15
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError):
        steps.catalog_export(tmp_path / "mine", db=db)
