"""Metrics against scikit-learn under random weights, hand-worked cases, and properties."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from laudo.core.errors import DataError, UnknownNameError
from laudo.evaluate.cases import Cases, group_codes
from laudo.evaluate.classification import (
    METRICS,
    PER_CLASS,
    class_keys,
    headline_keys,
    measure,
    point_values,
    score,
)

EPS = float(np.finfo(float).eps)


def random_cases(n, n_classes, seed, ties):
    """Cases whose truth holds every class; with ties, scores are multiples of 1/10."""
    random = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(n_classes), random.integers(0, n_classes, n - n_classes)])
    if ties:
        probabilities = random.multinomial(10, np.full(n_classes, 1 / n_classes), size=n) / 10
    else:
        probabilities = random.dirichlet(np.ones(n_classes), size=n)
    probabilities[::3] = np.eye(n_classes)[truth[::3]] * 0.5 + probabilities[::3] * 0.5
    return Cases.from_arrays(probabilities, truth)


def oracle_of_class(name, cases, index, weights):
    """scikit-learn's value of one class against the rest; NaN by our rules for what is undefined."""
    truth, decided, scores = cases.truth == index, cases.decided == index, cases.probabilities[:, index]
    kept = {"sample_weight": weights}
    if name == "precision":
        return oracle.precision_score(truth, decided, zero_division=np.nan, **kept)
    if name == "sensitivity":
        return oracle.recall_score(truth, decided, zero_division=np.nan, **kept)
    if name == "specificity":
        return oracle.recall_score(~truth, ~decided, zero_division=np.nan, **kept)
    if not weights[truth].sum():
        return np.nan
    if name == "f1":
        return oracle.f1_score(truth, decided, **kept)
    if not weights[~truth].sum():
        return np.nan
    return {"auc_roc": oracle.roc_auc_score, "auc_pr": oracle.average_precision_score}[name](truth, scores, **kept)


def oracle_of_all(name, cases, weights):
    truth, decided, probabilities = cases.truth, cases.decided, cases.probabilities
    kept, two = {"sample_weight": weights}, cases.n_classes == 2
    if name == "accuracy":
        return oracle.accuracy_score(truth, decided, **kept)
    if name == "balanced_accuracy":
        return oracle.balanced_accuracy_score(truth, decided, **kept)
    if name == "brier" and two:
        return oracle.brier_score_loss(truth, probabilities[:, 1], **kept)
    if name == "brier":
        return np.average(((probabilities - np.eye(cases.n_classes)[truth]) ** 2).sum(axis=1), weights=weights)
    if name == "log_loss":
        return oracle.log_loss(truth, probabilities, labels=range(cases.n_classes), **kept)
    if name == "f1_macro":
        return np.mean([oracle_of_class("f1", cases, index, weights) for index in range(cases.n_classes)])
    if two:
        return oracle_of_class(name, cases, 1, weights)
    values = [oracle_of_class(name, cases, index, weights) for index in range(cases.n_classes)]
    return np.mean(np.nan_to_num(values) if name == "precision" else values)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_every_metric_agrees_with_scikit_learn_under_weights(n_classes, ties):
    cases = random_cases(60, n_classes, seed=n_classes, ties=ties)
    random = np.random.default_rng(1)
    weights = random.multinomial(60, np.full(60, 1 / 60), size=8).astype(float)
    weights[0], weights[1] = 1.0, random.random(60)
    weights = weights[[set(cases.truth[row > 0]) == set(range(n_classes)) for row in weights]]
    found = score(cases, weights, [*headline_keys(), *class_keys(n_classes)])
    for (name, index), values in found.items():
        if name == "ece":
            continue
        for value, row in zip(values, weights, strict=True):
            expected = oracle_of_all(name, cases, row) if index is None else oracle_of_class(name, cases, index, row)
            assert value == pytest.approx(expected, abs=1e-12, nan_ok=True), (name, index)


def test_a_resample_without_one_of_the_classes_is_undefined_where_it_matters():
    cases = random_cases(30, 3, seed=0, ties=True)
    weights = np.where(cases.truth == 2, 0.0, 1.0)[None, :]
    found = {name: values[0] for (name, _index), values in score(cases, weights, headline_keys()).items()}
    undefined = {name for name, value in found.items() if not np.isfinite(value)}
    assert undefined == {"balanced_accuracy", "precision", "sensitivity", "f1", "f1_macro", "auc_roc", "auc_pr"} - (
        {"precision"} if (cases.decided == 2).any() else set()
    )


