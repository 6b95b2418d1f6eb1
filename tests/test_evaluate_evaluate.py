"""The dictionary of metrics.json, its notes in words, and the summary over folds."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from laudo.core.errors import DataError
from laudo.core.messages import translator
from laudo.core.predictions import Predictions
from laudo.evaluate.classification import METRICS, PER_CLASS
from laudo.evaluate.evaluate import evaluate, pool
from laudo.evaluate.notes import SENTENCES, metric_name, note_sentence


def predictions_of(probabilities, truth, classes, threshold=None, groups=None):
    n = len(truth)
    table = pd.DataFrame(
        {
            "sample": [f"s{number:04d}" for number in range(n)],
            "image": "",
            "group": [f"g{number}" for number in range(n)] if groups is None else groups,
            "label": np.array(classes)[np.asarray(truth, dtype=int)],
        }
    )
    return Predictions.build(table, np.asarray(probabilities, dtype=float), classes, threshold)


def random_predictions(n, n_classes, seed=0, threshold=None, groups=None):
    random = np.random.default_rng(seed)
    truth = random.integers(0, n_classes, n)
    probabilities = random.dirichlet(np.ones(n_classes), size=n) * 0.6 + np.eye(n_classes)[truth] * 0.4
    return predictions_of(probabilities, truth, [f"class {index}" for index in range(n_classes)], threshold, groups)


def notes_of(result):
    return {note["id"]: note for note in result["notes"]}


def check_sentences(result):
    for note in result["notes"]:
        sentence = note_sentence(json.loads(json.dumps(note)), translator("en"))
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert "None" not in sentence
        assert note["id"] in SENTENCES


@pytest.mark.parametrize(("n_classes", "threshold"), [(2, 0.4), (2, None), (4, None)])
def test_the_form_of_metrics_json(n_classes, threshold):
    predictions = random_predictions(90, n_classes, threshold=threshold, groups=[f"p{i // 3}" for i in range(90)])
    result = evaluate(predictions, bootstrap=200)
    again = json.loads(json.dumps(result, allow_nan=False))
    assert again == result
    keys = ["n", "groups", "threshold", "metrics", "per_class", "confusion", "curves", "calibration", "decision_curve"]
    assert list(result) == [*keys, "notes"]
    assert (result["n"], result["groups"], result["threshold"]) == (90, 30, threshold)
    assert list(result["metrics"]) == list(METRICS)
    for entry in result["metrics"].values():
        low, high = entry["ci95"]
        assert low <= entry["value"] <= high
    for name, entry in result["per_class"].items():
        assert list(entry) == ["n", *PER_CLASS]
        assert entry["n"] == (predictions.table["label"] == name).sum()
    matrix = np.array(result["confusion"]["matrix"])
    assert result["confusion"]["classes"] == list(predictions.classes)
    expected = pd.crosstab(predictions.truth, predictions.decided).to_numpy()
    assert np.array_equal(matrix, expected)
    assert np.trace(matrix) / 90 == pytest.approx(result["metrics"]["accuracy"]["value"])
    assert set(result["curves"]) == {"roc", "pr", "reliability"}
    assert sum(one["n"] for one in result["curves"]["reliability"]) == 90
    error = sum(one["n"] * abs(one["observed"] - one["confidence"]) for one in result["curves"]["reliability"]) / 90
    assert result["metrics"]["ece"]["value"] == pytest.approx(error)
    check_sentences(result)


def test_the_same_seed_gives_the_same_result():
    predictions = random_predictions(60, 3)
    assert evaluate(predictions, 200, seed=4) == evaluate(predictions, 200, seed=4)
    assert evaluate(predictions, 200, seed=4)["metrics"] != evaluate(predictions, 200, seed=5)["metrics"]


def test_two_classes_headline_is_the_positive_class():
    result = evaluate(random_predictions(80, 2, threshold=0.5), 200)
    for name in PER_CLASS:
        assert result["per_class"]["class 1"][name] == result["metrics"][name]


def test_one_class_only():
    result = evaluate(predictions_of([[0.2, 0.8], [0.6, 0.4]], [1, 1], ["no", "yes"], 0.5), 200)
    note = notes_of(result)["one_class"]
    assert note["class"] == "yes"
    assert set(note["metrics"]) == {"balanced_accuracy", "specificity", "auc_roc", "auc_pr"}
    assert result["metrics"]["auc_roc"] == {"value": None, "ci95": None}
    assert result["per_class"]["no"]["n"] == 0
    assert result["curves"]["roc"] == {}
    check_sentences(result)


def test_a_single_sample():
    result = evaluate(predictions_of([[0.2, 0.8]], [1], ["no", "yes"], 0.5))
    assert result["metrics"]["accuracy"] == {"value": 1.0, "ci95": [pytest.approx(0.025), 1.0]}
    assert result["metrics"]["log_loss"]["ci95"] is None
    assert {"one_class", "exact_interval", "no_interval"} <= set(notes_of(result))
    check_sentences(result)


def test_an_absent_and_a_never_called_class_are_named():
    probabilities = [[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.9, 0.1, 0.0]]
    result = evaluate(predictions_of(probabilities, [0, 1, 0, 1], ["a", "b", "c"]), 200)
    notes = notes_of(result)
    assert notes["class_absent"]["classes"] == ["c"]
    assert notes["never_called"]["classes"] == ["b"]
    assert result["per_class"]["b"]["precision"]["value"] is None
    assert {"metric": "auc_roc", "class": "a"} in notes["resamples_dropped"]["of"]
    assert notes["resamples_dropped"]["most"] == pytest.approx(2 / 16, abs=0.1)
    check_sentences(result)


def test_a_positive_class_never_called():
    result = evaluate(predictions_of([[0.8, 0.2], [0.7, 0.3]], [0, 1], ["no", "yes"], 0.5), 100)
    assert notes_of(result)["positive_never_called"]["class"] == "yes"
    assert result["metrics"]["precision"]["value"] is None
    check_sentences(result)


def test_perfect_predictions_say_how_their_interval_was_made():
    truth = [0, 1] * 10
    result = evaluate(predictions_of(np.eye(2)[truth] * 0.8 + 0.1, truth, ["no", "yes"], 0.5), 200)
    note = notes_of(result)["exact_interval"]
    assert {"metric": "accuracy", "class": None, "groups": 20} in note["of"]
    sentence = note_sentence(note, translator("en"))
    assert "accuracy (n = 20)" in sentence
    assert "sensitivity (no; n = 10)" in sentence


def test_samples_without_a_group_stand_alone_and_are_counted():
    result = evaluate(random_predictions(6, 2, groups=["p", "p", "", None, "q", ""]), 100)
    assert result["groups"] == 5
    assert notes_of(result)["groups_unknown"]["n"] == 3
    check_sentences(result)


def test_folds_with_thresholds_of_their_own():
    parts = [random_predictions(20, 2, seed=seed, threshold=0.3 + seed / 5) for seed in range(2)]
    result = evaluate(Predictions.concatenate(parts), 100)
    assert result["threshold"] is None
    assert notes_of(result)["thresholds_differ"] == {"id": "thresholds_differ", "low": 0.3, "high": 0.5}
    check_sentences(result)


def test_a_calibration_error_of_chance_size_is_said():
    random = np.random.default_rng(0)
    positive = random.random(200)
    truth = (random.random(200) < positive).astype(int)
    calibrated = predictions_of(np.stack([1 - positive, positive], axis=1), truth, ["no", "yes"], 0.5)
    assert "ece_by_chance" in notes_of(evaluate(calibrated, 100))
    sure = np.where(positive > 0.5, 0.999, 0.001)
    wrong = predictions_of(np.stack([1 - sure, sure], axis=1), truth, ["no", "yes"], 0.5)
    assert "ece_by_chance" not in notes_of(evaluate(wrong, 100))


def test_without_bootstrap_there_are_values_only():
    result = evaluate(random_predictions(30, 3), bootstrap=0)
    assert all(entry["ci95"] is None and entry["value"] is not None for entry in result["metrics"].values())
    assert not {"no_interval", "exact_interval"} & set(notes_of(result))


def test_every_metric_has_a_name_in_sentences():
    assert all(metric_name(name, translator("en")) for name in METRICS)


def test_labels_that_are_no_class_are_refused():
    predictions = random_predictions(5, 2)
    for column in ("label", "predicted"):
        table = predictions.table.assign(**{column: ["class 0"] * 4 + ["other"]})
        with pytest.raises(DataError) as caught:
            evaluate(Predictions(table, predictions.classes))
        assert caught.value.found == "other"


def test_nothing_to_score_is_refused():
    predictions = random_predictions(5, 2)
    with pytest.raises(DataError):
        evaluate(Predictions(predictions.table.iloc[:0], predictions.classes))


def test_pool_summarises_folds():
    folds = [evaluate(random_predictions(30, 2, seed=seed), bootstrap=0) for seed in range(3)]
    folds[2]["metrics"]["auc_roc"]["value"] = None
    found = pool(folds)
    values = [fold["metrics"]["accuracy"]["value"] for fold in folds]
    assert found["accuracy"] == {
        "mean": pytest.approx(np.mean(values)),
        "std": pytest.approx(np.std(values, ddof=1)),
        "values": values,
    }
    assert found["auc_roc"]["values"][2] is None
    assert found["auc_roc"]["mean"] == pytest.approx(np.mean(found["auc_roc"]["values"][:2]))
    assert pool(folds[:1])["accuracy"]["std"] is None
    assert pool([]) == {}


def test_evaluate_needs_no_torch():
    code = "import sys, laudo.evaluate.evaluate; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
