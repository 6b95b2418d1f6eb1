"""Reporting checklists: every item is answered, and its state follows from what the run holds."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from laudo.report.checklist.answer import STATES
from laudo.report.checklist.claim import CLAIM
from laudo.report.checklist.files import write_checklists
from laudo.report.checklist.table import CHECKLISTS, fill
from laudo.report.checklist.tripod import TRIPOD_AI
from laudo.report.context import Evidence, gather
from laudo.report.order import SECTIONS
from laudo.report.voice import Voice
from mask_report_example import hippocampus_manifest, make_mask_recipe, make_mask_run
from report_example import LEAKAGE, make_cross_validation, make_recipe, make_run

EN = Voice("en")
ITEMS = {"claim": {item.number: item for item in CLAIM}, "tripod-ai": {item.number: item for item in TRIPOD_AI}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("checklists") / "brain", n=40)


@pytest.fixture(scope="module")
def evidence(run):
    """A run whose data say nothing of the people, and of which no decision curve was computed."""
    found = gather(run)
    assert found.manifest is not None
    of_people = [name for name in found.manifest.table if name in ("sex", "age", "patient_sex", "patient_age")]
    found = replace(found, manifest=replace(found.manifest, table=found.manifest.table.drop(columns=of_people)))
    beside = ("decision_curve", "subgroups")
    test = {name: value for name, value in found.metrics["test"].items() if name not in beside}
    return replace(found, metrics={**found.metrics, "test": test})


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    return gather(make_cross_validation(tmp_path_factory.mktemp("checklists") / "cv", n=40))


@pytest.fixture(scope="module")
def outlined(tmp_path_factory):
    home = tmp_path_factory.mktemp("checklists")
    manifest = hippocampus_manifest(home / "images", 6)
    parts = np.array(["train", "train", "val", "val", "test", "test"], dtype=object)
    manifest = manifest.with_columns(split=parts)
    return gather(make_mask_run(home / "masks", manifest, make_mask_recipe()))


def ask(evidence: Evidence, number: str, checklist: str = "claim"):
    return ITEMS[checklist][number].ask(evidence, EN)


def state(evidence: Evidence, number: str, checklist: str = "claim") -> str:
    return ask(evidence, number, checklist).state


def test_the_numbers_are_those_of_the_checklists():
    assert [item.number for item in CLAIM] == [str(number) for number in range(1, 45)]
    parts = {
        3: "abc",
        5: "ab",
        6: "abc",
        8: "abc",
        9: "abc",
        12: "abcdefg",
        18: "abcdef",
        20: "abc",
        23: "ab",
        27: "abc",
    }
    numbers = [f"{n}{letter}" for n in range(1, 28) for letter in parts.get(n, " ")]
    assert [item.number for item in TRIPOD_AI] == [number.strip() for number in numbers]
    assert len(TRIPOD_AI) == 52


@pytest.mark.parametrize("which", ["evidence", "folds", "outlined"])
@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_every_item_has_a_sentence_a_state_and_a_place(request, which, language):
    found = request.getfixturevalue(which)
    names = {section.name for section in SECTIONS} | {"", "subgroups"}
    for one in fill(found, Voice(language)):
        for line in one.lines:
            assert line.answer.state in STATES
            assert line.topic
            assert line.answer.text.strip().endswith((".", ")", "…", "OTHER", "?")), line
            assert "{" not in line.answer.text
            assert "None" not in line.answer.text.split()
            assert "expected form" not in line.answer.text
            assert line.answer.where in names
            assert (line.answer.state == "author") <= ("author" not in line.answer.where)


def test_an_empty_folder_leaves_it_to_the_author(tmp_path):
    from laudo.core.run import Run

    nothing = gather(Run(tmp_path))
    filled = fill(nothing, EN)
    assert [len(one.lines) for one in filled] == [44, 52]
    shown = [line.number for one in filled for line in one.lines if line.answer.state == "shown"]
    assert not any("expected form" in line.answer.text for one in filled for line in one.lines)
    assert set(shown) <= {"16", "12g"}, shown


def test_outlines_are_held_to_claim_alone(outlined, evidence):
    assert [one.checklist.name for one in fill(outlined, EN)] == ["claim"]
    assert [one.checklist.name for one in fill(evidence, EN)] == [one.name for one in CHECKLISTS]


def test_external_images(evidence):
    assert state(evidence, "33") == "not_done"
    assert "laudo evaluate brain --data OTHER" in ask(evidence, "33").text
    found = replace(evidence, metrics={**evidence.metrics, "external": {**evidence.metrics["test"], "n": 77}})
    assert state(found, "33") == "shown"
    assert "77 images" in ask(found, "33").text
    assert [state(one, "16", "tripod-ai") for one in (evidence, found)] == ["shown", "partly"]
    assert [state(one, "23b", "tripod-ai") for one in (evidence, found)] == ["not_done", "partly"]


def test_the_level_on_which_parts_are_apart(evidence):
    unknown = evidence
    assert state(unknown, "20") == "partly"
    manifest = evidence.manifest
    patients = replace(evidence, manifest=manifest.with_columns(patient=[f"P{n}" for n in range(len(manifest))]))
    assert state(patients, "20") == "shown"
    assert "share no patient" in ask(patients, "20").text
    by_sample = replace(patients, recipe=make_recipe(split={"by": "sample"}))
    assert state(by_sample, "20") == "not_done"
    assert "at random, image by image" in ask(by_sample, "19").text
    assert state(by_sample, "32") == "partly"
    official = replace(patients, recipe=make_recipe(split={"by": "official"}))
    assert state(official, "20") == "not_done", "nobody has looked whether others' parts are apart"
    looked = {**evidence.audit, "findings": [{"check": "across_parts", "status": "pass", "count": 0}]}
    assert state(replace(official, audit=looked), "20") == "shown"
    leak = [{"check": "across_parts", "status": "fail", "count": 3}]
    crossed = replace(patients, audit={**evidence.audit, "findings": leak})
    assert state(crossed, "20") == "not_done"


def test_figures_quoted_from_where_the_model_was_chosen(evidence):
    assert state(evidence, "32") == "shown"
    assert state(evidence, "26") == "shown"
    chosen = replace(evidence, headline="val")
    assert state(chosen, "32") == "not_done"
    assert state(chosen, "26") == "not_done"
    assert state(replace(evidence, metrics={}), "37") == "not_done"


def test_seeds_folds_and_repeats_make_a_result_robust(evidence, folds):
    assert state(evidence, "30") == "not_done"
    assert state(folds, "30") == "shown"
    repeated = replace(evidence, metrics={**evidence.metrics, "repeats": {"n": 3}})
    assert "3 times" in ask(repeated, "30").text
    assert state(replace(evidence, metrics={**evidence.metrics, "leakage": LEAKAGE}), "30") == "shown"
    assert state(replace(evidence, reproduction={"verdict": "identical"}), "30") == "shown"
    assert state(replace(evidence, reproduction={"verdict": "different"}), "30") == "not_done"


def test_calibration_and_worth(evidence):
    result = {**evidence.metrics["test"], "decision_curve": {"yes": {}}}
    assert state(evidence, "12e", "tripod-ai") == "partly"
    assert "worth was not" not in ask(evidence, "28").text
    full = replace(evidence, metrics={**evidence.metrics, "test": result})
    assert state(full, "12e", "tripod-ai") == "shown"
    without = {name: one for name, one in result["metrics"].items() if name != "ece"}
    result = {name: one for name, one in result.items() if name != "calibration"}
    bare = replace(evidence, metrics={**evidence.metrics, "test": {**result, "metrics": without}})
    assert state(bare, "12e", "tripod-ai") == "partly"
    assert "Calibration was not looked at." in ask(bare, "12e", "tripod-ai").text
    assert state(evidence, "12f", "tripod-ai") == "not_applicable"
    scaled = replace(evidence, model={**evidence.model, "calibration": {"temperature": 1.4}})
    assert state(scaled, "12f", "tripod-ai") == "shown"


def test_subgroups_and_people(evidence):
    assert [state(evidence, number, "tripod-ai") for number in ("14", "20b", "23a")] == [
        "not_done",
        "not_done",
        "partly",
    ]
    result = {**evidence.metrics["test"], "subgroups": {"sex": {}}}
    judged = replace(evidence, metrics={**evidence.metrics, "test": result})
    assert [state(judged, number, "tripod-ai") for number in ("14", "20b", "23a")] == ["partly", "shown", "shown"]
    named = evidence.manifest.with_columns(patient_sex=["f"] * len(evidence.manifest))
    assert state(replace(evidence, manifest=named), "36") == "partly"


def test_explanations_and_their_test(evidence, outlined):
    assert state(evidence, "31") == "shown"
    data = {key: value for key, value in evidence.explained[0].data.items() if key != "sanity"}
    untested = replace(evidence, explained=[replace(evidence.explained[0], data=data)])
    assert state(untested, "31") == "partly"
    assert state(replace(evidence, explained=[]), "31") == "not_done"
    assert state(outlined, "31") == "not_applicable"


def test_the_source_decides_what_is_known_of_the_data(evidence):
    own = replace(evidence, recipe=make_recipe(data={"source": "folders"}))
    for number, public in (("5", "shown"), ("7", "shown"), ("14", "partly")):
        assert state(evidence, number) == public
        assert state(own, number) == ("partly" if number == "7" else "author")


def test_settings_of_the_recipe(evidence):
    assert state(evidence, "27") == "not_applicable"
    assert state(replace(evidence, recipe=make_recipe(training={"ensemble": 5})), "27") == "shown"
    assert state(evidence, "24") == "partly"
    network = {"backbone": "small_cnn", "weights": "none", "trainable": 1.0}
    assert state(replace(evidence, recipe=make_recipe(network=network)), "24") == "shown"
    assert state(evidence, "9c", "tripod-ai") == "not_applicable"
    masked = make_recipe(data={"source": "bus-uc"}, prepare={"crop": "lesion"})
    assert state(replace(evidence, recipe=masked), "9c", "tripod-ai") == "author"
    weighted = replace(evidence, recipe=make_recipe(training={"class_weights": "balanced"}))
    assert "inverse of their frequency" in ask(weighted, "13", "tripod-ai").text
    assert "Nothing was done" in ask(evidence, "13", "tripod-ai").text


def test_what_the_audit_found_of_names_and_labels(evidence):
    assert state(evidence, "11") == "author"
    for status, found in (("pass", "partly"), ("warn", "not_done")):
        audit = {**evidence.audit, "findings": [{"check": "patient_tags", "status": status, "count": 2}]}
        assert state(replace(evidence, audit=audit), "11") == found
    assert state(evidence, "18") == "not_done"
    conflict = {**evidence.audit, "findings": [{"check": "label_conflict", "status": "fail", "count": 4}]}
    assert "carry different labels: 4" in ask(replace(evidence, audit=conflict), "18").text
    assert "1 image" in ask(evidence, "12").text
    assert state(replace(evidence, audit=None), "7", "tripod-ai") == "not_done"


def test_a_damaged_file_costs_its_items_only(evidence):
    odd = replace(evidence, metrics={**evidence.metrics, "test": {"metrics": {"accuracy": 3}}})
    filled = fill(odd, EN)
    assert [len(one.lines) for one in filled] == [44, 52]
    assert any("does not have the expected form" in line.answer.text for line in filled[0].lines)
    assert state(odd, "7") == "shown"


def test_files_hold_every_item(run):
    path = write_checklists(run, "pt")
    text = path.read_text(encoding="utf-8")
    assert text.count("\n| ") == 2 * 2 + 44 + 52
    rows = list(csv.DictReader(io.StringIO(path.with_suffix(".csv").read_text(encoding="utf-8"))))
    assert len(rows) == 96
    assert {row["state"] for row in rows} <= set(STATES)
    assert {row["checklist"] for row in rows} == {"claim", "tripod-ai"}


def test_names_that_are_markdown_stay_text(tmp_path):
    run = make_run(tmp_path / "a|b", n=40)
    for line in write_checklists(run, "en").read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            assert line.replace("\\|", "").count("|") == 6


def test_the_section_of_the_report(run, evidence):
    from laudo.report.page import write_report

    html = write_report(run, "en").read_text(encoding="utf-8")
    section = html[html.index('<section id="checklists"') :].split("</section>")[0]
    assert section.count("<tr>") == 2 + 44 + 52
    assert 'href="#limits"' in section
    assert "Checklist for Artificial Intelligence in Medical Imaging" in section