def test_perfect_predictions():
    values = measure(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 2]))
    assert {name for name, value in values.items() if value == pytest.approx(1)} == set(METRICS) - {
        "brier",
        "log_loss",
        "ece",
    }
    assert values["brier"] == 0
    assert values["ece"] == 0
    assert values["log_loss"] == pytest.approx(0, abs=1e-12)


def test_all_wrong():
    truth = np.repeat([0, 1], 10)
    values = measure(np.eye(2)[1 - truth], truth)
    for name in (
        "accuracy",
        "balanced_accuracy",
        "precision",
        "sensitivity",
        "specificity",
        "f1",
        "f1_macro",
        "auc_roc",
    ):
        assert values[name] == 0, name
    assert values["auc_pr"] == 0.5  # both positives last: precision 10/20 when they are reached, together
    assert values["brier"] == 1
    assert values["ece"] == 1
    assert values["log_loss"] == pytest.approx(-np.log(EPS))


def test_two_classes_by_hand():
    # positive probabilities .9 .8 .4 | .6 .2, threshold 0.5: TP 2, FN 1, FP 1, TN 1
    positive = np.array([0.9, 0.8, 0.4, 0.6, 0.2])
    values = measure(np.stack([1 - positive, positive], axis=1), np.array([1, 1, 1, 0, 0]))
    assert values["accuracy"] == pytest.approx(3 / 5)
    assert values["sensitivity"] == pytest.approx(2 / 3)
    assert values["specificity"] == pytest.approx(1 / 2)
    assert values["precision"] == pytest.approx(2 / 3)
    assert values["balanced_accuracy"] == pytest.approx(7 / 12)
    assert values["f1"] == pytest.approx(2 / 3)
    assert values["f1_macro"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert values["auc_roc"] == pytest.approx(5 / 6)
    assert values["auc_pr"] == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert values["brier"] == pytest.approx((0.01 + 0.04 + 0.36 + 0.36 + 0.04) / 5)
    assert values["ece"] == pytest.approx(abs(3 / 5 - positive.mean()))  # five samples: one bin


def test_three_classes_by_hand_brier_sums_over_classes():
    values = measure(np.array([[0.5, 0.3, 0.2]]), np.array([0]))
    assert values["brier"] == pytest.approx(0.25 + 0.09 + 0.04)
    assert values["ece"] == pytest.approx(0.5)


@pytest.mark.parametrize("only", [0, 1])
def test_one_class_in_the_truth(only):
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6]])
    values = measure(probabilities, np.array([only, only]))
    assert values["auc_roc"] is None
    assert values["auc_pr"] is None
    assert values["balanced_accuracy"] is None
    assert values["sensitivity"] == (0.5 if only else None)
    assert values["specificity"] == (None if only else 0.5)
    assert values["accuracy"] == 0.5


def test_an_absent_class_is_left_out_of_the_means():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.1, 0.6]])
    truth = np.array([0, 1, 1])
    values = measure(probabilities, truth)
    assert values["sensitivity"] == pytest.approx((1 + 1 / 2) / 2)
    assert values["precision"] == pytest.approx(1)
    assert values["f1_macro"] == values["f1"] == pytest.approx((1 + 2 / 3) / 2)
    of_classes = point_values(Cases.from_arrays(probabilities, truth), class_keys(3))
    assert np.isnan(of_classes["sensitivity", 2])
    assert np.isnan(of_classes["f1", 2])
    assert np.isnan(of_classes["auc_roc", 2])
    assert of_classes["precision", 2] == 0
    assert of_classes["specificity", 2] == pytest.approx(2 / 3)


def test_a_class_never_called_has_no_precision_but_counts_as_zero_in_the_mean():
    truth = np.array([0, 1, 2])
    cases = Cases.from_arrays(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1]]), truth)
    assert np.isnan(point_values(cases, class_keys(3))["precision", 2])
    assert point_values(cases, headline_keys())["precision", None] == pytest.approx((1 / 2 + 1 + 0) / 3)
    two = measure(np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1]))
    assert two["precision"] is None
    assert two["f1"] == 0


def test_a_single_sample():
    values = measure(np.array([[0.2, 0.8]]), np.array([1]))
    assert values["accuracy"] == values["sensitivity"] == values["precision"] == 1
    assert values["auc_roc"] is None


