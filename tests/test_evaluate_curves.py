"""ROC and precision-recall points, thinned."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from laudo.evaluate.cases import Cases
from laudo.evaluate.curves import MOST_POINTS, curves


def many_cases(n):
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, n)
    probabilities = random.dirichlet(np.ones(3), size=n) * 0.7 + np.eye(3)[truth] * 0.3
    return Cases.from_arrays(probabilities, truth)


def test_thinned_curves_keep_their_area_and_their_ends():
    cases = many_cases(6000)
    found = curves(cases, ("a", "b", "c"))
    for index, name in enumerate("abc"):
        roc, pr = found["roc"][name], found["pr"][name]
        assert len(roc["fpr"]) == len(roc["tpr"]) <= MOST_POINTS
        assert len(pr["recall"]) == len(pr["precision"]) <= MOST_POINTS
        assert (roc["fpr"][0], roc["tpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 0, 1, 1)
        assert (pr["recall"][0], pr["precision"][0], pr["recall"][-1]) == (0, 1, 1)
        assert (np.diff(roc["fpr"]) >= 0).all()
        assert (np.diff(roc["tpr"]) >= 0).all()
        assert (np.diff(pr["recall"]) >= 0).all()
        expected = roc_auc_score(cases.truth == index, cases.probabilities[:, index])
        assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(expected, abs=2e-3)


def test_a_small_curve_by_hand():
    positive = np.array([0.9, 0.6, 0.4, 0.2])
    cases = Cases.from_arrays(np.stack([1 - positive, positive], axis=1), np.array([1, 0, 1, 0]))
    roc = curves(cases, ("no", "yes"))["roc"]["yes"]
    assert roc == {"fpr": [0.0, 0.0, 0.5, 0.5, 1.0], "tpr": [0.0, 0.5, 0.5, 1.0, 1.0]}


def test_absent_classes_have_no_curve():
    cases = Cases.from_arrays(np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), np.array([0, 1]))
    assert set(curves(cases, ("a", "b", "c"))["roc"]) == {"a", "b"}
    alone = Cases.from_arrays(np.array([[0.5, 0.5]]), np.array([0]))
    assert curves(alone, ("a", "b")) == {"roc": {}, "pr": {}}
