"""The group bootstrap: right width, right coverage, exact ends, paired differences."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from laudo.core.errors import DataError, UnknownNameError
from laudo.core.predictions import Predictions
from laudo.evaluate.cases import Cases
from laudo.evaluate.classification import METRICS, class_keys, headline_keys, point_values
from laudo.evaluate.intervals import (
    bootstrap_draws,
    clopper_pearson,
    group_weights,
    groups_behind,
    intervals,
    paired_difference,
)
from laudo.evaluate.perfect_mean import lowest_mean


def two_class_cases(n, seed=0, signal=1.5, copies=1):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    positive = 1 / (1 + np.exp(-(random.normal(size=n) + signal * (truth - 0.5))))
    rows = np.repeat(np.arange(n), copies)
    return Cases.from_arrays(np.stack([1 - positive, positive], axis=1)[rows], truth[rows], groups=rows)


def predictions_of(positive, truth, groups=None, threshold=0.5, samples=None):
    positive, names = np.asarray(positive, dtype=float), ["benign", "malignant"]
    table = pd.DataFrame(
        {
            "sample": samples if samples is not None else [f"s{number:04d}" for number in range(len(truth))],
            "image": "",
            "group": groups if groups is not None else [f"g{number}" for number in range(len(truth))],
            "label": np.array(names)[np.asarray(truth)],
        }
    )
    return Predictions.build(table, np.stack([1 - positive, positive], axis=1), names, threshold)


def found_intervals(cases, bootstrap=500, seed=0, names=tuple(METRICS)):
    values = point_values(cases, headline_keys(names))
    found = intervals(cases, values, bootstrap, seed)
    return {name: values[name, None] for name in names}, {name: found[name, None] for name in names}


def width(interval):
    return interval.bounds[1] - interval.bounds[0]


def test_weights_draw_whole_groups():
    groups = np.array([0, 0, 1, 2, 2, 2])
    weights = np.concatenate(list(group_weights(groups, 400, seed=3)))
    assert weights.shape == (400, 6)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert weights[:, 2].mean() == pytest.approx(1, abs=0.15)


def test_a_chunked_bootstrap_has_every_resample_and_repeats(monkeypatch):
    cases = two_class_cases(40)
    monkeypatch.setattr("laudo.evaluate.intervals.CHUNK", 40 * 7)
    first, second = (bootstrap_draws([cases], headline_keys(), 50, seed=1)[0] for _ in range(2))
    other = bootstrap_draws([cases], headline_keys(), 50, seed=2)[0]
    for key, values in first.items():
        assert values.shape == (50,)
        assert np.array_equal(values, second[key])
    assert not np.array_equal(first["auc_roc", None], other["auc_roc", None])


def test_draws_are_the_metrics_of_the_resampled_data():
    cases = two_class_cases(30, copies=2)
    names = [name for name in METRICS if name != "ece"]
    draws = bootstrap_draws([cases], headline_keys(names), 5, seed=0)[0]
    weights = np.concatenate(list(group_weights(cases.groups, 5, seed=0))).astype(int)
    for number, row in enumerate(weights):
        rows = np.repeat(np.arange(len(cases)), row)
        again = Cases.from_arrays(cases.probabilities[rows], cases.truth[rows])
        for key, value in point_values(again, headline_keys(names)).items():
            assert draws[key][number] == pytest.approx(value), key


def test_intervals_do_not_depend_on_the_order_of_rows():
    cases = two_class_cases(50, copies=2)
    order = np.random.default_rng(0).permutation(len(cases))
    shuffled = Cases(cases.probabilities[order], cases.truth[order], cases.decided[order], cases.groups[order])
    for name, interval in found_intervals(cases)[1].items():
        assert found_intervals(shuffled)[1][name].bounds == pytest.approx(interval.bounds), name


@given(st.integers(0, 10_000), st.integers(12, 60), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_the_interval_holds_the_value(seed, n, copies):
    values, found = found_intervals(two_class_cases(n, seed, copies=copies), bootstrap=200)
    for name, interval in found.items():
        if interval.bounds is None:
            assert not np.isfinite(values[name]) or interval.kind == "none"
            continue
        low, high = interval.bounds
        assert low - 1e-9 <= values[name] <= high + 1e-9, name


def test_copies_in_one_group_are_no_new_evidence():
    single, copied = two_class_cases(80, seed=5), two_class_cases(80, seed=5, copies=4)
    naive = Cases.from_arrays(copied.probabilities, copied.truth)
    of_single, of_copied, of_naive = (found_intervals(cases, 2000)[1] for cases in (single, copied, naive))
    for name in ("accuracy", "balanced_accuracy", "auc_roc", "f1", "brier"):
        assert width(of_copied[name]) == pytest.approx(width(of_single[name]), rel=0.02), name
        assert width(of_copied[name]) == pytest.approx(2 * width(of_naive[name]), rel=0.15), name


def test_coverage_of_accuracy_and_auc():
    signal, true_auc = 1.5, norm.cdf(1.5 / np.sqrt(2))
    true_accuracy = norm.cdf(signal / 2)
    held = {"accuracy": 0, "auc_roc": 0}
    for seed in range(300):
        found = found_intervals(two_class_cases(80, seed, signal, copies=2), 300, seed, names=tuple(held))[1]
        for name, truth in (("accuracy", true_accuracy), ("auc_roc", true_auc)):
            low, high = found[name].bounds
            held[name] += low <= truth <= high
    for name, count in held.items():
        assert 0.90 <= count / 300 <= 0.985, (name, count / 300)


def test_coverage_of_the_calibration_error():
    # Says 0.9 or 0.1, is right in 70 %: the error is 0.2, exactly.
    held = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        positive = np.where(random.random(150) < 0.5, 0.9, 0.1)
        truth = (random.random(150) < np.where(positive > 0.5, 0.7, 0.3)).astype(int)
        cases = Cases.from_arrays(np.stack([1 - positive, positive], axis=1), truth)
        low, high = found_intervals(cases, 300, seed, names=("ece",))[1]["ece"].bounds
        held += low <= 0.2 <= high
    assert 0.89 <= held / 200 <= 0.99, held / 200


def test_at_one_the_interval_is_exact_and_counts_groups():
    positive = np.array([0.9] * 12 + [0.1] * 8)
    truth = np.array([1] * 12 + [0] * 8)
    groups = np.repeat(np.arange(10), 2)
    cases = Cases.from_arrays(np.stack([1 - positive, positive], axis=1), truth, groups=groups)
    values, found = found_intervals(cases)
    expected = {"accuracy": 10, "sensitivity": 6, "precision": 6, "specificity": 4, "f1": 6, "auc_roc": 4, "auc_pr": 4}
    for name, n in expected.items():
        assert values[name] == 1
        assert found[name].kind == "exact"
        assert found[name].groups == n, name
        assert found[name].bounds == pytest.approx((0.025 ** (1 / n), 1)), name
    for name in ("balanced_accuracy", "f1_macro"):
        assert found[name].kind == "exact_mean"
        assert found[name].bounds == pytest.approx((lowest_mean([4, 6]), 1)), name
    assert found["brier"].kind == "none"  # every sample has the same error: nothing to resample


def test_the_lowest_mean_of_one_proportion_is_that_of_clopper_and_pearson():
    for n in (1, 2, 7, 100):
        assert lowest_mean([n]) == pytest.approx(clopper_pearson(n, n)[0], rel=1e-9)


@settings(max_examples=30)
@given(st.tuples(st.integers(1, 30), st.integers(1, 30)))
def test_no_two_proportions_under_which_all_may_succeed_have_a_lower_mean(trials):
    first = np.linspace(0.025, 1, 4001)[1:]
    second = (0.025 / first ** trials[0]) ** (1 / trials[1])  # where all succeed with a probability of 0.025
    means = (first + second)[second <= 1] / 2
    assert lowest_mean(trials) == pytest.approx(means.min(), abs=2e-4)
    assert lowest_mean(trials) <= means.min() + 1e-9


def test_one_image_of_a_rare_class_does_not_spoil_the_mean_over_forty():
    assert lowest_mean([1] + [50] * 39) > 0.97
    assert lowest_mean([10] * 40) > lowest_mean([1] * 40) > 0.9


def test_at_zero_the_interval_is_exact():
    cases = Cases.from_arrays(np.array([[0.9, 0.1]] * 5 + [[0.8, 0.2]] * 5), np.array([1] * 5 + [0] * 5))
    values, found = found_intervals(cases)
    assert values["sensitivity"] == 0
    assert found["sensitivity"].bounds == pytest.approx((0, 1 - 0.025 ** (1 / 5)))
    assert found["precision"].bounds is None


def test_clopper_pearson_against_the_published_rule_of_three():
    low, high = clopper_pearson(0, 100)
    assert low == 0
    assert high == pytest.approx(0.0362, abs=1e-4)
    assert clopper_pearson(5, 20) == pytest.approx((0.08657, 0.49105), abs=1e-4)


def test_groups_behind_several_classes():
    probabilities = np.eye(3)[[0, 0, 1, 1, 2]]
    cases = Cases.from_arrays(probabilities, np.array([0, 0, 1, 1, 2]), groups=["a", "a", "b", "c", "d"])
    behind = {key: groups_behind(cases, key) for key in [*headline_keys(), *class_keys(3)]}
    assert behind["accuracy", None] == 4
    assert behind["sensitivity", None] == 1
    assert behind["sensitivity", 1] == 2
    assert behind["specificity", 1] == 2
    assert behind["auc_roc", 0] == 1
    assert behind["brier", None] is None


def test_one_group_has_no_interval():
    positive = np.array([0.9, 0.4, 0.2])
    cases = Cases.from_arrays(np.stack([1 - positive, positive], axis=1), np.array([1, 1, 0]), groups=["a"] * 3)
    _values, found = found_intervals(cases)
    assert found["accuracy"].bounds is None
    assert found["specificity"].bounds == pytest.approx((0.025, 1))


def test_resamples_without_a_class_are_dropped_and_counted():
    positive = np.array([0.9, 0.3, 0.6, 0.2, 0.4, 0.1])
    cases = Cases.from_arrays(np.stack([1 - positive, positive], axis=1), np.array([1, 0, 0, 0, 0, 1]))
    found = found_intervals(cases, 4000)[1]
    assert found["auc_roc"].dropped == pytest.approx((4 / 6) ** 6 + (2 / 6) ** 6, abs=0.02)
    assert found["accuracy"].dropped == 0


def test_no_bootstrap_no_interval():
    assert all(interval.bounds is None for interval in found_intervals(two_class_cases(20), bootstrap=0)[1].values())


# paired differences ---------------------------------------------------------------------------------------------


def test_identical_predictions_differ_by_exactly_nothing():
    random = np.random.default_rng(0)
    predictions = predictions_of(random.random(40), random.integers(0, 2, 40))
    for name, entry in paired_difference(predictions, predictions, METRICS).items():
        assert entry == {"value": 0.0, "ci95": [0.0, 0.0]}, name


def test_the_difference_is_paired_and_aligned_by_sample():
    random = np.random.default_rng(1)
    truth, noise = random.integers(0, 2, 200), random.normal(size=200)
    better = predictions_of(1 / (1 + np.exp(-(noise + 2 * (truth - 0.5)))), truth)
    worse = predictions_of(1 / (1 + np.exp(-(noise + 1.6 * (truth - 0.5)))), truth)
    order = random.permutation(200)
    shuffled = Predictions(worse.table.iloc[order].reset_index(drop=True), worse.classes)
    names = ["accuracy", "auc_roc", "log_loss"]
    found = paired_difference(better, shuffled, names, 1000)
    assert found == paired_difference(better, worse, names, 1000)
    assert found["auc_roc"]["ci95"][0] > 0
    # The noise is shared: far narrower than two independent samples would be.
    alone = found_intervals(Cases.from_predictions(better), 1000)[1]["auc_roc"]
    low, high = found["auc_roc"]["ci95"]
    assert high - low < 0.5 * width(alone)
    back = paired_difference(worse, better, names, 1000)
    for name in names:
        assert back[name]["value"] == -found[name]["value"]
        assert back[name]["ci95"] == pytest.approx([-bound for bound in reversed(found[name]["ci95"])])


def test_classes_in_another_order_are_the_same_classes():
    random = np.random.default_rng(2)
    a = predictions_of(random.random(30), random.integers(0, 2, 30))
    b = Predictions(a.table, a.classes[::-1])
    assert paired_difference(a, b, ["sensitivity"])["sensitivity"] == {"value": 0.0, "ci95": [0.0, 0.0]}


def test_two_different_perfect_models_keep_room_for_a_difference():
    truth = np.array([0] * 10 + [1] * 10)
    a, b = predictions_of(np.where(truth, 0.9, 0.1), truth), predictions_of(np.where(truth, 0.8, 0.2), truth)
    low, high = paired_difference(a, b, ["accuracy"])["accuracy"]["ci95"]
    assert high == -low == pytest.approx(1 - 0.025 ** (1 / 20))


def test_what_is_undefined_has_no_difference():
    a, b = predictions_of([0.9, 0.2], [1, 1]), predictions_of([0.8, 0.3], [1, 1])
    assert paired_difference(a, b, ["auc_roc"])["auc_roc"] == {"value": None, "ci95": None}


@pytest.mark.parametrize(
    "other",
    [
        predictions_of([0.5, 0.5], [0, 1]),
        predictions_of([0.5] * 3, [0, 1, 1], samples=["s0000", "s0001", "x"]),
        predictions_of([0.5] * 3, [0, 1, 1], samples=["s0000", "s0000", "s0001"]),
        predictions_of([0.5] * 3, [1, 1, 1]),
        predictions_of([0.5] * 3, [0, 1, 1], groups=["g0", "g1", "g1"]),
    ],
)
def test_predictions_of_other_samples_are_refused(other):
    with pytest.raises(DataError):
        paired_difference(predictions_of([0.5] * 3, [0, 1, 1]), other, ["accuracy"])


def test_other_classes_and_metrics_are_refused():
    a = predictions_of([0.5] * 3, [0, 1, 1])
    with pytest.raises(DataError):
        paired_difference(a, Predictions(a.table, ("benign", "other")), ["accuracy"])
    with pytest.raises(UnknownNameError):
        paired_difference(a, a, ["kappa"])
