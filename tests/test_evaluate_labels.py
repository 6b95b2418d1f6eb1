"""Samples with several labels: metrics against scikit-learn, what can not be judged, intervals, thresholds, and the table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from laudo.core.errors import DataError, UnknownNameError
from laudo.core.labels import join_labels, label_matrix, split_labels
from laudo.core.manifest import Manifest
from laudo.core.predictions import Predictions, decide
from laudo.evaluate.classification import METRICS, measure, point_values
from laudo.evaluate.evaluate import evaluate, pool
from laudo.evaluate.intervals import paired_difference
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.label_metrics import LABEL_METRICS, PER_LABEL
from laudo.evaluate.notes import SENTENCES, metric_name, note_sentence
from laudo.evaluate.threshold import choose_threshold, choose_thresholds, common_rule

NAMES = ("mass", "effusion", "nodule", "oedema")


def drawn(seed: int, n: int = 80, labels: int = 4):
    random = np.random.default_rng(seed)
    truth = random.random((n, labels)) < np.linspace(0.5, 0.1, labels)
    truth[0], truth[1] = True, False
    scores = np.clip(truth * 0.3 + random.random((n, labels)) * 0.7, 0, 1)
    scores[::5] = np.round(scores[::5], 1)
    return scores, truth.astype(int), (scores >= random.uniform(0.3, 0.6, labels)).astype(int)


def predictions_of(scores, truth, thresholds, per_group: int = 2) -> Predictions:
    names = NAMES[: truth.shape[1]]
    table = pd.DataFrame(
        {
            "sample": [f"s{i:03d}" for i in range(len(truth))],
            "image": "x.png",
            "group": [f"g{i // per_group}" for i in range(len(truth))],
            "label": ["|".join(name for name, has in zip(names, row, strict=True) if has) for row in truth],
        }
    )
    return Predictions.build(table, scores, names, tuple(thresholds), "|")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_every_metric_agrees_with_scikit_learn_under_weights(seed, labels):
    scores, truth, decided = drawn(seed, labels=labels)
    weights = np.random.default_rng(seed).integers(1, 4, len(truth)).astype(float)
    kept = {"sample_weight": weights}
    from laudo.evaluate.classification import all_keys, score

    cases = LabelCases.from_arrays(scores, truth, decided)
    found = {key: float(value[0]) for key, value in score(cases, weights[None], all_keys(cases)).items()}
    columns = range(labels)
    expected = {
        "accuracy": oracle.accuracy_score(truth, decided, **kept),
        "hamming_accuracy": 1 - oracle.hamming_loss(truth, decided, **kept),
        "balanced_accuracy": np.mean(
            [oracle.balanced_accuracy_score(truth[:, k], decided[:, k], **kept) for k in columns]
        ),
        "precision": oracle.precision_score(truth, decided, average="macro", zero_division=0, **kept),
        "sensitivity": oracle.recall_score(truth, decided, average="macro", **kept),
        "specificity": oracle.recall_score(1 - truth, 1 - decided, average="macro", **kept),
        "f1_macro": oracle.f1_score(truth, decided, average="macro", zero_division=0, **kept),
        "f1_micro": oracle.f1_score(truth, decided, average="micro", **kept),
        "auc_roc": oracle.roc_auc_score(truth, scores, average="macro", **kept),
        "auc_pr": oracle.average_precision_score(truth, scores, average="macro", **kept),
        "brier": np.mean([oracle.brier_score_loss(truth[:, k], scores[:, k], **kept) for k in columns]),
        "log_loss": np.mean([oracle.log_loss(truth[:, k], scores[:, k], labels=[0, 1], **kept) for k in columns]),
    }
    for name, value in expected.items():
        assert found[name, None] == pytest.approx(value, abs=1e-9), name
    assert set(expected) == set(LABEL_METRICS) - {"ece"}
    for k in columns:
        assert found["auc_roc", k] == pytest.approx(oracle.roc_auc_score(truth[:, k], scores[:, k], **kept))
        assert found["sensitivity", k] == pytest.approx(oracle.recall_score(truth[:, k], decided[:, k], **kept))
        assert found["brier", k] == pytest.approx(oracle.brier_score_loss(truth[:, k], scores[:, k], **kept))


def test_a_label_that_none_or_all_have_is_listed_and_no_mean_counts_it():
    scores, truth, _decided = drawn(4)
    truth[:, 1], truth[:, 3] = 0, 1
    found = evaluate(predictions_of(scores, truth, [0.5] * 4), bootstrap=100)
    assert found["per_class"]["effusion"]["n"] == 0
    assert found["per_class"]["effusion"]["auc_roc"]["value"] is None
    assert found["per_class"]["oedema"]["specificity"]["value"] is None
    only = evaluate(predictions_of(scores, truth, [0.5] * 4), bootstrap=0)["per_class"]
    for name in ("auc_roc", "sensitivity", "specificity"):
        mean = np.mean([only[label][name]["value"] for label in ("mass", "nodule")])
        assert found["metrics"][name]["value"] == pytest.approx(mean)
    notes = {note["id"]: note.get("classes") for note in found["notes"]}
    assert notes["label_absent"] == ["effusion"]
    assert notes["label_everywhere"] == ["oedema"]
    assert "all_labels" in notes


def test_the_part_says_everything_of_each_label_with_intervals_over_groups():
    scores, truth, _decided = drawn(7, 120)
    cuts = [0.4, 0.5, 0.45, 0.6]
    predictions = predictions_of(scores, truth, cuts)
    found = evaluate(predictions, bootstrap=200)
    assert "confusion" not in found
    assert found["n"] == 120
    assert found["groups"] == 60
    assert found["thresholds"] == dict(zip(NAMES, cuts, strict=True))
    sets = pd.Series(predictions.table["label"]).value_counts(normalize=True)
    assert found["most_frequent"] == pytest.approx(sets.iloc[0])
    for name, entry in found["per_class"].items():
        assert set(entry) == {"n", *PER_LABEL}
        assert entry["n"] == truth[:, NAMES.index(name)].sum()
        for metric in PER_LABEL:
            low, high = entry[metric]["ci95"]
            assert low <= entry[metric]["value"] <= high
    assert sum(one["n"] for one in found["curves"]["reliability"]) == 120 * 4
    assert set(found["curves"]["roc"]) == set(NAMES)
    alone = evaluate(predictions_of(scores, truth, cuts, per_group=1), bootstrap=200)
    assert alone["groups"] == 120
    assert pool([found, alone])["f1_micro"]["values"][0] == found["metrics"]["f1_micro"]["value"]


def test_every_note_has_a_sentence_and_every_metric_a_name():
    for name in LABEL_METRICS:
        assert metric_name(name, str)
    assert "all of whose labels" in note_sentence({"id": "all_labels"}, str)
    for note in ("label_absent", "label_everywhere"):
        assert note in SENTENCES
        assert "x, y" in note_sentence({"id": note, "classes": ["x", "y"]}, str)


def test_two_models_are_compared_sample_by_sample():
    scores, truth, _decided = drawn(9)
    a = predictions_of(scores, truth, [0.5] * 4)
    b = predictions_of(np.random.default_rng(0).permutation(scores), truth, [0.5] * 4)
    shuffled = Predictions(b.table.sample(frac=1, random_state=1).reset_index(drop=True), b.classes)
    found = paired_difference(a, shuffled, ("accuracy", "auc_roc"), 200)
    for name in found:
        expected = measure(a.probabilities, truth, a.decided)[name] - measure(b.probabilities, truth, b.decided)[name]
        assert found[name]["value"] == pytest.approx(expected)
    assert found["auc_roc"]["ci95"][0] > 0
    single = Predictions.build(a.table.assign(label="mass"), np.full((80, 4), 0.25), NAMES, None)
    with pytest.raises(DataError):
        paired_difference(a, single, ("accuracy",))


def test_each_label_has_the_threshold_that_it_would_have_alone():
    scores, truth, _decided = drawn(11)
    chosen = choose_thresholds(scores, truth)
    assert chosen == tuple(choose_threshold(scores[:, k], truth[:, k]) for k in range(4))
    assert common_rule(chosen) == "validation"
    truth[:, 0] = 0
    assert common_rule(choose_thresholds(scores, truth)) == "mixed"
    called = decide(scores, tuple(one.value for one in chosen))
    assert np.array_equal(called, scores >= np.array([one.value for one in chosen]))


def test_predictions_survive_the_file_and_keep_every_label(tmp_path):
    scores, truth, _decided = drawn(13)
    made = predictions_of(scores, truth, [0.3, 0.5, 0.5, 0.7])
    made.save(tmp_path / "test.parquet")
    read = Predictions.load(tmp_path / "test.parquet")
    assert read.multilabel
    assert read.classes == NAMES
    assert np.array_equal(read.truth, truth)
    assert np.array_equal(read.decided, scores >= [0.3, 0.5, 0.5, 0.7])
    assert np.array_equal(read.right, (read.truth == read.decided).all(axis=1))
    row = read.table.iloc[0]
    assert row["predicted"] == join_labels([n for n, c in zip(NAMES, read.decided[0], strict=True) if c], NAMES, "|")


def test_numbers_that_are_no_probabilities_and_unknown_metrics_are_refused():
    with pytest.raises(DataError):
        LabelCases.from_arrays(np.array([[0.5, 1.2]]), np.array([[1, 0]]))
    scores, truth, _decided = drawn(1)
    with pytest.raises(UnknownNameError):
        point_values(LabelCases.from_arrays(scores, truth), [("f1", None)])
    assert "f1" in METRICS


def test_texts_become_labels_and_the_manifest_keeps_them(tmp_path):
    texts = ["Mass | Effusion", "", "No Finding", "Effusion", " Mass"]
    rows = [{"sample": f"s{i}", "image": f"{i}.png", "findings": text} for i, text in enumerate(texts)]
    manifest = Manifest.from_rows(rows, Path(tmp_path), "made", ()).with_several_labels("|", "No Finding", "findings")
    assert manifest.classes == ("Effusion", "Mass")
    assert list(manifest.table["label"]) == ["Effusion|Mass", "", "", "Effusion", "Mass"]
    assert manifest.targets.tolist() == [[1, 1], [0, 0], [0, 0], [1, 0], [0, 1]]
    assert manifest.counts == {"Effusion": 2, "Mass": 2}
    manifest.save(tmp_path / "manifest.parquet")
    read = Manifest.load(tmp_path / "manifest.parquet")
    assert read.multilabel
    assert np.array_equal(read.targets, manifest.targets)
    assert label_matrix(["a;b", "ab"], ("a", "b"), None).sum() == 0
    assert split_labels(" a ; none;", ";", "none") == ["a"]
    with pytest.raises(DataError):
        manifest.with_several_labels("|", None, "nowhere")


def test_classes_absent_from_a_part_are_listed_and_no_mean_counts_them_as_zero():
    """Of one class a sample: the oracle is scikit-learn on the classes that are there."""
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 60)  # of four classes
    probabilities = random.dirichlet(np.ones(4), 60)
    probabilities[np.arange(60), truth] += 0.6
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = np.array(NAMES)
    table = pd.DataFrame({"sample": [f"s{i}" for i in range(60)], "image": "", "group": "", "label": names[truth]})
    found = evaluate(Predictions.build(table, probabilities, NAMES, None), bootstrap=0)
    decided = probabilities.argmax(axis=1)
    there = [0, 1, 2]
    value = {name: one["value"] for name, one in found["metrics"].items()}
    assert found["per_class"]["oedema"]["n"] == 0
    assert found["per_class"]["oedema"]["f1"]["value"] is None
    assert value["accuracy"] == pytest.approx((truth == decided).mean())
    assert value["f1_macro"] == pytest.approx(oracle.f1_score(truth, decided, labels=there, average="macro"))
    recalls = [(decided[truth == k] == k).mean() for k in there]
    assert value["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    areas = [oracle.roc_auc_score(truth == k, probabilities[:, k]) for k in there]
    assert value["auc_roc"] == pytest.approx(np.mean(areas))
    assert {"id": "class_absent", "classes": ["oedema"]} in found["notes"]