def test_the_decision_is_used_and_not_the_largest_probability():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1]])
    assert measure(probabilities, np.array([1, 0]), np.array([1, 0]))["accuracy"] == 1


@st.composite
def scored(draw, n_classes=None):
    k = n_classes or draw(st.integers(2, 4))
    n = draw(st.integers(1, 25))
    raw = draw(st.lists(st.lists(st.integers(0, 6), min_size=k, max_size=k), min_size=n, max_size=n))
    counts = np.array(raw, dtype=float) + 0.25
    truth = draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n))
    return counts / counts.sum(axis=1, keepdims=True), np.array(truth)


@given(scored())
@settings(max_examples=60, deadline=None)
def test_metrics_stay_in_their_range_and_do_not_depend_on_order(sample):
    probabilities, truth = sample
    values = measure(probabilities, truth)
    highest = {"brier": 2.0, "log_loss": np.inf}
    for name, value in values.items():
        assert value is None or -1e-12 <= value <= highest.get(name, 1.0) + 1e-12, name
    order = np.random.default_rng(0).permutation(len(truth))
    shuffled = measure(probabilities[order], truth[order])
    assert shuffled == {name: pytest.approx(value) for name, value in values.items()}


@given(scored(n_classes=2))
@settings(max_examples=60, deadline=None)
def test_swapping_two_classes_swaps_sensitivity_and_specificity(sample):
    probabilities, truth = sample
    decided = (probabilities[:, 1] >= 0.5).astype(int)
    values, swapped = measure(probabilities, truth, decided), measure(probabilities[:, ::-1], 1 - truth, 1 - decided)
    assert swapped["sensitivity"] == values["specificity"]
    assert swapped["specificity"] == values["sensitivity"]
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "auc_roc", "brier", "log_loss"):
        assert swapped[name] == pytest.approx(values[name]), name


@given(scored(n_classes=2), st.sampled_from([lambda p: p**3, np.sqrt, lambda p: 0.2 + p / 2]))
@settings(max_examples=60, deadline=None)
def test_ranking_metrics_do_not_change_under_a_monotone_transform(sample, transform):
    probabilities, truth = sample
    assume(0 < truth.sum() < len(truth))
    changed = transform(probabilities[:, 1])
    names = ("auc_roc", "auc_pr")
    after = measure(np.stack([1 - changed, changed], axis=1), truth, names=names)
    assert after == {name: pytest.approx(value) for name, value in measure(probabilities, truth, names=names).items()}


def test_integer_weights_are_the_same_as_repeated_samples():
    cases = random_cases(25, 3, seed=4, ties=True)
    weights = np.random.default_rng(0).integers(1, 4, 25)
    repeated = np.repeat(np.arange(25), weights)
    again = Cases.from_arrays(cases.probabilities[repeated], cases.truth[repeated])
    names = [name for name in METRICS if name != "ece"]  # the bins are those of the data
    expected = point_values(again, headline_keys(names))
    found = score(cases, weights[None, :].astype(float), headline_keys(names))
    assert {key: values[0] for key, values in found.items()} == pytest.approx(expected)


def test_groups_without_a_name_stand_alone():
    codes, unknown = group_codes(["b", "", "a", None, "b"])
    assert codes.tolist() == [1, 2, 0, 3, 1]
    assert unknown == 2


@pytest.mark.parametrize(
    "probabilities",
    [np.empty((0, 2)), np.ones((3, 1)), [[0.5, 0.6]], [[np.nan, 1.0]], [[-0.1, 1.1]], [[0.9, 0.8], [0.5, 0.5]]],
)
def test_what_is_not_probabilities_is_refused(probabilities):
    with pytest.raises(DataError):
        measure(np.array(probabilities), np.zeros(len(probabilities), dtype=int))


def test_an_unknown_metric_is_named():
    with pytest.raises(UnknownNameError) as caught:
        headline_keys(["accuracy", "kappa"])
    assert caught.value.found == "kappa"


def test_tables_name_what_the_run_promises():
    rates = ["accuracy", "balanced_accuracy", "precision", "sensitivity", "specificity", "f1", "f1_macro"]
    assert list(METRICS) == [*rates, "auc_roc", "auc_pr", "brier", "log_loss", "ece"]
    assert list(PER_CLASS) == ["precision", "sensitivity", "specificity", "f1", "auc_roc"]
