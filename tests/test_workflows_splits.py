"""Trainings on official splits, repeated cross-validations, and preparation that is fitted fold by fold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from laudo.core.errors import RecipeError
from laudo.core.recipe import Prepare
from laudo.core.run import Run
from laudo.prepare.transform import transform_key
from laudo.workflows import dataset as dataset_module
from laudo.workflows import train_run
from laudo.workflows.plan import plan_training
from laudo.workflows.prepare_data import prepare_data
from training_example import FROZEN, fingerprint, plain_report, save_recipe, small_recipe, train, write_images

QUICK = {"training": {"epochs": 1}, "evaluation": {"explained_cases": 0, "sanity_cases": 0}}


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(train_run, "write_reports", plain_report)
    monkeypatch.setenv("LAUDO_CACHE", str(tmp_path / "cache"))
    return write_images(tmp_path / "data", per_class=14, seed=4)


def fill(monkeypatch, column: str, value) -> None:
    """Let the source fill a column as a data set with official parts does."""
    original = dataset_module.import_manifest

    def filled(name, root):
        manifest = original(name, root)
        return manifest.with_columns(**{column: np.array([value(i) for i in range(len(manifest))])})

    monkeypatch.setattr(dataset_module, "import_manifest", filled)


def test_repeats_are_cross_validations_with_the_next_seeds(data, tmp_path):
    recipe = small_recipe(FROZEN, QUICK, {"split": {"folds": 2, "repeats": 2, "seed": 3}})
    root = train(recipe, data, tmp_path / "run", folds=True)
    assert root.state()["state"] == "finished"
    assert (root.state()["folds"], root.state()["repeats"]) == (4, 2)
    second = Run(root.folder / "repeat-2")
    assert [fold.folder.name for fold in second.folds()] == ["fold-1", "fold-2"]
    assert (root.manifest().seed, second.manifest().seed) == (3, 4)
    assert second.recipe().split.seed == 4
    assert second.recipe().split.repeats == 1
    assert list(root.manifest().table["fold"]) != list(second.manifest().table["fold"])
    metrics, other = root.json("metrics"), second.json("metrics")
    assert metrics["repeats"]["n"] == 2
    assert metrics["repeats"]["seeds"] == [3, 4]
    values = [one["pooled"]["metrics"]["accuracy"]["value"] for one in (metrics, other)]
    assert metrics["repeats"]["accuracy"]["values"] == values
    assert metrics["repeats"]["accuracy"]["mean"] == pytest.approx(np.mean(values))
    alone = train(small_recipe(FROZEN, QUICK, {"split": {"folds": 2, "seed": 4}}), data, tmp_path / "alone", folds=True)
    assert alone.json("metrics")["pooled"] == other["pooled"]
    before = fingerprint(root.folder)
    train(recipe, data, root.folder, folds=True, resume=True)
    assert fingerprint(root.folder) == before


def test_repeats_stopped_by_time_go_on(data, tmp_path):
    recipe = small_recipe(FROZEN, QUICK, {"split": {"folds": 2, "repeats": 2}, "training": {"epochs": 2}})
    run = train(recipe, data, tmp_path / "run", folds=True, minutes=0)
    rounds = 1
    while run.state()["state"] != "finished":
        assert run.state()["state"] == "stopped"
        run = train(recipe, data, tmp_path / "run", folds=True, minutes=0, resume=True)
        rounds += 1
        assert rounds < 12
    assert rounds > 2
    reference = train(recipe, data, tmp_path / "reference", folds=True)
    assert fingerprint(run.folder) == fingerprint(reference.folder)


def test_official_folds_are_used_as_they_are(data, tmp_path, monkeypatch):
    fill(monkeypatch, "fold", lambda index: 1 + index % 4)
    recipe = small_recipe(FROZEN, QUICK, {"split": {"by": "official", "folds": 2}})
    root = train(recipe, data, tmp_path / "run", folds=True)
    assert [fold.folder.name for fold in root.folds()] == ["fold-1", "fold-2", "fold-3", "fold-4"]
    assert root.manifest().table["fold"].tolist() == [1 + index % 4 for index in range(28)]
    single = train(recipe, data, tmp_path / "single")
    assert single.manifest().indices("test").tolist() == [index for index in range(28) if index % 4 == 3]


def test_official_parts_are_used_as_they_are(data, tmp_path, monkeypatch):
    fill(monkeypatch, "split", lambda index: ("train", "train", "val", "test")[index % 4])
    run = train(small_recipe(FROZEN, QUICK, {"split": {"by": "official", "test": 0.0}}), data, tmp_path / "run")
    parts = run.manifest().table["split"].tolist()
    assert parts == [("train", "train", "val", "test")[index % 4] for index in range(28)]


def test_each_fold_is_fitted_on_its_own_training_part_and_says_so(data, tmp_path):
    changes = {"prepare": {"intensity": "fitted"}, "split": {"folds": 2}}
    root = train(small_recipe(FROZEN, QUICK, changes), data, tmp_path / "run", folds=True)
    prepares = [Prepare(**fold.json("model")["prepare"]) for fold in root.folds()]
    assert all(prepare.limits for prepare in prepares)
    assert transform_key(prepares[0]) != transform_key(prepares[1])
    assert root.recipe().prepare.needs_fitting
    from laudo.workflows.use_model import predict_paths

    rows = predict_paths(root.folds()[0], [data / "no"], tmp_path / "out")
    assert (rows["error"] == "").all()


# laudo data prepare ------------------------------------------------------------------------------------------


def test_data_are_prepared_ahead_and_a_training_finds_them(data, tmp_path, monkeypatch):
    recipe = save_recipe(tmp_path / "small.yaml", QUICK)
    found = prepare_data(str(recipe), ["prepare.height=40"], data, jobs=2)
    assert (found["samples"], found["prepared"], found["shape"]) == (28, 28, [40, 32, 1])
    assert Path(found["folder"]).is_dir()
    assert found["preflight"]["samples"] == 28
    assert json.dumps(found)
    again = prepare_data(str(recipe), ["prepare.height=40"], data)
    assert (again["prepared"], again["preflight"]) == (0, None)
    fitted = prepare_data(str(recipe), ["prepare.intensity=fitted"], data)
    assert list(fitted["fitted"]) == ["limits"]

    from laudo.prepare import cache

    def forbid(*_args):
        raise AssertionError("prepared again")

    monkeypatch.setattr(cache, "prepare_file", forbid)
    values = small_recipe(QUICK, {"prepare": {"height": 40}})
    assert train(values, data, tmp_path / "run").state()["state"] == "finished"


def test_volumes_are_not_trained_on_yet(data, tmp_path):
    recipe = small_recipe(QUICK)
    volumes = recipe.model_copy(update={"prepare": Prepare(volume={})})
    with pytest.raises(RecipeError, match="volumes"):
        train(volumes, data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_plan_refuses_what_a_training_would_refuse(data, tmp_path):
    recipe = save_recipe(tmp_path / "r.yaml")
    with pytest.raises(RecipeError, match="volumes can be prepared") as caught:
        plan_training(str(recipe), ["prepare={volume: {crop: brain}}"], data, None)
    assert "laudo data prepare" in caught.value.cure
