"""Import: again is the same, what changed is changed, a kill leaves the old state, runs tell what a model got wrong."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select

from catalog_example import address, example, fill, manifest
from laudo.catalog import store
from laudo.catalog.filters import Filters
from laudo.catalog.open import open_catalog
from laudo.catalog.registered import register_run
from laudo.catalog.search import search, search_numbers
from laudo.catalog.tables import Case, Image, Prediction, Value
from laudo.core.errors import DataError, RunError
from laudo.core.manifest import Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run


@pytest.fixture(params=["sqlite", "postgres"])
def db(request, tmp_path):
    return address(request.param, tmp_path, request)


def state(db):
    """All rows of cases and images, without their numbers."""
    with open_catalog(db) as catalog, catalog.reading() as session:
        cases = [
            (one.uid, one.title, one.findings, one.sex, one.age_years)
            for one in session.execute(select(Case)).scalars()
        ]
        images = [
            (one.sample, one.caption, one.label, one.split, one.extra)
            for one in session.execute(select(Image)).scalars()
        ]
    return sorted(cases, key=str), sorted(images, key=str)


def numbers(db, words="", **conditions):
    with open_catalog(db) as catalog:
        return search_numbers(catalog, words, Filters.of(conditions))


def test_again_nothing_changes(tmp_path, db):
    first = example(tmp_path, db)
    before, ids = state(db), numbers(db)
    stored = fill(db, manifest(tmp_path))
    assert vars(stored.images) == {"new": 0, "changed": 0, "same": 15}
    assert vars(stored.cases) == {"new": 0, "changed": 0, "same": 8}
    assert (state(db), numbers(db)) == (before, ids)
    assert len(first.manifest) == 15


def test_what_has_changed_is_changed_and_searched(tmp_path, db):
    listed = example(tmp_path, db).manifest
    table = listed.table.copy()
    table.loc[table["patient"] == "A1", "findings"] = "A phlegmon"
    table.loc[table["sample"] == "images/A2_1.png", "text"] = "Cecal volvulus"
    table.loc[table["sample"] == "images/B1_1.png", "modality"] = "PET"
    stored = fill(db, Manifest(table, tmp_path, "medpix2", listed.classes))
    assert vars(stored.images) == {"new": 0, "changed": 4, "same": 11}
    assert vars(stored.cases) == {"new": 0, "changed": 1, "same": 7}
    assert len(numbers(db, "phlegmon")) == 2
    assert numbers(db, "appendicolith") == []
    assert len(numbers(db, "volvulus")) == 1
    assert len(numbers(db, modality="pet")) == 1


def test_images_that_a_manifest_does_not_list_answer_with_their_cases_new_texts(tmp_path, db):
    listed = example(tmp_path, db).manifest
    table = listed.table[listed.table["sample"] != "images/A1_2.png"].copy()
    table.loc[table["patient"] == "A1", "findings"] = "A phlegmon"
    fill(db, Manifest(table.reset_index(drop=True), tmp_path, "medpix2", listed.classes))
    assert len(numbers(db, "phlegmon")) == 2


def test_a_manifest_that_knows_less_does_not_blank_what_is_known(tmp_path, db):
    listed = example(tmp_path, db).manifest
    table = listed.table.drop(columns=["findings", "sex", "scanner", "location"])
    fill(db, Manifest(table, tmp_path, "medpix2", listed.classes))
    assert len(numbers(db, "appendicolith", sex="female", location="gastrointestinal")) == 2
    with open_catalog(db) as catalog, catalog.reading() as session:
        assert session.execute(select(Image.extra)).scalars().first()["columns"]["scanner"] == 7


def test_rows_that_are_gone_stay_until_they_are_pruned(tmp_path, db):
    listed = example(tmp_path, db).manifest
    fewer = listed.rows(np.flatnonzero(listed.table["patient"] != "A1"))
    assert fill(db, fewer).gone == 2
    assert len(numbers(db, "appendicolith")) == 2
    with open_catalog(db) as catalog, catalog.writing() as session:
        stored = store.store_manifest(session, catalog.words, fewer, "example", prune=True)
    assert (stored.removed, stored.gone) == (2, 0)
    assert numbers(db, "appendicolith") == []
    assert len(state(db)[0]) == 7


def test_a_data_set_that_has_moved_is_the_same_and_another_is_refused(tmp_path, db):
    listed = example(tmp_path / "here", db).manifest
    moved = Manifest(listed.table, tmp_path / "there", listed.source, listed.classes)
    assert vars(fill(db, moved).images) == {"new": 0, "changed": 0, "same": 15}
    with open_catalog(db) as catalog:
        assert search(catalog, "", Filters(), 1).hits[0].root == str(tmp_path / "there")
    other = Manifest(listed.table.assign(sha256="0"), tmp_path / "elsewhere", listed.source, listed.classes)
    with pytest.raises(DataError) as caught:
        fill(db, other)
    assert "--name" in caught.value.cure
    assert vars(fill(db, other, "second").images)["new"] == 15
    assert len(numbers(db, source="second")) == 15


def test_a_row_without_an_image_is_skipped_and_listed(tmp_path, db):
    listed = manifest(tmp_path)
    table = listed.table.copy()
    table.loc[0, "sha256"] = ""
    stored = fill(db, Manifest(table, tmp_path, "medpix2", listed.classes))
    assert [row.place for row in stored.skipped] == ["images/A1_1.png"]
    assert stored.images.new == 14


def test_an_ordinary_manifest_has_a_case_a_patient_and_its_class_for_a_diagnosis(tmp_path, db):
    rows = [
        {"sample": f"{n}.png", "image": f"{n}.png", "label": label, "patient": patient, "sha256": str(n), "Gender": "F",
         "idade": "34 anos", "Achados": text, "Body Part": "Mama"}
        for n, (label, patient, text) in enumerate(
            [("benign", "p1", "cisto"), ("malignant", "p1", "massa"), ("malignant", "", "nódulo")]
        )
    ]  # fmt: skip
    fill(db, Manifest.from_rows(rows, tmp_path, "csv", ("benign", "malignant")))
    with open_catalog(db) as catalog:
        found = {hit.sample: hit for hit in search(catalog, "", Filters(), 10).hits}
        assert {hit.case for hit in found.values()} == {"p1", "2.png"}
        assert (found["0.png"].about["sex"], found["0.png"].about["age_years"]) == ("female", 34)
        assert found["0.png"].texts["findings"] == "cisto"  # its own, not what the case's other image tells
        assert found["0.png"].about["location"] == "Mama"
    assert len(numbers(db, "malignant")) == 2
    assert len(numbers(db, "cisto")) == 1
    with open_catalog(db) as catalog, catalog.reading() as session:
        case = session.execute(select(Case).where(Case.uid == "p1")).scalar_one()
        assert case.findings == "cisto\nmassa"


def test_texts_that_data_bases_do_not_like_are_stored(tmp_path, db):
    rows = [
        {
            "sample": "a",
            "image": "a",
            "sha256": "1",
            "text": "nul\0 half pair 🙂 " + "x" * 5000,
            "location": "y" * 3000,
        }
    ]
    fill(db, Manifest.from_rows(rows, tmp_path, "csv", ()))
    assert len(numbers(db, "nul pair")) == 1
    assert len(numbers(db, "x" * 5000)) == 1


# what is killed or fails ---------------------------------------------------------------------------------------------


def test_an_import_that_fails_leaves_everything_as_it_was(tmp_path, db, monkeypatch):
    listed = example(tmp_path, db).manifest
    before = state(db)
    changed = Manifest(listed.table.assign(title="changed"), tmp_path, "medpix2", listed.classes)

    def full(_session):
        raise OSError("no space left")

    monkeypatch.setattr(store, "_count_values", full)
    with pytest.raises(OSError, match="no space"):
        fill(db, changed)
    assert state(db) == before
    assert len(numbers(db, "appendicolith")) == 2


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from catalog_example import fill, manifest
from laudo.catalog import store
from laudo.core.manifest import Manifest
listed = manifest(Path({root!r}))
def wait(session):
    session.flush()
    session.connection().exec_driver_sql("SELECT 1")
    print("now", flush=True)
    time.sleep(60)
store._count_values = wait
fill({db!r}, Manifest(listed.table.assign(title="changed"), listed.root, "medpix2", listed.classes))
"""


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_an_import_that_is_killed_leaves_everything_as_it_was(tmp_path, db):
    example(tmp_path, db)
    before = state(db)
    code = KILLED.format(tests=str(Path(__file__).parent), root=str(tmp_path), db=db)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "now\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert state(db) == before
    for _ in range(50):  # PostgreSQL notices within moments that its client is gone
        try:
            assert vars(fill(db, manifest(tmp_path)).images)["same"] == 15
            break
        except DataError:
            time.sleep(0.1)


