"""Image and text together, from the table to the report's figures: late and concatenated, and each side alone."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
from pydantic import ValidationError

from fusion_example import CLASSES, NAMED, write_captioned
from laudo.core.errors import DataError, LaudoError, RecipeError, RunError
from laudo.core.run import Run
from laudo.networks.pooled import pooled
from laudo.workflows import train_run
from laudo.workflows.evaluate_run import evaluate_external
from laudo.workflows.open_model import open_model
from laudo.workflows.use_model import explain_paths, predict_paths
from training_example import draw, plain_report, save, small_recipe, train

TFIDF = {"words": [1, 1], "characters": None, "at_least": 1, "components": 20}
BASE = {
    "data": {"source": "csv"},
    "network": {"text": "tfidf", "tfidf": TFIDF, "classical": {"standardise": False, "c": [1.0, 10.0]}},
    "evaluation": {"explained_cases": 0, "sanity_cases": 0},
}
LATE = BASE
ENSEMBLE = {"training": {"ensemble": 3, "epochs": 1}}
FROZEN_DENSE = {
    "network": {"fusion": "concatenation", "trainable": 0.0, "head": {"normalise": True}},
    "training": {"epochs": 6, "learning_rate": 0.02},
}
CLASSICAL = {
    "network": {
        "fusion": "concatenation",
        "trainable": 0.0,
        "classifier": "logistic_regression",
        "output": "softmax",
    }
}
KINDS = {"late": (LATE,), "ensemble": (LATE, ENSEMBLE), "dense": (LATE, FROZEN_DENSE), "classical": (LATE, CLASSICAL)}


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setattr(train_run, "write_reports", plain_report)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_captioned(tmp_path_factory.mktemp("captioned") / "data", seen=0.5)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """One run a kind, trained when it is first asked for."""
    made: dict[str, Run] = {}
    folder = tmp_path_factory.mktemp("fusion")

    def run(kind: str) -> Run:
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(train_run, "write_reports", plain_report)
                made[kind] = train(small_recipe(*KINDS[kind]), data, folder / kind)
        return made[kind]

    return run


def accuracy(run: Run, name: str) -> float:
    return float(run.predictions(name).right.mean())


@pytest.mark.parametrize("kind", KINDS)
def test_every_side_is_judged_on_the_same_samples(kind, runs):
    run = runs(kind)
    whole = run.predictions("test")
    sides = run.json("metrics")["sides"]["parts"]["test"]
    assert set(sides["of"]) == {"image", "text", "masked"}
    for name, one in sides["of"].items():
        predictions = run.predictions(f"test-{name}")
        assert list(predictions.table["sample"]) == list(whole.table["sample"])
        assert one["metrics"]["accuracy"]["value"] == pytest.approx(predictions.right.mean())
        difference = one["whole_minus_this"]["accuracy"]["value"]
        assert difference == pytest.approx(whole.right.mean() - predictions.right.mean())
    assert not np.allclose(run.predictions("test-image").probabilities, run.predictions("test-text").probabilities)


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_alone_does_not_depend_on_the_texts_and_the_text_alone_not_on_the_images(kind, data, runs, tmp_path):
    run = runs(kind)
    changed = tmp_path / "data"
    shutil.copytree(data, changed)
    rows = list(csv.DictReader((data / "table.csv").open(encoding="utf-8")))
    for row in rows:
        row["text"] = row["text"][::-1] or "other words"
    with (changed / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    other = train(small_recipe(*KINDS[kind]), changed, tmp_path / "run")
    both = [one.predictions("test-image").probabilities for one in (run, other)]
    np.testing.assert_allclose(*both, atol=1e-6)
    assert not np.allclose(run.predictions("test-text").probabilities, other.predictions("test-text").probabilities)


@pytest.mark.parametrize("kind", ["late", "classical"])
def test_words_that_name_the_class_are_worth_something_and_the_masked_side_never_reads_them(kind, runs):
    run = runs(kind)
    texts = run.manifest().table.set_index("sample")["text"]
    named = run.predictions("test").table["sample"].map(lambda one: texts[one] in NAMED).to_numpy()
    assert named.any()
    alone = run.predictions("test-text")
    assert alone.right[named].all()  # the text says it
    sides = run.json("metrics")["sides"]
    assert set(sides["words"]) == set(CLASSES)
    assert sides["parts"]["test"]["texts_that_name_a_class"] == int(named.sum())


@pytest.mark.parametrize("kind", KINDS)
def test_the_stored_model_predicts_what_the_run_says(kind, data, runs, tmp_path):
    run = runs(kind)
    stored = run.predictions("test")
    files = [data / name for name in stored.table["image"]]
    rows = predict_paths(run, files, tmp_path / "out", texts=data / "table.csv")
    assert not rows["error"].any()
    found = rows[[f"probability:{name}" for name in stored.classes]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, stored.probabilities, atol=1e-5)


def test_without_texts_the_image_side_answers_alone(data, runs, tmp_path, capsys):
    run = runs("late")
    stored = run.predictions("test-image")
    files = [data / name for name in stored.table["image"]]
    rows = predict_paths(run, files, tmp_path / "out")
    found = rows[[f"probability:{name}" for name in stored.classes]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, stored.probabilities, atol=1e-5)
    with pytest.raises(LaudoError, match="image and text together"):
        predict_paths(runs("dense"), files, tmp_path / "other")


def test_an_empty_text_leaves_the_images_answer_as_it_is(data, runs):
    run = runs("late")
    texts = run.manifest().table.set_index("sample")["text"]
    whole, image = run.predictions("test"), run.predictions("test-image")
    empty = whole.table["sample"].map(lambda one: not texts[one]).to_numpy()
    assert empty.any()
    assert not empty.all()
    np.testing.assert_array_equal(whole.probabilities[empty], image.probabilities[empty])
    assert not np.allclose(whole.probabilities[~empty], image.probabilities[~empty])


def test_late_answers_are_the_pool_of_both_with_the_stored_weights(runs):
    run = runs("late")
    weights = run.json("model")["text"]["weights"]
    texts = run.manifest().table.set_index("sample")["text"]
    whole, image, text = (run.predictions(name) for name in ("test", "test-image", "test-text"))
    said = whole.table["sample"].map(lambda one: bool(texts[one])).to_numpy()
    expected = pooled([image.probabilities[said], text.probabilities[said]], weights)
    np.testing.assert_allclose(whole.probabilities[said], expected, atol=1e-9)


def test_nothing_of_the_test_part_is_in_the_vocabulary(data, tmp_path):
    changed = tmp_path / "data"
    shutil.copytree(data, changed)
    recipe = small_recipe(LATE, CLASSICAL)
    first = train(recipe, changed, tmp_path / "first")
    judged = set(first.predictions("test").table["image"])
    rows = list(csv.DictReader((changed / "table.csv").open(encoding="utf-8")))
    for row in rows:
        if row["image"] in judged:
            row["text"] += " zebra"
    with (changed / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    second = train(recipe, changed, tmp_path / "second")
    assert "zebra" not in json.dumps(json.loads((second.folder / "text" / "text.json").read_text()))
    assert "focal" in json.dumps(json.loads((second.folder / "text" / "text.json").read_text()))


def test_each_answer_that_chooses_the_weights_of_an_ensemble_is_of_a_classifier_that_has_not_read_the_text(runs):
    run = runs("ensemble")
    model = open_model(run)
    assert model.text is not None
    assert len(model.text.classifiers) == 3
    validated = run.predictions("val-text")
    assert sorted(validated.table["sample"]) == sorted(run.manifest().part("train").table["sample"])
    own = run.predictions("train-text")
    assert not np.allclose(own.probabilities, validated.probabilities)


@pytest.mark.parametrize("kind", ["classical", "dense"])
def test_the_model_of_every_fold_answers_as_the_fold_says(kind, data, tmp_path):
    root = train(small_recipe(*KINDS[kind]), data, tmp_path / "run", folds=True)
    for fold in root.folds():
        stored = fold.predictions("test")
        files = [data / name for name in stored.table["image"]]
        rows = predict_paths(fold, files, tmp_path / fold.folder.name, texts=data / "table.csv")
        found = rows[[f"probability:{name}" for name in stored.classes]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, stored.probabilities, atol=1e-5)


def test_the_text_alone_knows_nothing_of_the_images(data, tmp_path):
    described = {"network": {"descriptors": ["intensity"]}}
    recipe = small_recipe(LATE, FROZEN_DENSE, described)
    first = train(recipe, data, tmp_path / "first")
    changed = tmp_path / "data"
    shutil.copytree(data, changed)
    for number, path in enumerate(sorted((changed / "images").iterdir())):
        save(path, draw(5000 + number, number % 2 == 0))
    second = train(recipe, changed, tmp_path / "second")
    names = [set(one.predictions("test").table["sample"]) for one in (first, second)]
    assert names[0] == names[1]
    both = [one.predictions("test-text").table.set_index("sample").sort_index() for one in (first, second)]
    columns = [f"probability:{name}" for name in CLASSES]
    np.testing.assert_allclose(*[one[columns].to_numpy(dtype=float) for one in both], atol=1e-6)


def test_the_masked_side_is_the_same_when_the_words_that_name_a_class_are_others(data, tmp_path):
    changed = tmp_path / "data"
    shutil.copytree(data, changed)
    rows = list(csv.DictReader((data / "table.csv").open(encoding="utf-8")))
    for row in rows:
        row["text"] = row["text"].replace("square", "plain")
    with (changed / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    recipe = small_recipe(LATE, CLASSICAL)
    runs = [train(recipe, place, tmp_path / f"run-{number}") for number, place in enumerate((data, changed))]
    np.testing.assert_allclose(*[one.predictions("test-masked").probabilities for one in runs], atol=1e-9)
    assert not np.allclose(*[one.predictions("test").probabilities for one in runs])


def test_a_column_that_is_the_class_is_no_text(data, tmp_path):
    rows = list(csv.DictReader((data / "table.csv").open(encoding="utf-8")))
    shutil.copytree(data, tmp_path / "data")
    with (tmp_path / "data" / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, [*rows[0], "seen"])
        writer.writeheader()
        writer.writerows({**row, "seen": row["label"]} for row in rows)
    with pytest.raises(RecipeError, match="the class itself"):
        train(small_recipe(LATE, {"data": {"text": ["text", "seen"]}}), tmp_path / "data", tmp_path / "run")


def test_a_table_of_other_images_is_refused(data, runs, tmp_path):
    (tmp_path / "other.csv").write_text("image,text\nnobody.png,words\n", encoding="utf-8")
    with pytest.raises(DataError, match="no text of any"):
        predict_paths(runs("late"), [data / "images"], tmp_path / "out", texts=tmp_path / "other.csv")


@pytest.mark.parametrize("change", [{"weights": [1.0]}, {"weights": [1.0, -1.0]}, {"classifiers": "x"}, {"size": None}])
def test_a_damaged_description_of_the_text_side_is_refused(change, runs, tmp_path):
    run = Run(tmp_path / "run")
    shutil.copytree(runs("late").folder, run.folder)
    facts = run.json("model")
    facts["text"] |= change
    run.write_json("model", facts)
    with pytest.raises(RunError):
        open_model(run)


def test_folds_pool_their_sides(data, tmp_path):
    root = train(small_recipe(LATE, CLASSICAL), data, tmp_path / "run", folds=True)
    sides = root.json("metrics")["sides"]["parts"]["pooled"]
    assert sides["n"] == len(root.predictions("pooled")) == 48
    assert sides["of"]["text"]["metrics"]["accuracy"]["value"] == pytest.approx(accuracy(root, "pooled-text"))
    with pytest.raises(RunError, match="can not be averaged"):
        open_model(root)


def test_other_images_are_judged_with_their_texts(runs, tmp_path):
    run = Run(tmp_path / "run")
    shutil.copytree(runs("late").folder, run.folder)
    other = write_captioned(tmp_path / "other", per_class=9, seed=77, seen=1.0)
    plain_report(run, "en")
    scores = evaluate_external(run, other, "en")
    assert scores["n"] == 18
    texts = run.manifest().table["text"]
    assert texts.isin(NAMED).any()
    table = run.predictions("external").table
    named = [number % 3 == 0 for number in range(9)] * 2
    assert run.predictions("external").right[np.asarray(named)[np.argsort(table["image"].argsort())]].all()


def test_a_map_of_a_model_that_looks_at_both_is_drawn_with_the_text(data, runs, tmp_path):
    run = runs("dense")
    path = data / run.predictions("test").table["image"].iloc[0]
    (case,) = explain_paths(run, [path], tmp_path / "out", "grad-cam", None, texts=data / "table.csv")
    assert not case["error"]
    assert case["probability"] == pytest.approx(run.predictions("test").probabilities[0].max(), abs=1e-4)


def test_a_resumed_run_is_the_same(data, runs, tmp_path):
    whole = runs("late")
    run = train(small_recipe(*KINDS["late"]), data, tmp_path / "run", minutes=0)
    assert run.state()["state"] == "stopped"
    run = train(small_recipe(*KINDS["late"]), data, tmp_path / "run", resume=True)
    for part in ("test", "test-text", "test-masked"):
        np.testing.assert_array_equal(run.predictions(part).probabilities, whole.predictions(part).probabilities)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "text.json").unlink(), "text"),
        (lambda folder: (folder / "text.safetensors").write_bytes(b"short"), "text"),
        (lambda folder: (folder / "text.json").write_text('{"kind": "other"}'), "text"),
        (lambda folder: (folder / "classifier-1.skops").write_bytes(b""), "classifier-1.skops"),
    ],
)
def test_a_damaged_text_side_is_refused(damage, named, runs, tmp_path):
    run = Run(tmp_path / "run")
    shutil.copytree(runs("late").folder, run.folder)
    damage(run.text_folder)
    with pytest.raises(RunError) as refused:
        open_model(run)
    assert str(refused.value.file).endswith(named)


def test_data_without_texts_are_refused_before_anything_is_trained(data, tmp_path):
    rows = list(csv.DictReader((data / "table.csv").open(encoding="utf-8")))
    shutil.copytree(data, tmp_path / "data")
    with (tmp_path / "data" / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, ["image", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(DataError, match="has a text"):
        train(small_recipe(LATE), tmp_path / "data", tmp_path / "run")
    with pytest.raises(RecipeError, match="no such column"):
        train(small_recipe(LATE, {"data": {"text": ["findings"]}}), data, tmp_path / "other")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"network": {"text": None, "tfidf": {"components": 3}}}, "network.tfidf needs network.text"),
        ({"network": {"text": None}, "data": {"label_words": {"a": ["b"]}}}, "data.label_words needs network.text"),
        ({"network": {"fusion": "concatenation"}}, "never change"),
        ({"network": {"output": "multilabel"}, "data": {"separator": "|"}}, "one class a sample"),
        ({"network": {"tfidf": {"words": None, "characters": None}}}, "words, characters or both"),
        ({"network": {"tfidf": {"words": [2, 1]}}}, "shorter length"),
        ({"evaluation": {"leakage_check": True}}, "leakage_check"),
        ({"data": {"text": ["label"]}}, "the class itself"),
        ({"training": {"report_at_epochs": [1]}}, "report_at_epochs"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(change, told):
    with pytest.raises(ValidationError, match=told):
        small_recipe({"network": {"text": "tfidf"}}, change)
