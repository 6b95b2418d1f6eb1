"""`laudo compare` as a job: what is refused, what is written, what is noted, and the command itself."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from compared_example import cross_validated_run, outlined_run, recipe, truth, volumes
from laudo.cli.main import app
from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import set_language
from laudo.core.recipe_differences import recipe_differences
from laudo.core.run import Run
from laudo.workflows import compare_runs as job
from laudo.workflows import steps
from laudo.workflows.compare_runs import compare_runs


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    set_language("en")
    yield
    set_language("en")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def manifest(place):
    return volumes(place / "data")


@pytest.fixture(scope="module")
def worse(place, manifest):
    return outlined_run(place / "ce", manifest, 0.2, seed=1, training__mask_loss__name="cross_entropy").folder


@pytest.fixture(scope="module")
def better(place, manifest):
    return outlined_run(place / "ce-dice", manifest, 0.1, seed=2).folder


@pytest.fixture
def no_page(monkeypatch):
    monkeypatch.setattr(job, "write_compare_page", lambda *_arguments: None)


def ids(result: dict) -> list[str]:
    return [note["id"] for note in result["notes"]]


# what is written ---------------------------------------------------------------------------------------------


def test_everything_for_programs_is_in_compare_json(worse, better, tmp_path, manifest):
    result = steps.compare([worse, better], tmp_path / "out")
    assert json.loads((tmp_path / "out" / "compare.json").read_text()) == result
    assert (tmp_path / "out" / "compare.html").is_file()
    assert (tmp_path / "out" / "figures" / "compared-differences-1.svg").is_file()
    assert [run["name"] for run in result["runs"]] == ["ce", "ce-dice"]
    first = result["runs"][0]
    assert (first["part"], first["trainings"], first["best_epochs"], first["seconds"]) == ("test", 1, [8], 300.0)
    assert first["manifest"] == manifest.content_hash()
    assert result["recipes"] == [{"key": "training.mask_loss.name", "values": ["cross_entropy", "cross_entropy+dice"]}]
    assert (result["n"], result["length_unit"]) == (12, "mm")
    dice = [run["value"] for run in result["values"]["dice"]["mean"]]
    assert dice[1] > dice[0] + 0.03
    case = result["cases"][3]
    own = Run(better).mask_scores("test").table.set_index("sample").loc[case["sample"]]
    assert case["dice"]["posterior"][1] == own["dice:posterior"]
    verdict = result["pairs"][0]["verdict"]
    assert verdict["kind"] == "shown"
    assert verdict["sentence"].startswith("Dice of ce-dice is 0.0")
    assert ids(result) == ["one_training", "few_groups"]


def test_runs_are_left_as_they_were(worse, better, tmp_path, no_page):
    before = {path: path.stat().st_mtime_ns for path in worse.rglob("*")}
    compare_runs([worse, better], tmp_path / "out", "en")
    assert {path: path.stat().st_mtime_ns for path in worse.rglob("*")} == before


def test_a_run_beside_its_twin_is_identical(better, place, tmp_path, no_page):
    twin = place / "elsewhere" / "ce-dice"
    shutil.copytree(better, twin, dirs_exist_ok=True)
    result = compare_runs([better, twin], tmp_path / "out", "en")
    names = [run["name"] for run in result["runs"]]
    assert names[1] == "elsewhere/ce-dice"
    assert len(set(names)) == 2
    assert result["pairs"][0]["verdict"]["kind"] == "identical"
    assert result["pairs"][0]["metrics"]["hd95_mm"]["mean"]["ci95"] == [0, 0]
    assert result["pairs"][0]["metrics"]["dice"]["mean"]["p"] == 1
    assert "same_recipe" in ids(result)


def test_cross_validations_are_compared_on_all_folds_together(place, manifest, tmp_path, no_page):
    one = cross_validated_run(place / "cv-a", manifest, 0.2).folder
    two = cross_validated_run(place / "cv-b", manifest, 0.1).folder
    result = compare_runs([one, two], tmp_path / "out", "en")
    first = result["runs"][0]
    assert (first["part"], first["n"], first["trainings"]) == ("pooled", 12, 3)
    assert first["best_epochs"] == [8, 9, 10]
    assert "folds" in ids(result)
    assert "one_training" not in ids(result)
    assert "trained_on_others" not in ids(result)
    other = cross_validated_run(place / "cv-c", manifest, 0.1, folds=4).folder
    assert "trained_on_others" in ids(compare_runs([one, other], tmp_path / "out", "en"))


def test_shared_cases_only_when_asked(place, manifest, better, tmp_path, no_page):
    some = outlined_run(place / "some", manifest.rows(np.arange(9)), 0.15, seed=3).folder
    with pytest.raises(DataError) as caught:
        compare_runs([better, some], tmp_path / "out", "en")
    assert caught.value.found == "ce-dice: 12, some: 9; in common: 9"
    assert not (tmp_path / "out").exists()
    result = compare_runs([better, some], tmp_path / "out", "en", shared=True)
    assert result["n"] == 9
    assert next(note for note in result["notes"] if note["id"] == "left_out")["n"] == [3, 0]


def test_surface_dice_of_two_tolerances_is_left_out(place, manifest, better, tmp_path, no_page):
    other = outlined_run(place / "tolerance", manifest, 0.15, evaluation__nsd_tolerance_mm=2.0).folder
    result = compare_runs([better, other], tmp_path / "out", "en")
    assert "nsd" not in result["values"]
    assert "nsd_tolerance" in ids(result)


def test_what_makes_figures_worth_less_is_noted(place, manifest, better, tmp_path, no_page):
    stopped = outlined_run(place / "stopped", manifest, 0.15, split__by="sample")
    stopped.set_state("stopped", reason="max_minutes")
    changed = manifest.with_columns(sha256=["f" * 64, *manifest.table["sha256"][1:]])
    changed.save(stopped.manifest_path)
    result = compare_runs([better, stopped.folder], tmp_path / "out", "en")
    notes = {note["id"]: note for note in result["notes"]}
    assert notes["unfinished"]["runs"] == ["stopped"]
    assert notes["groups_divided"]["runs"] == ["stopped"]
    assert notes["images_differ"]["n"] == 1


def test_the_unit_of_lengths_is_that_of_the_scores(place, manifest, tmp_path, no_page):
    made = []
    for name, wrong in (("px-a", 0.1), ("px-b", 0.2)):
        run = outlined_run(place / name, manifest, wrong)
        scores = run.mask_scores("test")
        MaskScores(scores.table.assign(in_mm=False), scores.structures).save(run.predictions_path("test"))
        made.append(run.folder)
    assert compare_runs(made, tmp_path / "out", "en")["length_unit"] == "px"


# what is refused ---------------------------------------------------------------------------------------------


def test_other_masks_are_refused(place, manifest, better, tmp_path):
    run = outlined_run(place / "masks", manifest, 0.15)
    hashes = manifest.table["mask_sha256"].tolist()
    manifest.with_columns(mask_sha256=[*hashes[:5], "e" * 64, *hashes[6:]]).save(run.manifest_path)
    with pytest.raises(DataError, match="same masks") as caught:
        compare_runs([better, run.folder], tmp_path / "out", "en")
    assert "case-05" in caught.value.found
    manifest.with_columns(mask_sha256=[*hashes[:5], "", *hashes[6:]]).save(run.manifest_path)
    assert compare_runs([better, run.folder], tmp_path / "out", "en")["n"] == 12


def test_a_run_twice_one_run_and_no_run_are_refused(better, place, tmp_path):
    with pytest.raises(RunError, match="twice"):
        compare_runs([better, better / ".." / better.name], tmp_path / "out", "en")
    with pytest.raises(LaudoError, match="two runs"):
        compare_runs([better], tmp_path / "out", "en")
    with pytest.raises(RunError):
        compare_runs([better, place / "nowhere"], tmp_path / "out", "en")


def test_results_are_not_written_into_a_run(worse, better):
    with pytest.raises(RunError, match="holds a run"):
        compare_runs([worse, better], better, "en")


def test_a_run_that_was_not_judged_is_refused(place, manifest, better, tmp_path):
    run = outlined_run(place / "unjudged", manifest, 0.15)
    run.predictions_path("test").unlink()
    with pytest.raises(RunError) as caught:
        compare_runs([better, run.folder], tmp_path / "out", "en")
    assert "--resume" in caught.value.cure


# recipes -----------------------------------------------------------------------------------------------------


def test_only_keys_that_differ_are_listed():
    one, other = recipe(), recipe(training__seed=5, training__mask_loss__weights="[1, 2]")
    assert recipe_differences([one, one]) == []
    found = {row["key"]: row["values"] for row in recipe_differences([one, other, one])}
    assert found == {
        "training.seed": [one.training.seed, 5, one.training.seed],
        "training.mask_loss.weights": [[1.0, 1.0], [1.0, 2.0], [1.0, 1.0]],
    }
    named = one.model_copy(update={"name": "another", "description": "words"})
    assert recipe_differences([one, named]) == []


# the command -------------------------------------------------------------------------------------------------


def laudo(*arguments, code: int = 0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def test_the_command_shows_a_table_and_the_verdict(worse, better, tmp_path):
    shown = laudo("compare", worse, better, "-o", tmp_path / "out").stdout
    assert "mean over structures" in shown
    assert "12 / 0 / 0" in shown
    assert "Dice of ce-dice is" in shown
    assert "Trained once: ce, ce-dice." in shown
    assert str(tmp_path / "out" / "compare.html") in shown.replace("\n", "")


def test_json_is_one_object(worse, better, tmp_path):
    printed = laudo("compare", worse, better, "-o", tmp_path / "out", "--json").stdout
    assert len(printed.splitlines()) == 1
    answer = json.loads(printed)
    kept = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert {name: answer[name] for name in kept} == kept
    assert answer["page"].endswith("compare.html")


def test_the_command_refuses_with_2(better, tmp_path, place, manifest):
    some = outlined_run(place / "few", manifest.rows(np.arange(4)), 0.15).folder
    result = laudo("compare", better, some, "-o", tmp_path / "out", "--json", code=2)
    assert json.loads(result.stdout)["error"] == "DataError"
    laudo("compare", better, some, "-o", tmp_path / "out", "--shared")
    assert "--shared" in laudo("compare", "--help").stdout


def test_a_case_that_one_run_missed_altogether(place, manifest, better, tmp_path, no_page):
    missed = outlined_run(place / "missed", manifest, 0.1, seed=2, guesses={4: np.zeros_like(truth(4))}).folder
    result = compare_runs([better, missed], tmp_path / "out", "en")
    cell = result["pairs"][0]["metrics"]["dice"]["mean"]
    assert (cell["better"], cell["equal"], cell["worse"]) == (0, 11, 1)
    assert cell["p"] == 1
    assert result["pairs"][0]["metrics"]["hd95_mm"]["mean"]["worse"] == 1
