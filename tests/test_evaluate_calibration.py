"""Reliability bins, Wilson's interval and the calibration error."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from laudo.evaluate.calibration import ece_of_perfect, equal_mass_bins, reliability, weighted_ece, wilson


def test_bins_have_equal_mass():
    bins = equal_mass_bins(np.random.default_rng(0).random(1000))
    assert np.bincount(bins).tolist() == [100] * 10


@pytest.mark.parametrize(("n", "expected"), [(1, 1), (9, 1), (19, 1), (20, 2), (55, 5), (99, 9), (500, 10)])
def test_few_samples_have_few_bins(n, expected):
    assert equal_mass_bins(np.linspace(0, 1, n)).max() + 1 == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([25, 5, 5, 5], [25, 15]), ([12, 8, 9, 7, 9], [12, 17, 16]), ([95, 5], [100]), ([15, 5, 3], [23])],
)
def test_a_large_tie_leaves_no_small_bins(counts, expected):
    confidence = np.repeat(np.arange(len(counts)) / 10, counts)
    assert np.bincount(equal_mass_bins(confidence)).tolist() == expected


@given(st.lists(st.integers(0, 8), min_size=1, max_size=150))
@settings(max_examples=80, deadline=None)
def test_bins_keep_ties_together_and_are_large_enough(values):
    confidence = np.array(values) / 8
    bins = equal_mass_bins(confidence)
    counts = np.bincount(bins)
    assert len(counts) <= 10
    assert len(counts) == 1 or counts.min() >= 10
    for value in set(values):
        assert len(set(bins[confidence == value / 8])) == 1
    order = np.argsort(confidence, kind="stable")
    assert (np.diff(bins[order]) >= 0).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (47, 120)])
def test_wilson_agrees_with_scipy(hits, n):
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_reliability_by_hand():
    confidence = np.array([0.2] * 10 + [0.8] * 10)
    hit = np.array([1.0] * 3 + [0.0] * 7 + [1.0] * 6 + [0.0] * 4)
    bins = equal_mass_bins(confidence)
    low, high = reliability(confidence, hit, bins, np.repeat(np.arange(10), 2))
    assert (low.confidence, low.observed, low.n) == pytest.approx((0.2, 0.3, 10))
    assert (high.confidence, high.observed, high.n) == pytest.approx((0.8, 0.6, 10))
    assert high.ci95 == pytest.approx(wilson(0.6, 5))  # five groups, not ten images
    error = weighted_ece(confidence, hit, bins, np.ones((1, 20)))[0]
    assert error == pytest.approx((0.1 + 0.2) / 2)
    only_high = np.where(confidence > 0.5, 1.0, 0.0)[None, :]
    assert weighted_ece(confidence, hit, bins, only_high)[0] == pytest.approx(0.2)


def test_chance_error_is_what_simulated_perfect_models_show():
    random = np.random.default_rng(0)
    confidence = random.random(300)
    bins = equal_mass_bins(confidence)
    shown = [
        weighted_ece(confidence, (random.random(300) < confidence).astype(float), bins, np.ones((1, 300)))[0]
        for _ in range(400)
    ]
    assert ece_of_perfect(confidence, bins) == pytest.approx(np.mean(shown), rel=0.05)
