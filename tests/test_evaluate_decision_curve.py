"""Decision curves: net benefit by hand and by scikit-learn's confusion matrix, intervals by resampling groups."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from laudo.evaluate.decision_curve import THRESHOLDS, decision_curve, net_benefit, worth_acting


def test_net_benefit_by_hand():
    """Ten cases, four of them positive. At 0.2 one false alarm costs a quarter of a case."""
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.6, 0.3, 0.15, 0.1, 0.05, 0.01])
    positive = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], dtype=bool)
    found = net_benefit(scores, positive, np.array([0.1, 0.2, 0.5, 0.75]))
    # 0.1: 4 found, 4 false (0.6, 0.3, 0.15, 0.1); 0.2: 3 and 2; 0.5: 3 and 1; 0.75: 2 and 0
    assert found == pytest.approx([(4 - 4 / 9) / 10, (3 - 2 / 4) / 10, (3 - 1) / 10, 2 / 10])


@given(st.integers(0, 10**6), st.integers(5, 80))
@settings(max_examples=40, deadline=None)
def test_net_benefit_agrees_with_a_confusion_matrix(seed, n):
    random = np.random.default_rng(seed)
    scores = random.random(n).round(2)
    positive = random.random(n) < scores
    for at in (0, 9, 49, 98):
        p = THRESHOLDS[at]
        tn, fp, fn, tp = confusion_matrix(positive, scores >= p, labels=[False, True]).ravel()
        assert tn + fp + fn + tp == n
        assert net_benefit(scores, positive)[at] == pytest.approx((tp - fp * p / (1 - p)) / n)


def example(n=300, seed=0):
    random = np.random.default_rng(seed)
    scores = random.beta(0.6, 0.9, n)
    return scores, random.random(n) < scores


def test_treating_all_and_nobody():
    scores, positive = example()
    curve = decision_curve(scores, positive, np.arange(300), bootstrap=200)
    share = positive.mean()
    at = curve["thresholds"].index(0.25)
    assert curve["all"]["value"][at] == pytest.approx(share - (1 - share) / 3, abs=1e-6)
    best = max(curve["all"]["value"][at], 0)
    assert curve["gain"]["value"][at] == pytest.approx(curve["model"]["value"][at] - best, abs=2e-6)
    assert (curve["n"], curve["groups"], curve["positive"]) == (300, 300, positive.sum())
    json.dumps(curve, allow_nan=False)


def test_a_model_that_knows_is_worth_acting_on_and_one_that_guesses_is_not():
    scores, positive = example()
    ranges = worth_acting(decision_curve(scores, positive, np.arange(300), 300))
    assert any(low < 0.3 and high > 0.5 for low, high in ranges)
    guessed = np.random.default_rng(5).permutation(scores)
    assert not worth_acting(decision_curve(guessed, positive, np.arange(300), 300))
    assert worth_acting(decision_curve(scores, positive, np.arange(300), 0)) == []


def test_intervals_are_those_of_groups_and_cover():
    """Copies of a case in one group leave the interval as it was; cases on their own would make it narrower."""
    scores, positive = example(80)
    alone = decision_curve(scores, positive, np.arange(80), 400)["model"]["ci95"]
    copies = [np.repeat(one, 4) for one in (scores, positive, np.arange(80))]
    together = decision_curve(*copies, 400)["model"]["ci95"]
    assert np.allclose(alone, together)
    wrong = np.asarray(decision_curve(copies[0], copies[1], np.arange(320), 400)["model"]["ci95"])
    assert np.diff(wrong[20])[0] < 0.7 * np.diff(alone[20])[0]


def test_the_interval_covers_the_true_net_benefit():
    many, truth = example(400_000, 99)
    true = net_benefit(many, truth, np.array([0.3]))[0]
    hits = 0
    for seed in range(200):
        low, high = decision_curve(*example(150, seed), np.arange(150), 200, seed)["model"]["ci95"][29]
        hits += low <= true <= high
    assert 0.90 <= hits / 200 <= 0.985


def test_without_one_of_the_classes_there_is_no_curve():
    assert decision_curve(np.array([0.2, 0.4]), np.array([True, True]), np.arange(2)) is None
    assert decision_curve(np.array([0.2, 0.4]), np.array([False, False]), np.arange(2)) is None
