"""Calibration, wanted rates and subgroups from end to end: what a run stores is what its model uses."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from laudo.core.errors import RecipeError
from laudo.core.run import Run
from laudo.evaluate.temperature import fit_temperature, scale
from laudo.workflows.evaluate_run import evaluate_external, evaluate_part
from laudo.workflows.open_model import open_model
from laudo.workflows.use_model import predict_paths
from training_example import FROZEN, draw, save, small_recipe, train, write_images

TEMPERATURE = {"evaluation": {"calibration": "temperature", "explained_cases": 0, "sanity_cases": 0}}
WANTED = {"evaluation": {"threshold": {"sensitivity": 0.9}}}


def write_people(folder, n=72, seed=0):
    """Pictures of people: sex, age and scanner are known of most of them; some labels are wrong."""
    random = np.random.default_rng(seed)
    lines = ["image,label,patient,sex,age,scanner"]
    for number in range(n):
        positive = number % 2 == 1
        save(folder / "images" / f"{number:03d}.png", draw(5000 + number, positive))
        label = ("no", "yes")[positive != (random.random() < 0.15)]
        age = "" if number % 12 == 0 else f"{random.integers(20, 90)}"
        lines.append(f"images/{number:03d}.png,{label},P{number},{('F', 'male')[number % 3 == 0]},{age},S{number % 2}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    data = write_people(folder / "data")
    recipe = small_recipe(FROZEN, TEMPERATURE, WANTED, {"data": {"source": "csv"}, "training": {"epochs": 6}})
    return train(recipe, data, folder / "run"), data


def test_the_temperature_is_found_on_validation_and_stored(people):
    run, _data = people
    told = run.json("model")["calibration"]
    raw, scaled = run.predictions("val-uncalibrated"), run.predictions("val")
    found = fit_temperature(raw.probabilities, raw.truth, np.arange(len(raw)))
    assert told["rule"] == "validation"
    assert told["temperature"] == pytest.approx(found.value)
    assert told["n"] == len(raw)
    assert np.allclose(scaled.probabilities, scale(raw.probabilities, told["temperature"]))
    test = run.predictions("test-uncalibrated"), run.predictions("test")
    assert np.allclose(test[1].probabilities, scale(test[0].probabilities, told["temperature"]))
    assert np.array_equal(*[one.probabilities.argmax(axis=1) for one in test])


def test_metrics_have_before_and_after(people):
    run, _data = people
    calibration = run.json("metrics")["test"]["calibration"]
    assert set(calibration["before"]["metrics"]) == set(calibration["change"]) == {"ece", "brier", "log_loss"}
    after = run.json("metrics")["test"]["metrics"]
    for name, change in calibration["change"].items():
        assert change["value"] == pytest.approx(after[name]["value"] - calibration["before"]["metrics"][name]["value"])
        assert len(change["ci95"]) == 2
    assert calibration["temperatures"] == [run.json("model")["calibration"]]


def test_files_are_answered_with_the_temperature_and_the_threshold(people, tmp_path):
    run, data = people
    expected = run.predictions("test")
    images = [data / name for name in expected.table["image"]]
    rows = predict_paths(run, images, tmp_path)
    columns = ["probability:no", "probability:yes"]
    assert np.allclose(rows[columns].to_numpy(float), expected.probabilities, atol=2e-5)
    assert rows["predicted"].tolist() == expected.table["predicted"].tolist()


def test_the_wanted_rate_is_reached_on_validation_and_told_on_test(people):
    run, _data = people
    val, point = run.predictions("val"), run.json("metrics")["test"]["operating_point"]
    called = val.decided[val.truth == 1]
    assert called.mean() >= 0.9
    assert run.json("model")["threshold_rule"] == "sensitivity"
    assert point["wanted"] == {"rate": "sensitivity", "value": 0.9}
    assert point["of"]["yes"]["sensitivity"] == run.json("metrics")["test"]["metrics"]["sensitivity"]


def test_subgroups_are_those_of_the_manifest(people):
    run, _data = people
    found = run.json("metrics")["test"]["subgroups"]["columns"]
    assert {name: one["meaning"] for name, one in found.items()} == {"sex": "sex", "age": "age", "scanner": "scanner"}
    table = run.manifest().part("test").table
    sexes = {row["value"]: row["n"] for row in found["sex"]["rows"]}
    assert sexes == {"female": int((table["sex"] == "F").sum()), "male": int((table["sex"] == "male").sum())}
    years = pd.to_numeric(table["age"], errors="coerce")
    bands = {(row["low"], row["below"]): row["n"] for row in found["age"]["rows"]}
    assert bands[40, 60] == int(((years >= 40) & (years < 60)).sum())
    assert bands.get((None, None), 0) == int(years.isna().sum())
    assert sum(bands.values()) == len(table)


def test_evaluate_again_gives_the_same(people):
    run, _data = people
    again, told = json.loads(json.dumps(evaluate_part(run, "test"))), run.json("metrics")["test"]
    assert again["subgroups"] == told["subgroups"]
    assert again["operating_point"] == told["operating_point"]
    assert again["metrics"] == told["metrics"]


def test_the_report_tells_it(people):
    run, _data = people
    page = run.report_path.read_text(encoding="utf-8")
    for text in ("Before and after temperature scaling", "Operating point", "Even a perfectly calibrated model"):
        assert text in page
    for text in ("[guo2017]", "[vickers2006]", "[sun2022]", "at least 0.9 on the validation part", "40 to 59"):
        assert text in page
    assert "does not have the expected form" not in page


def test_images_unlike_the_training_images_are_told(people, tmp_path):
    """Noise, inverted and flat pictures lie farther than those of the test part."""
    run, data = people
    test = run.predictions("test").table
    random = np.random.default_rng(0)
    for number, name in enumerate(test["image"][:8]):
        pixels = np.asarray(Image.open(data / name))
        save(tmp_path / "inverted" / f"{number}.png", 255 - pixels)
        save(tmp_path / "noise" / f"{number}.png", random.integers(0, 256, pixels.shape, dtype=np.uint8))
    known = predict_paths(run, [data / name for name in test["image"]], tmp_path / "known")
    assert np.allclose(known["ood_distance"], test["ood_distance"], atol=2e-3)
    assert known["ood"].between(0, 100).all()
    for kind in ("inverted", "noise"):
        rows = predict_paths(run, [tmp_path / kind], tmp_path / f"{kind}-out")
        assert rows["ood_distance"].min() > test["ood_distance"].quantile(0.75), kind
        assert (rows["ood"] > 99).mean() > 0.8, kind


def test_other_images_have_subgroups_and_distances_too(people, tmp_path):
    run, _data = people
    copied = Run(tmp_path / "run")
    shutil.copytree(run.folder, copied.folder)
    other = write_people(tmp_path / "other", n=16, seed=3)
    for path in (other / "images").glob("*.png"):
        save(path, 255 - np.asarray(Image.open(path)))
    scores = evaluate_external(copied, other, "en")
    assert scores["n"] == 16
    assert "sex" in scores["subgroups"]["columns"]
    parts = copied.json("metrics")["ood"]["parts"]
    assert list(parts) == ["train", "val", "test", "external"]
    assert parts["external"]["beyond"]["value"] > 0.8
    assert "ood" in copied.predictions("external").table


def test_folds_have_a_temperature_each_and_their_mean_has_one(tmp_path):
    data = write_people(tmp_path / "data", n=60)
    recipe = small_recipe(FROZEN, TEMPERATURE, {"data": {"source": "csv"}, "training": {"epochs": 3}})
    root = train(recipe, data, tmp_path / "run", folds=True)
    told = [fold.json("model")["calibration"] for fold in root.folds()]
    pooled = root.json("metrics")["pooled"]["calibration"]
    assert pooled["temperatures"] == told
    assert set(pooled["before"]["metrics"]) == {"ece", "brier", "log_loss"}
    assert list(root.json("metrics")["ood"]["parts"]) == ["train", "val", "pooled"]
    raw = [fold.predictions("val-uncalibrated") for fold in root.folds()]
    model = open_model(root)
    joined = np.concatenate([one.probabilities for one in raw]), np.concatenate([one.truth for one in raw])
    assert model.calibration["temperature"] == pytest.approx(fit_temperature(*joined, np.arange(len(joined[1]))).value)
    assert len(model.ood.networks) == 3
    rows = predict_paths(root, [data / "images" / "000.png"], tmp_path / "out")
    assert 0 <= rows["ood"].iloc[0] <= 100


def test_several_networks_share_a_temperature_found_out_of_fold(tmp_path):
    data = write_people(tmp_path / "data", n=60)
    changes = {"data": {"source": "csv"}, "training": {"epochs": 3, "ensemble": 2}}
    run = train(small_recipe(FROZEN, TEMPERATURE, changes), data, tmp_path / "run")
    raw = run.predictions("val-uncalibrated")
    told = run.json("model")["calibration"]
    assert told["n"] == len(raw) == 45
    assert told["temperature"] == pytest.approx(fit_temperature(raw.probabilities, raw.truth, np.arange(45)).value)
    val = run.predictions("val").table
    assert val["ood"].notna().all()
    expected = run.predictions("test")
    rows = predict_paths(run, [data / name for name in expected.table["image"]], tmp_path / "out")
    assert np.allclose(rows[["probability:no", "probability:yes"]], expected.probabilities, atol=2e-5)
    assert np.allclose(rows["ood_distance"], expected.table["ood_distance"], atol=2e-3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"evaluation": {"subgroups": ["sexx"]}}, "column that the data do not have"),
        ({"evaluation": {"threshold": {"specificity": 0.9}}}, "two classes"),
    ],
)
def test_what_can_not_be_done_is_refused_before_training(tmp_path, changes, said):
    data = write_images(tmp_path / "data", per_class=6, classes=("a", "b", "c"))
    with pytest.raises(RecipeError, match=said):
        train(small_recipe({"network": {"output": "softmax"}}, changes), data, tmp_path / "run")
    assert not (tmp_path / "run").exists()
