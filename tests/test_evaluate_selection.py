"""What choosing the best of many is worth: nothing where all are equal, what it is where one is better."""

import numpy as np
import pytest

from laudo.evaluate.selection import judge_selection


def accuracies(right: np.ndarray):
    """Scores of T candidates from their (n, T) right answers."""

    def scores(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return (weights @ right) / weights.sum(axis=1, keepdims=True)

    return scores


def test_the_best_of_many_guessers_guesses():
    """Of 40 that are right with chance 0.5 the best looks far better; corrected, they guess."""
    random = np.random.default_rng(0)
    best, corrected, optimism = [], [], []
    for draw in range(40):
        right = (random.random((80, 40)) < 0.5).astype(float)
        found = judge_selection(accuracies(right), np.arange(80), True, 300, draw)
        best.append(right.mean(axis=0).max())
        corrected.append(found.corrected)
        optimism.append(found.optimism)
    assert np.mean(best) > 0.6
    assert abs(np.mean(corrected) - 0.5) < 0.04
    assert np.mean(optimism) > 0.08


def test_a_clearly_better_one_owes_little_to_the_choice():
    random = np.random.default_rng(1)
    right = (random.random((300, 10)) < 0.5).astype(float)
    right[:, 3] = random.random(300) < 0.9
    found = judge_selection(accuracies(right), np.arange(300), True, 400, 0)
    assert found.chosen[3] == 1.0
    assert abs(found.optimism) < 0.01
    assert found.best == 3
    assert found.corrected == pytest.approx(right[:, 3].mean(), abs=0.01)
    assert found.ci95[0] < found.corrected < found.ci95[1]


def test_of_losses_the_smallest_is_best():
    random = np.random.default_rng(2)
    right = (random.random((100, 20)) < 0.5).astype(float)
    scores = accuracies(right)
    up = judge_selection(scores, np.arange(100), True, 200, 0)
    down = judge_selection(lambda weights: 1 - scores(weights), np.arange(100), False, 200, 0)
    assert down.corrected == pytest.approx(1 - up.corrected)
    assert down.optimism == pytest.approx(up.optimism)
    np.testing.assert_allclose(down.chosen, up.chosen)


def test_groups_stay_together():
    """Ten copies of each sample carry no more evidence: the optimism is that of the groups."""
    random = np.random.default_rng(3)
    right = (random.random((30, 20)) < 0.5).astype(float)
    once = judge_selection(accuracies(right), np.arange(30), True, 400, 0)
    copied = judge_selection(accuracies(np.repeat(right, 10, axis=0)), np.repeat(np.arange(30), 10), True, 400, 0)
    assert copied.optimism == pytest.approx(once.optimism)
    loose = judge_selection(accuracies(np.repeat(right, 10, axis=0)), np.arange(300), True, 400, 0)
    assert loose.optimism < 0.6 * copied.optimism


def test_one_group_can_not_judge():
    assert judge_selection(accuracies(np.ones((5, 3))), np.zeros(5, int), True, 50, 0) is None


def test_a_candidate_without_a_figure_is_never_the_best():
    right = np.ones((20, 3))
    right[:, 0] = np.nan
    found = judge_selection(accuracies(right), np.arange(20), True, 100, 0)
    assert found.chosen[0] == 0
    assert found.optimism == pytest.approx(0)
    assert found.best == 1
