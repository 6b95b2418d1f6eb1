"""The catalogue of all of MedPix 2.0, on both data bases."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalog_example import address
from laudo.cli.main import app
from laudo.workflows import steps

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def db(request, tmp_path_factory):
    root = Path(os.environ.get("LAUDO_DATA", ""))
    if not (root / "medpix2").is_dir():
        pytest.skip("LAUDO_DATA names no folder that holds medpix2")
    db = address(request.param, tmp_path_factory.mktemp("catalog"), request)
    facts = steps.catalog_import("medpix2", root, db=db)
    assert (facts["images"]["new"], facts["cases"]["new"], facts["skipped"]) == (2050, 671, [])
    return db


def asked(db, *arguments):
    result = CliRunner().invoke(app, ["catalog", "search", *arguments, "--db", db, "--json"])
    assert result.exit_code in (0, 1), result.output
    return json.loads(result.stdout)


CT_OF_WOMEN = ("--modality", "CT", "--sex", "female")


def test_appendicitis_in_ct_of_women(db):
    """No woman of 60 or more is among them, and the catalogue says so; without the age there are nine cases."""
    none = asked(db, "appendicitis", *CT_OF_WOMEN, "--age", "60-")
    assert none["images"] == 0
    wider = {one["without"]: one["images"] for one in none["wider"]}
    assert wider["age"] == 25
    assert wider["words"] == 3  # appendic*: a colon cancer's and others' appendices
    found = asked(db, "appendicitis", *CT_OF_WOMEN)
    assert (found["images"], found["cases"]) == (25, 9)
    same = steps.catalog_search("appendicitis", modality="CT", sex="female", db=db)
    assert [hit.as_dict() for hit in same.hits] == found["hits"]
    for hit in same.hits:
        assert hit.path.is_file()
        assert "appendicitis" in " ".join(hit.texts.values()).lower()
        assert (hit.about["modality"], hit.about["sex"]) == ("CT", "female")
    assert "acute appendicitis" in same.hits[0].texts["diagnosis"].lower()


def test_women_over_60_and_men(db):
    older = steps.catalog_search("diverticulitis", modality="CT", sex="female", age="60-", db=db)
    assert older.images == 2
    assert all(hit.about["age_years"] >= 60 for hit in older.hits)
    men = steps.catalog_search("appendicitis", modality="CT", sex="male", age="60-", db=db)
    assert {hit.case for hit in men.hits} == {"MPX1139", "MPX2235", "MPX2540"}


def test_everything_is_there(db):
    assert steps.catalog_search(split="test", db=db).images == 200
    assert steps.catalog_search(split="dev", db=db).images == 197
    assert steps.catalog_search(location="brain", db=db).images == 631
    assert steps.catalog_import("medpix2", os.environ["LAUDO_DATA"], db=db)["images"] == {
        "new": 0,
        "changed": 0,
        "same": 2050,
    }


def test_a_training_set_comes_out(db, tmp_path):
    facts = steps.catalog_export(tmp_path, location="chest", db=db)
    assert facts["samples"] == 222
    assert set(facts["counts"]) == {"CT", "MR"}
