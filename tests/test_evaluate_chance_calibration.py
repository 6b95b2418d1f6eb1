"""The calibration error by chance: what simulated perfect models show, and a test that keeps its size."""

import numpy as np
import pytest

from laudo.evaluate.calibration import ece_of_perfect, equal_mass_bins, weighted_ece
from laudo.evaluate.chance_calibration import calibrated_by_chance


def error_of(confidence, hit, bins):
    return weighted_ece(confidence, hit, bins, np.ones((1, len(bins))))[0]


def perfect(n, seed):
    random = np.random.default_rng(seed)
    confidence = random.beta(0.7, 0.7, n)
    return confidence, (random.random(n) < confidence).astype(float)


def test_it_agrees_with_the_normal_approximation():
    confidence, hit = perfect(400, 0)
    bins = equal_mass_bins(confidence)
    found = calibrated_by_chance(confidence, bins, np.arange(400), error_of(confidence, hit, bins))
    assert found.mean == pytest.approx(ece_of_perfect(confidence, bins), rel=0.05)
    low, high = found.ends
    assert low < found.mean < high
    assert found.simulations == 1000


def test_a_bin_by_hand():
    """Two cases of one half in one bin: the error is 0 or one half, each in half of all models."""
    found = calibrated_by_chance(np.full(2, 0.5), np.zeros(2, int), np.arange(2), 0.5)
    assert found.mean == pytest.approx(0.25, abs=0.03)
    assert found.p_value == pytest.approx(0.5, abs=0.06)
    together = calibrated_by_chance(np.full(2, 0.5), np.zeros(2, int), np.zeros(2, int), 0.5)
    assert together.mean == pytest.approx(0.5), "copies come true together"
    assert together.p_value == 1


def test_the_test_keeps_its_size_and_sees_a_model_that_is_too_sure():
    refused = found_out = 0
    for seed in range(200):
        confidence, hit = perfect(200, seed)
        bins = equal_mass_bins(confidence)
        groups = np.arange(200)
        seen = error_of(confidence, hit, bins)
        refused += calibrated_by_chance(confidence, bins, groups, seen, seed).p_value < 0.05
        odds = (confidence / (1 - confidence)) ** 3
        sure = odds / (1 + odds)
        bins = equal_mass_bins(sure)
        found_out += calibrated_by_chance(sure, bins, groups, error_of(sure, hit, bins), seed).p_value < 0.05
    assert refused <= 20, "5 % of 200, and three standard errors"
    assert found_out >= 150


def test_the_bias_lies_where_it_is_said_to_lie():
    """Of models that are off by a known error, the mean error seen is above the true one by no more than the chance error."""
    true, seen, chance = 0.1, [], []
    for seed in range(200):
        random = np.random.default_rng(seed)
        confidence = random.uniform(0.2, 0.8, 150)
        hit = (random.random(150) < confidence + true).astype(float)
        bins = equal_mass_bins(confidence)
        seen.append(error_of(confidence, hit, bins))
        chance.append(calibrated_by_chance(confidence, bins, np.arange(150), seen[-1], seed).mean)
    assert true <= np.mean(seen) <= true + np.mean(chance)
