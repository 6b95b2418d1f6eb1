"""`laudo tune` in one process: what is tried, what chooses, what is never looked at, and what is left in the folder."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import yaml
from sqlalchemy.exc import OperationalError

from laudo.core.errors import LaudoError, RecipeError, RunError
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.workflows.network_learner import NetworkLearner
from laudo.workflows.tune import search as search_module
from laudo.workflows.tune.leases import Leases
from laudo.workflows.tune.material import Material
from mask_example import PICTURES, changed, write_pictures
from training_example import draw, fingerprint, save, small_recipe, train, write_images
from tune_example import GRID, RANGES, cheap, recipe_file, rows, search


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    cheap(monkeypatch.setattr)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("tune") / "data", per_class=16)


@pytest.fixture(scope="module")
def grid(tmp_path_factory, data):
    """A grid that has been searched, and its folder. Copy it before changing it."""
    folder = tmp_path_factory.mktemp("grid")
    return search(recipe_file(folder), data, folder / "tune", sampler="grid"), folder / "tune"


def test_a_grid_tries_every_combination_once(grid):
    result, out = grid
    tried = {tuple(trial["values"].values()) for trial in result["trials"]}
    assert tried == {(rate, dropout) for rate in (1e-4, 1e-1) for dropout in (0.0, 0.2, 0.4)}
    assert result["counts"] == {"finished": GRID, "pruned": 0, "failed": 0, "open": 0}
    assert rows(out / "search.sqlite") == [(number, "COMPLETE") for number in range(GRID)]
    assert json.loads((out / "tune.json").read_text()) == result
    assert "The best of 6 finished trials" in (out / "tune.html").read_text()


def test_the_best_trial_becomes_a_recipe(grid, tmp_path, data):
    result, out = grid
    best = result["trials"][result["best"] - 1]
    assert best["value"] == max(trial["value"] for trial in result["trials"])
    text = (out / "recipe.yaml").read_text()
    recipe = load_recipe(out / "recipe.yaml")
    assert text.startswith("# Found by laudo tune tuned --sampler grid: trial ")
    assert f"training.learning_rate: {best['values']['training.learning_rate']}" in text
    assert recipe.training.learning_rate == best["values"]["training.learning_rate"]
    assert recipe.network.head.dropout == best["values"]["network.head.dropout"]
    assert not recipe.tune.ranges
    run = train(recipe, data, tmp_path / "run")
    value = run.json("metrics")["val"]["metrics"]["auc_roc"]["value"]
    assert value == pytest.approx(best["value"]), "the trial was the training that the recipe now asks for"


def test_each_trial_is_a_run_folder_that_never_saw_the_test_part(grid):
    result, out = grid
    for trial in result["trials"]:
        run = Run(out / trial["folder"])
        assert run.state()["state"] == "finished"
        assert len(run.log()) == 4
        assert set(run.json("metrics")) == {"val"}
        assert {path.stem for path in (run.folder / "predictions").iterdir()} == {"val"}
        assert set(run.manifest().table["split"]) == {"train", "val", ""}
        assert run.recipe().training.learning_rate == trial["values"]["training.learning_rate"]
        assert run.json("metrics")["val"]["metrics"]["auc_roc"]["value"] == trial["value"]
        assert not run.checkpoints.exists()


@pytest.mark.parametrize("folds", [None, "inner"])
def test_other_test_images_change_nothing(tmp_path, data, monkeypatch, folds):
    """Bit for bit: logs, predictions and values are the same when every test image is another one, of another class."""
    recipe = recipe_file(
        tmp_path, {"split": {"folds": 2}, "tune": {"training.learning_rate": RANGES["training.learning_rate"]}}
    )
    asked: list[np.ndarray] = []
    predict = NetworkLearner.predict
    monkeypatch.setattr(NetworkLearner, "predict", lambda self, rows: asked.append(rows) or predict(self, rows))
    first = search(recipe, data, tmp_path / "one", sampler="tpe", trials=2, folds=folds)

    other = shutil.copytree(data, tmp_path / "other")
    material = Material(load_recipe(recipe), data)
    parts = material.parts(material.samples(material.recipe).manifest)
    held_out = np.flatnonzero((parts.table["split"] == "").to_numpy())
    assert len(held_out) == 8
    assert asked
    assert not np.isin(np.concatenate(asked), held_out).any()
    for number, index in enumerate(held_out):
        path = parts.image_paths(index)[0]
        save(other / path.relative_to(data), draw(9000 + number, "no" in path.name))
    second = search(recipe, other, tmp_path / "two", sampler="tpe", trials=2, folds=folds)
    assert [one["value"] for one in first["trials"]] == [one["value"] for one in second["trials"]]
    for number in (1, 2):
        one, two = (fingerprint(tmp_path / name / f"trial-{number:04d}") for name in ("one", "two"))
        same = [name for name in one if not name.startswith("manifest") and name != "status.json"]
        assert "predictions/val.parquet" in same
        assert [name for name in same if one[name] != two[name]] == []


def test_inner_folds_judge_every_image_once_and_none_of_the_test_part(tmp_path, data):
    recipe = recipe_file(tmp_path, {"tune": {"folds": 3, "metric": "accuracy"}})
    result = search(recipe, data, tmp_path / "tune", sampler="genetic", trials=2, folds="inner")
    run = Run(tmp_path / "tune" / "trial-0001")
    judged = run.predictions("val").table["sample"].tolist()
    table = run.manifest().table
    assert sorted(judged) == sorted(table["sample"][table["split"] != ""])
    assert len(judged) == 24
    trial = result["trials"][0]
    assert trial["value"] == pytest.approx(np.mean(trial["folds"]))
    assert len(trial["folds"]) == 3
    for fold in run.folds():
        assert set(fold.json("metrics")) == {"val"}


def test_the_recipes_own_values_are_the_first_trial(tmp_path, data):
    recipe = recipe_file(tmp_path, {"training": {"learning_rate": 0.003}, "network": {"head": {"dropout": 0.2}}})
    result = search(recipe, data, tmp_path / "tune", sampler="tpe", trials=1)
    assert result["own"]
    assert result["trials"][0]["values"] == {"training.learning_rate": 0.003, "network.head.dropout": 0.2}


def test_the_same_seed_draws_the_same_and_another_another(tmp_path, data):
    found = []
    for number, seed in enumerate((5, 5, 6)):
        recipe = recipe_file(tmp_path, {"tune": {"seed": seed}, "training": {"epochs": 1}})
        result = search(recipe, data, tmp_path / str(number), sampler="genetic", trials=5)
        found.append([trial["values"] for trial in result["trials"]])
    assert found[0] == found[1] != found[2]


def test_a_search_goes_on_and_grows(tmp_path, data, grid):
    recipe = recipe_file(tmp_path, {"training": {"epochs": 1}})
    first = search(recipe, data, tmp_path / "tune", sampler="tpe", trials=2)
    untouched = (tmp_path / "tune" / "trial-0001" / "log.jsonl").stat().st_mtime_ns
    again = search(recipe, data, tmp_path / "tune", sampler="tpe", trials=4)
    assert again["trials"][:2] == first["trials"]
    assert again["counts"]["finished"] == 4
    assert (tmp_path / "tune" / "trial-0001" / "log.jsonl").stat().st_mtime_ns == untouched
    with pytest.raises(RunError) as caught:
        search(recipe, data, tmp_path / "tune", sampler="genetic", trials=4)
    assert "another recipe, sampler" in caught.value.what
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.doc").touch()
    with pytest.raises(RunError):
        search(recipe, data, tmp_path / "other", trials=1)


def test_time_that_is_over_leaves_a_trial_to_go_on_with(tmp_path, data):
    recipe = recipe_file(tmp_path)
    result = search(recipe, data, tmp_path / "tune", trials=2, max_minutes=0.0)
    assert result["state"] == "stopped"
    assert result["best"] is None
    result = search(recipe, data, tmp_path / "tune", trials=2)
    assert result["counts"]["finished"] == 2


def test_settings_that_can_not_be_trained_are_recorded_and_the_search_goes_on(tmp_path, data):
    ranges = {"training.learning_rate": {"choices": [1e-3, 1e30]}, "training.focal_gamma": {"choices": [1.0, 2.0]}}
    recipe = tmp_path / "tuned.yaml"
    values = yaml.safe_load(recipe_file(tmp_path).read_text())
    values["tune"] = {**ranges, "training.loss": {"choices": ["focal", "cross_entropy"]}, "pruning": "none"}
    recipe.write_text(yaml.safe_dump(values))
    result = search(recipe, data, tmp_path / "tune", sampler="grid")
    assert len(result["trials"]) == 8
    failed = [trial for trial in result["trials"] if trial["state"] == "failed"]
    whys = {trial["why"]["what"] for trial in failed}
    assert "These values do not go together." in whys
    assert "The training has diverged: the network's answers are no longer numbers." in whys
    assert result["counts"]["open"] == 0
    assert result["best"] is not None
    assert Run(tmp_path / "tune" / failed[0]["folder"]).state()["state"] == "failed"


@pytest.mark.parametrize("error", [MemoryError("64 GiB"), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")])
def test_memory_that_runs_out_fails_the_trial_and_not_the_search(tmp_path, data, monkeypatch, error):
    real, calls = search_module.run_trial, []

    def first_fails(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise error
        return real(*arguments)

    monkeypatch.setattr(search_module, "run_trial", first_fails)
    result = search(recipe_file(tmp_path, {"training": {"epochs": 1}}), data, tmp_path / "tune", trials=2)
    assert [trial["state"] for trial in result["trials"]] == ["failed", "finished"]
    assert result["trials"][0]["why"]["what"] == str(error)


def test_a_full_disk_ends_the_process_and_loses_no_trial(tmp_path, data, monkeypatch):
    recipe = recipe_file(tmp_path, {"training": {"epochs": 1}})

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(search_module, "run_trial", full)
        with pytest.raises(OSError, match="No space"):
            search(recipe, data, tmp_path / "tune", trials=2)
    assert search(recipe, data, tmp_path / "tune", trials=2)["counts"]["finished"] == 2


def test_a_data_base_that_is_away_for_a_moment_ends_no_training(tmp_path, data, monkeypatch):
    calls = []
    progressed = Leases.progressed

    def away(self, number):
        calls.append(number)
        if len(calls) in (2, 3):
            raise OperationalError("UPDATE", {}, RuntimeError("the connection is gone"))
        return progressed(self, number)

    monkeypatch.setattr(Leases, "progressed", away)
    result = search(recipe_file(tmp_path), data, tmp_path / "tune", trials=1)
    assert result["counts"]["finished"] == 1
    assert len(calls) == 4 + 2
    assert [step for step, _value in result["trials"][0]["curve"]] == [1, 2, 3, 4]


def test_hopeless_trials_end_early(tmp_path, data):
    """Rates that learn nothing are worse than the median of the others after a quarter of the epochs."""
    recipe = recipe_file(tmp_path, {"training": {"epochs": 12}, "tune": {"pruning": "median", "metric": "log_loss"}})
    settings = [
        "tune.network.head.dropout=null",
        "tune.training.learning_rate={choices: [1e-2, 2e-2, 3e-2, 4e-2, 1e-9, 2e-9, 3e-9]}",
    ]
    result = search(recipe, data, tmp_path / "tune", settings=settings, sampler="grid")
    pruned = [trial for trial in result["trials"] if trial["state"] == "pruned"]
    assert pruned
    assert result["counts"]["finished"] + len(pruned) == 7
    for trial in pruned:
        assert trial["epochs"] < 12
        assert not Run(tmp_path / "tune" / trial["folder"]).checkpoints.exists()
        assert len(Run(tmp_path / "tune" / trial["folder"]).log()) == trial["epochs"] == len(trial["curve"])
    best = result["trials"][result["best"] - 1]
    assert best["values"]["training.learning_rate"] >= 1e-2
    assert not result["higher"]


def test_a_grid_without_a_step_is_refused_with_what_it_would_cost(tmp_path, data):
    recipe = recipe_file(tmp_path)
    with pytest.raises(RecipeError) as caught:
        search(recipe, data, tmp_path / "tune", sampler="grid", settings=["tune.training.learning_rate.points=null"])
    assert caught.value.found == "training.learning_rate"
    assert "9 trials" in caught.value.cure
    assert not (tmp_path / "tune").exists()


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        (["tune=null"], {}),
        (["tune.metric=f1"], {"sampler": "sobol"}),
        ([], {"folds": "all"}),
        ([], {"storage": "mysql://user:secret@host/name"}),
        ([], {"storage": "postgresql://nobody:secret@127.0.0.1:9/none"}),
    ],
)
def test_what_can_not_be_searched_is_refused_before_anything_is_trained(tmp_path, data, settings, how):
    with pytest.raises(LaudoError) as caught:
        search(recipe_file(tmp_path), data, tmp_path / "tune", settings=settings, trials=1, **how)
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.glob("tune/trial-*"))


def test_a_search_is_not_written_among_the_images(tmp_path):
    data = write_images(tmp_path / "data", per_class=12)
    with pytest.raises(RunError):
        search(recipe_file(tmp_path), data, data / "tune", trials=1)


def test_other_data_are_refused(tmp_path, data):
    recipe = recipe_file(tmp_path, {"training": {"epochs": 1}})
    search(recipe, data, tmp_path / "tune", trials=1)
    other = shutil.copytree(data, tmp_path / "other")
    save(other / "no" / "no-000.png", draw(777, False))
    with pytest.raises(LaudoError, match="other data"):
        search(recipe, other, tmp_path / "tune", trials=2)


def test_masks_are_searched_by_dice(tmp_path):
    data = write_pictures(tmp_path / "data")
    values = changed(PICTURES, {"training": {"epochs": 2}})
    values["tune"] = {"training.learning_rate": {"choices": [1e-3, 3e-3]}, "pruning": "none"}
    recipe = tmp_path / "masks.yaml"
    from laudo.core.recipe import Recipe
    from laudo.core.recipe_file import dump_recipe

    recipe.write_text(dump_recipe(Recipe.model_validate(values)))
    result = search(recipe, data, tmp_path / "tune", sampler="grid")
    assert result["metric"] == "dice"
    assert result["counts"]["finished"] == 2
    run = Run(tmp_path / "tune" / "trial-0001")
    assert result["trials"][0]["value"] == run.json("metrics")["val"]["metrics"]["dice"]["value"]
    assert not (run.folder / "predictions" / "masks" / "test").exists()
    assert "why_not" not in result["optimism"] or result["optimism"]["why_not"] == "too_few"


def test_classical_classifiers_are_searched_too(tmp_path, data):
    classical = small_recipe(
        {
            "network": {"trainable": 0.0, "output": "softmax", "classifier": "knn", "classical": {"neighbours": [3]}},
            "training": {"epochs": 30, "batch_size": 32, "precision": "auto", "learning_rate": 1e-3},
            "tune": {"network.classifier": {"choices": ["knn", "logistic_regression"]}},
        }
    )
    from laudo.core.recipe_file import dump_recipe

    recipe = tmp_path / "classical.yaml"
    recipe.write_text(dump_recipe(classical))
    result = search(recipe, data, tmp_path / "tune", sampler="grid")
    assert result["counts"]["finished"] == 2
    assert not result["trials"][0]["curve"]


def test_the_command_prints_one_object_and_goes_on(tmp_path, data):
    from typer.testing import CliRunner

    from laudo.cli.main import app

    recipe = recipe_file(tmp_path, {"training": {"epochs": 1}})
    words = [
        "tune",
        recipe,
        "--data",
        data,
        "--out",
        tmp_path / "tune",
        "--json",
        "--range",
        "network.head.dropout=0:0.5",
    ]

    def run(*more, code):
        done = CliRunner().invoke(app, [str(word) for word in (*words, *more)])
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    assert run("--trials", 2, "--max-minutes", 0, code=3)["counts"]["open"] == 2
    facts = run("--trials", 2, code=0)
    assert facts["counts"]["finished"] == 2
    assert facts["ranges"]["network.head.dropout"] == {"low": 0.0, "high": 0.5}
    assert facts["recipe_file"] == str(tmp_path / "tune" / "recipe.yaml")
    refused = run("--sampler", "grid", code=2)
    assert "network.head.dropout" in refused["found"]
