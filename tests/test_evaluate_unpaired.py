"""Differences between figures of other samples."""

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep

from laudo.evaluate.calibration import wilson
from laudo.evaluate.unpaired import unpaired_differences


def figure(value, low, high):
    return {"value": value, "ci95": [low, high]}


def proportion(successes, n):
    return figure(successes / n, *wilson(successes / n, n))


@pytest.mark.parametrize(("a", "n", "b", "m"), [(56, 70, 48, 80), (9, 10, 3, 10), (10, 10, 0, 20), (5, 56, 0, 29)])
def test_of_two_proportions_it_is_newcombes_interval(a, n, b, m):
    found = unpaired_differences({"x": proportion(a, n)}, {"x": proportion(b, m)})["x"]
    assert found["value"] == pytest.approx(a / n - b / m)
    assert found["ci95"] == pytest.approx(confint_proportions_2indep(a, n, b, m, method="newcomb"), abs=1e-9)


def test_of_two_normal_means_it_is_the_usual_interval():
    z = norm.ppf(0.975)
    found = unpaired_differences({"x": figure(3, 3 - 2 * z, 3 + 2 * z)}, {"x": figure(1, 1 - z, 1 + z)})["x"]
    assert found["ci95"] == pytest.approx([2 - z * np.sqrt(5), 2 + z * np.sqrt(5)])


def test_it_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        a, b = random.binomial(60, 0.9), random.binomial(40, 0.7)
        low, high = unpaired_differences({"x": proportion(a, 60)}, {"x": proportion(b, 40)})["x"]["ci95"]
        covered += low <= 0.2 <= high
    assert 0.93 <= covered / 2000 <= 0.97


def test_turned_round_it_changes_its_sign():
    a, b = {"x": figure(0.9, 0.8, 0.95)}, {"x": figure(0.7, 0.5, 0.85)}
    there, back = unpaired_differences(a, b)["x"], unpaired_differences(b, a)["x"]
    assert there["value"] == -back["value"]
    assert there["ci95"] == pytest.approx([-back["ci95"][1], -back["ci95"][0]])


def test_what_is_undefined_stays_so():
    figures = {
        "x": figure(0.9, 0.8, 1.0),
        "y": {"value": None, "ci95": None},
        "z": {"value": 0.5, "ci95": None},
        "w": figure(1, 1, 1),
    }
    others = {"x": {"value": 0.8, "ci95": None}, "y": figure(0, 0, 0), "z": figure(0.25, 0, 1)}
    assert unpaired_differences(figures, others) == {
        "x": {"value": pytest.approx(0.1), "ci95": None},
        "z": {"value": 0.25, "ci95": None},
    }