def test_two_imports_at_once_are_one_after_the_other(tmp_path, db):
    """Into a catalogue that is not there yet: one makes it, the other finds everything done."""
    listed = manifest(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        done = [one.result() for one in [pool.submit(fill, db, listed) for _ in range(4)]]
    assert sorted(one.images.new for one in done) == [0, 0, 0, 15]
    assert len(numbers(db, "appendicolith")) == 2


def test_numbers_of_values_are_kept(tmp_path, db):
    example(tmp_path, db)
    with open_catalog(db) as catalog, catalog.reading() as session:
        rows = select(Value.value, func.sum(Value.images)).where(Value.name == "modality").group_by(Value.value)
        assert dict(session.execute(rows).all()) == {"CT": 9, "MR": 6}


# runs ----------------------------------------------------------------------------------------------------------------


def make_run(folder: Path, listed: Manifest, part: str = "test", wrong: tuple[str, ...] = ("B2",)) -> Run:
    """A run that takes the images of some cases for the other modality."""
    run = Run(folder)
    folder.mkdir(parents=True)
    run.begin(load_recipe("medpix-modality-resnet50"))
    listed.save(run.manifest_path)
    table = listed.part(part).table if part != "pooled" else listed.table
    truth = (table["label"] == "MR").to_numpy()
    said = truth ^ table["patient"].isin(wrong).to_numpy()
    probabilities = np.where(said[:, None], [[0.2, 0.8]], [[0.7, 0.3]])
    Predictions.build(table, probabilities, ("CT", "MR"), 0.5).save(run.predictions_path(part))
    return run


def register(db, run, name="example"):
    with open_catalog(db, create=True) as catalog, catalog.writing() as session:
        stored = store.store_manifest(session, catalog.words, run.manifest(), name, add_only=True)
        return register_run(session, run, stored)


def test_the_cases_that_a_model_got_wrong(tmp_path, db):
    listed = example(tmp_path, db).manifest
    run = make_run(tmp_path / "runs" / "one", listed)
    (part,) = register(db, run)
    assert (part.part, part.predictions, part.wrong, part.unknown) == ("test", 4, 2, 0)
    with open_catalog(db) as catalog:
        for named in ("one", str(run.folder)):
            found = search(catalog, "", Filters.of({"wrong": named}))
            assert [hit.sample for hit in found.hits] == ["images/B2_1.png", "images/B2_2.png"]
        answer = found.hits[0].prediction
        assert (answer["truth"], answer["predicted"], answer["probability"]) == ("MR", "CT", 0.7)
        assert search(catalog, "edema", Filters.of({"wrong": "one", "sex": "female"})).images == 0
        with pytest.raises(DataError) as caught:
            search(catalog, "", Filters.of({"wrong": "one", "part": "val"}))
        assert caught.value.expected == "test"


def test_a_run_registered_again_replaces_what_it_said(tmp_path, db):
    listed = example(tmp_path, db).manifest
    register(db, make_run(tmp_path / "one", listed))
    again = make_run(tmp_path / "two", listed, wrong=("C2",))
    (tmp_path / "one").rename(tmp_path / "old")
    again.folder.rename(tmp_path / "one")
    register(db, Run(tmp_path / "one"))
    with open_catalog(db) as catalog:
        assert {hit.case for hit in search(catalog, "", Filters.of({"wrong": "one"})).hits} == {"C2"}
        with catalog.reading() as session:
            assert session.execute(select(func.count()).select_from(Prediction)).scalar() == 4


def test_pooled_predictions_of_a_cross_validation_are_the_quoted_ones(tmp_path, db):
    listed = example(tmp_path, db).manifest
    register(db, make_run(tmp_path / "cv", listed, part="pooled", wrong=("A1", "E1")))
    with open_catalog(db) as catalog:
        assert {hit.case for hit in search(catalog, "", Filters.of({"wrong": "cv"})).hits} == {"A1", "E1"}


def test_a_run_brings_its_images_where_they_are_not_known(tmp_path, db):
    register(db, make_run(tmp_path / "one", manifest(tmp_path)))
    assert len(numbers(db)) == 15
    assert len(numbers(db, wrong="one")) == 2


def test_a_run_leaves_what_is_known_as_it_is(tmp_path, db):
    listed = example(tmp_path, db).manifest
    before = state(db)
    relabelled = Manifest(
        listed.table.assign(label=listed.table["modality"], split="test").drop(columns=["findings"]),
        tmp_path,
        "medpix2",
        listed.classes,
    )
    register(db, make_run(tmp_path / "one", relabelled))
    assert state(db) == before


def test_a_run_without_classes_is_refused(tmp_path, db):
    listed = example(tmp_path, db).manifest
    run = make_run(tmp_path / "masks", listed)
    pd.DataFrame({"sample": ["a"], "dice:lesion": [0.5]}).to_parquet(run.predictions_path("test"))
    with pytest.raises(RunError):
        register(db, run)
