"""Runs from end to end: cross-validation, leakage, other images, refusals, and reports of runs that failed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from laudo.core.errors import DataError, RunError, WeightsError
from laudo.core.predictions import Predictions
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.workflows import evaluate_run, finish_classifier, train_run
from laudo.workflows.evaluate_run import evaluate_external, evaluate_part
from laudo.workflows.use_model import explain_paths
from training_example import (
    FROZEN,
    draw,
    fingerprint,
    plain_report,
    save,
    small_recipe,
    train,
    trained,
    write_images,
)


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    monkeypatch.setattr(evaluate_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def cross_validated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    data = write_images(folder / "data", per_class=16, seed=3)
    recipe = small_recipe(FROZEN, {"training": {"epochs": 2}, "evaluation": {"explained_cases": 1, "sanity_cases": 0}})
    return train(recipe, data, folder / "run", folds=True), data


def test_a_run_folder_holds_what_it_promises():
    run, data = trained()
    names = {path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*")}
    assert {
        "recipe.yaml",
        "manifest.parquet",
        "manifest.csv",
        "audit.json",
        "environment.json",
        "log.jsonl",
        "model.safetensors",
        "model.json",
        "predictions/train.parquet",
        "predictions/val.parquet",
        "predictions/test.csv",
        "metrics.json",
        "explanations.json",
        "explanations/001-overlay.png",
        "report.html",
        "MODEL_CARD.md",
        "status.json",
    } <= names
    manifest = run.manifest()
    assert len(manifest) == 60
    assert set(manifest.table["split"]) == {"train", "val", "test"}
    assert manifest.table.groupby("group")["split"].nunique().max() == 1
    assert run.json("audit")["checks_run"] == run.json("audit")["checks_total"]
    assert run.state()["state"] == "finished"
    assert run.json("environment")["hashes"]["manifest"] == manifest.content_hash()
    for part in ("train", "val", "test"):
        assert sorted(run.predictions(part).table["sample"]) == sorted(manifest.part(part).table["sample"])
        assert run.json("metrics")[part]["n"] == len(manifest.part(part))
    assert data.name not in (run.folder / "environment.json").read_text()


def test_the_threshold_is_chosen_on_validation_alone():
    from laudo.evaluate.threshold import choose_threshold

    run, _data = trained()
    val = run.predictions("val")
    assert run.json("model")["threshold"] == pytest.approx(choose_threshold(val.probabilities[:, 1], val.truth).value)
    assert run.json("metrics")["test"]["threshold"] == run.json("model")["threshold"]


def test_every_image_is_predicted_once_by_a_network_that_has_not_seen_it(cross_validated):
    root, _data = cross_validated
    folds = root.folds()
    assert [fold.folder.name for fold in folds] == ["fold-1", "fold-2", "fold-3"]
    pooled = root.predictions("pooled")
    assert sorted(pooled.table["sample"]) == sorted(root.manifest().table["sample"])
    for number, fold in enumerate(folds, start=1):
        table = fold.manifest().table
        assert set(table["sample"][table["fold"] == number]) == set(table["sample"][table["split"] == "test"])
        train_groups = set(table["group"][table["split"] != "test"])
        assert not train_groups & set(table["group"][table["split"] == "test"])
        assert fold.state()["state"] == "finished"
        assert fold.model_path.is_file()
    metrics = root.json("metrics")
    assert metrics["pooled"]["n"] == 32
    recipe = root.recipe()
    again = evaluate(pooled, recipe.evaluation.bootstrap, recipe.split.seed)
    assert json.loads(json.dumps(again)) == metrics["pooled"]
    values = [fold.json("metrics")["test"]["metrics"]["accuracy"]["value"] for fold in folds]
    assert metrics["folds"]["accuracy"]["values"] == values
    assert metrics["folds"]["accuracy"]["mean"] == pytest.approx(np.mean(values))
    assert metrics["folds"]["accuracy"]["std"] == pytest.approx(np.std(values, ddof=1))
    assert root.has_report()


def test_a_finished_cross_validation_is_left_alone(cross_validated):
    root, data = cross_validated
    before = fingerprint(root.folder)
    train(root.recipe(), data, root.folder, folds=True, resume=True)
    assert fingerprint(root.folder) == before


def test_folds_of_a_cross_validation_stopped_by_time_have_a_report_at_the_root(tmp_path, plain, cross_validated):
    _root, data = cross_validated
    recipe = small_recipe(FROZEN, {"split": {"folds": 2}, "evaluation": {"explained_cases": 0}})
    run = train(recipe, data, tmp_path / "run", folds=True, minutes=0)
    assert run.state()["state"] == "stopped"
    assert "fold 1" in run.state()["what"]
    assert run.has_report()
    train(recipe, data, tmp_path / "run", folds=True, resume=True)
    assert run.json("metrics")["pooled"]["n"] == 32


# leakage ---------------------------------------------------------------------------------------------------------


def test_random_labels_and_copies_make_a_random_split_look_good(tmp_path, plain):
    """Nothing can be learned here: whatever a random split scores above a grouped one is leakage."""
    rng = np.random.default_rng(0)
    data = tmp_path / "data"
    for number in range(24):
        name = ("no", "yes")[number % 2]
        pixels = draw(7000 + number, positive=False)
        for copy in range(3):  # the same picture, a shade brighter
            noisy = (pixels + rng.normal(3 * copy, 1, pixels.shape)).clip(0, 255).astype(np.uint8)
            save(data / name / f"{number:02d}-{copy}.png", noisy)
    recipe = small_recipe(
        {
            "split": {"by": "sample", "folds": 3, "test": 0.0, "validation": 0.1},
            "network": {"trainable": 0.0, "pooling": "average+max", "head": {"hidden": (64,), "normalise": True}},
            "training": {"epochs": 30, "learning_rate": 0.01, "keep": "last", "report_at_epochs": (1, 30)},
            "evaluation": {"headline": "val", "threshold": "half", "leakage_check": True, "explained_cases": 0},
        }
    )
    run = train(recipe, data, tmp_path / "run")
    metrics = run.json("metrics")
    leakage = metrics["leakage"]
    assert (leakage["images"], leakage["with_copy"], leakage["folds"]) == (72, 72, 3)
    assert leakage["random"]["accuracy"]["value"] > 0.8
    assert leakage["grouped"]["accuracy"]["value"] < 0.7
    difference = leakage["difference"]["accuracy"]
    assert difference["value"] == pytest.approx(
        leakage["random"]["accuracy"]["value"] - leakage["grouped"]["accuracy"]["value"]
    )
    assert difference["value"] > 0.15
    assert difference["ci95"][0] > 0
    quoted = leakage["split"]
    assert quoted["part"] == "val"
    assert quoted["n"] == metrics["val"]["n"]
    assert 0 < quoted["with_copy_in_training"] <= quoted["n"]
    assert [one["epoch"] for one in metrics["milestones"]] == [1, 30]
    assert metrics["milestones"][1]["metrics"]["accuracy"] == metrics["val"]["metrics"]["accuracy"]
    across = next(f for f in run.json("audit")["findings"] if f["check"] == "across_parts")
    assert across["status"] == "fail"


def test_the_leakage_check_goes_on_where_time_ran_out(tmp_path, plain):
    data = write_images(tmp_path / "data", per_class=12, seed=9)
    changes = {
        "split": {"folds": 2},
        "training": {"epochs": 2},
        "evaluation": {"leakage_check": True, "explained_cases": 0},
    }
    recipe = small_recipe(FROZEN, changes)
    reference = train(recipe, data, tmp_path / "reference")
    run = train(recipe, data, tmp_path / "run", minutes=0)
    rounds = 1
    while run.state()["state"] == "stopped":
        assert "leakage" not in run.json("metrics")
        run = train(recipe, data, tmp_path / "run", minutes=0, resume=True)
        rounds += 1
        assert rounds < 12
    assert rounds == 1 + 1 + 4  # the training's second epoch, then one epoch of each inner training
    assert fingerprint(run.folder) == fingerprint(reference.folder)


# judging again, and on other images -----------------------------------------------------------------------------------


def test_a_part_is_scored_again_to_the_same_figures():
    run, _data = trained()
    before = fingerprint(run.folder)
    for part in ("train", "val", "test"):
        assert json.loads(json.dumps(evaluate_part(run, part))) == run.json("metrics")[part]
    assert fingerprint(run.folder) == before
    with pytest.raises(RunError, match="no predictions") as caught:
        evaluate_part(run, "pooled")
    assert caught.value.expected == "test, train, val"


def test_other_images_are_scored_and_known_ones_left_out(tmp_path):
    source, data = trained()
    run = Run(shutil.copytree(source.folder, tmp_path / "run"))
    other = write_images(tmp_path / "other", per_class=8, seed=77)
    for name in ("no/no-000.png", "yes/yes-001.png"):
        shutil.copy(data / name, other / name.replace("0", "x"))
    (other / "yes" / "broken.png").write_bytes(b"nothing")
    scores = evaluate_external(run, other, "en")
    assert scores["n"] == 16
    assert scores["metrics"]["accuracy"]["value"] > 0.8
    metrics = run.json("metrics")
    assert metrics["external"]["n"] == 16
    drop = metrics["external"]["compared"]["differences"]["accuracy"]
    assert metrics["external"]["compared"]["part"] == "test"
    assert drop["value"] == pytest.approx(
        scores["metrics"]["accuracy"]["value"] - metrics["test"]["metrics"]["accuracy"]["value"]
    )
    assert drop["ci95"][0] < drop["value"] < drop["ci95"][1]
    assert metrics["test"] == source.json("metrics")["test"]
    assert Predictions.load(run.predictions_path("external")).classes == ("no", "yes")
    assert run.has_report()
    assert not source.has_predictions("external")


def test_images_that_the_run_has_seen_judge_nothing(tmp_path):
    source, data = trained()
    with pytest.raises(DataError, match="Every image was used"):
        evaluate_external(source, data, "en")
    strange = write_images(tmp_path / "strange", per_class=3, seed=50, classes=("cat", "dog"))
    with pytest.raises(DataError, match="classes") as caught:
        evaluate_external(source, strange, "en")
    assert caught.value.found == "cat, dog"


def test_classes_of_other_images_are_matched_by_name_or_as_the_user_says(tmp_path):
    source, _data = trained()
    run = Run(shutil.copytree(source.folder, tmp_path / "run"))
    other = write_images(tmp_path / "other", per_class=4, seed=78, classes=("NO", "tumor"))
    shutil.copytree(other / "NO", other / "unclear")
    for path in (other / "unclear").iterdir():
        path.write_bytes(path.read_bytes() + b" ")  # other files
    scores = evaluate_external(run, other, "en", {"tumor": "yes", "unclear": ""})
    assert scores["n"] == 8
    assert scores["classes"] == {"named": {"NO": "no", "tumor": "yes"}, "left_out": {"unclear": 4}}
    table = run.predictions("external").table
    assert set(table["label"][table["sample"].str.contains("tumor")]) == {"yes"}
    page = run.report_path.read_text(encoding="utf-8")
    assert "“tumor” as “yes”" in page
    assert "unclear (4)" in page


def test_the_folds_of_a_cross_validation_judge_other_images_together(cross_validated, plain, tmp_path):
    other = write_images(tmp_path / "other", per_class=3, seed=51)
    run = Run(shutil.copytree(cross_validated[0].folder, tmp_path / "run"))
    scores = evaluate_external(run, other, "en")
    assert scores["n"] == 6
    together = run.predictions("external")
    alone = []
    for fold in run.folds():
        evaluate_external(fold, other, "en")
        alone.append(fold.predictions("external").probabilities)
    assert not np.allclose(alone[0], alone[1])
    assert np.allclose(together.probabilities, np.mean(alone, axis=0), atol=1e-6)


# explanations --------------------------------------------------------------------------------------------------------


def test_explanations_of_files(tmp_path):
    run, data = trained()
    files = [data / "yes" / "yes-000.png", data / "no" / "no-000.png"]
    (tmp_path / "broken.png").write_bytes(b"")
    cases = explain_paths(run, [*files, tmp_path / "broken.png"], tmp_path / "out", "grad-cam", "yes")
    assert [case["target"] for case in cases[:2]] == ["yes", "yes"]
    assert cases[2]["error"]
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
    with pytest.raises(Exception, match="no such class"):
        explain_paths(run, files, tmp_path / "out", "grad-cam", "maybe")


def test_explanations_of_a_run_are_written_down():
    run, _data = trained()
    found = run.json("explanations")
    assert len(found["cases"]) == 2
    for case in found["cases"]:
        assert (run.folder / case["image"]).is_file()
        assert (run.folder / case["overlay"]).is_file()
        assert 0 <= case["probability"] <= 1
        assert (case["outcome"][0] == "T") == (case["label"] == case["predicted"])
    assert found["sanity"]["n"] == 1
    assert found["sanity"]["spearman"] == found["sanity"]["stages"][-1]["spearman"]


# refusals and failures ------------------------------------------------------------------------------------------------


def test_a_folder_with_a_run_is_refused_and_kept(tmp_path):
    source, data = trained()
    run = Run(shutil.copytree(source.folder, tmp_path / "run"))
    before = fingerprint(run.folder)
    with pytest.raises(RunError, match="a run in this folder already") as caught:
        train(run.recipe(), data, run.folder)
    assert "--resume" in caught.value.cure
    with pytest.raises(RunError, match="another recipe"):
        train(small_recipe({"training": {"epochs": 99}}), data, run.folder, resume=True)
    assert fingerprint(run.folder) == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.docx").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        train(run.recipe(), data, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.docx"]


def test_data_that_are_refused_leave_no_run_so_that_the_cure_can_be_followed(tmp_path, plain):
    data = write_images(tmp_path / "data", per_class=12, seed=4)
    (data / "yes" / "broken.png").write_text("text")
    with pytest.raises(DataError, match="can not be used") as caught:
        train(small_recipe(), data, tmp_path / "run")
    assert "data.unreadable=skip" in caught.value.cure
    assert not (tmp_path / "run").exists()
    recipe = small_recipe({"data": {"unreadable": "skip"}, "training": {"epochs": 1}})
    run = train(recipe, data, tmp_path / "run")
    assert [one["sample"] for one in run.json("audit")["skipped"]] == ["yes/broken.png"]
    assert len(run.manifest()) == 24


@pytest.mark.parametrize("folds", [False, True])
def test_a_run_that_fails_reports_why(tmp_path, monkeypatch, folds):
    monkeypatch.delenv("LAUDO_WEIGHTS", raising=False)
    data = write_images(tmp_path / "data", per_class=12, seed=4)
    recipe = small_recipe({"network": {"weights": str(tmp_path / "nowhere.safetensors")}})
    with pytest.raises(WeightsError):
        train(recipe, data, tmp_path / "run", folds=folds)
    run = Run(tmp_path / "run")
    assert run.state()["state"] == "failed"
    html = run.report_path.read_text(encoding="utf-8")
    assert "There is no weights file here." in html
    assert "nowhere.safetensors" in html
    assert run.recipe_path.is_file()


def test_an_error_that_nobody_expected_is_reported_too(tmp_path, monkeypatch):
    data = write_images(tmp_path / "data", per_class=12, seed=4)

    def explode(*_arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(finish_classifier, "judge", explode)
    with pytest.raises(ZeroDivisionError):
        train(small_recipe({"training": {"epochs": 1}}), data, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert run.state() == {"state": "failed", "error": "ZeroDivisionError", "what": "a bug"}
    assert "a bug" in run.report_path.read_text(encoding="utf-8")
    monkeypatch.undo()
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    train(run.recipe(), data, run.folder, resume=True)
    assert run.state()["state"] == "finished"


@pytest.mark.parametrize("per_class", [4, 7])
def test_very_small_sets_are_split_or_refused_in_plain_words(tmp_path, plain, per_class):
    data = write_images(tmp_path / "data", per_class=per_class, seed=6)
    recipe = small_recipe(FROZEN, {"training": {"epochs": 1}, "evaluation": {"explained_cases": 0}})
    run = train(recipe, data, tmp_path / "run")
    for part in ("train", "val", "test"):
        assert set(run.manifest().part(part).table["label"]) == {"no", "yes"}
    many = small_recipe(FROZEN, {"split": {"folds": per_class + 1}})
    with pytest.raises(DataError, match="as many images as there are folds"):
        train(many, data, tmp_path / "folds", folds=True)


def test_a_run_at_another_place_is_still_readable(tmp_path):
    source, data = trained()
    run = Run(Path(shutil.copytree(source.folder, tmp_path / "moved" / "ação")))
    assert evaluate_part(run, "test")["n"] == source.json("metrics")["test"]["n"]
    assert explain_paths(run, [data / "yes"], tmp_path / "out", "grad-cam", None)[0]["error"] == ""
