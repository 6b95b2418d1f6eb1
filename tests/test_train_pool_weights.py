"""Weights of a logarithmic opinion pool: the lowest log-loss, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.networks.pooled import pooled
from laudo.train.pool_weights import MOST, pool_weights


def sides(seed: int, n: int = 300, classes: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A good side, one that guesses, and the truth."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    scores = rng.normal(0, 1, (n, classes)) + 1.5 * np.eye(classes)[truth]
    guesses = rng.dirichlet(np.ones(classes), n)
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True), guesses, truth


def loss(answers: list[np.ndarray], weights: tuple[float, ...], truth: np.ndarray) -> float:
    return float(-np.log(pooled(answers, weights)[np.arange(len(truth)), truth]).mean())


def test_no_point_of_a_fine_grid_is_better():
    good, guesses, truth = sides(0)
    answers = [good, 0.5 * good + 0.5 * guesses]
    found = loss(answers, pool_weights(answers, truth), truth)
    grid = np.linspace(0, 3, 31)
    assert found <= min(loss(answers, (a, b), truth) for a in grid for b in grid) + 1e-6


def test_a_side_that_guesses_counts_for_next_to_nothing():
    good, guesses, truth = sides(1, n=2000)
    weights = pool_weights([good, guesses], truth)
    assert weights[0] > 0.8
    assert weights[1] < 0.1


def test_with_few_samples_that_are_all_right_no_weight_runs_away():
    sure = np.array([[0.9, 0.1], [0.1, 0.9]])
    weights = pool_weights([sure, sure], np.array([0, 1]))
    assert all(0 <= weight <= MOST for weight in weights)


def test_a_class_that_one_side_has_never_seen_is_not_ruled_out():
    never, sees = np.array([[1.0, 0.0]]), np.array([[0.001, 0.999]])
    assert pooled([never, sees], (0.2, 2.0))[0].argmax() == 1


@given(st.integers(0, 1000), st.floats(0, 4), st.floats(0, 4))
def test_the_pool_is_the_product_of_powers(seed, first, second):
    good, guesses, _truth = sides(seed, n=5)
    found = pooled([good, guesses], (first, second))
    by_hand = np.maximum(good, 1e-4) ** first * np.maximum(guesses, 1e-4) ** second
    np.testing.assert_allclose(found, by_hand / by_hand.sum(1, keepdims=True), rtol=1e-9)


def test_without_samples_nothing_is_chosen():
    with pytest.raises(ValueError, match="samples"):
        pool_weights([np.zeros((0, 2))], np.zeros(0, int))
