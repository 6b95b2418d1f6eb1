"""The cut chosen on validation, against a search of every cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from laudo.evaluate.threshold import Threshold, choose_threshold


def test_the_cut_lies_midway_between_separated_classes():
    found = choose_threshold(np.array([0.1, 0.2, 0.3, 0.7]), np.array([0, 0, 1, 1]))
    assert found.value == pytest.approx(0.25)
    assert found.rule == "validation"


def test_of_equal_cuts_the_nearest_to_a_half_wins():
    # Cuts at 0.15 and at 0.45 both give balanced accuracy 3/4.
    found = choose_threshold(np.array([0.1, 0.2, 0.4, 0.5]), np.array([0, 1, 0, 1]))
    assert found.value == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("scores", "truth"),
    [
        ([0.2, 0.9], [1, 1]),
        ([0.2, 0.9], [0, 0]),
        ([0.4, 0.4, 0.4], [0, 1, 1]),
        ([0.1, 0.9], [1, 0]),
        ([0.3], [1]),
    ],
)
def test_half_when_validation_can_not_choose(scores, truth):
    assert choose_threshold(np.array(scores), np.array(truth)) == Threshold(0.5, "half")


def test_neighbouring_floats_are_still_parted():
    low = 0.3
    for _ in range(2):  # a midpoint rounds to the lower float once, to the upper one the next time
        high = np.nextafter(low, 1)
        cut = choose_threshold(np.array([low, high]), np.array([0, 1])).value
        assert low < cut <= high
        low = high


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), min_size=2, max_size=30),
)
@settings(max_examples=100, deadline=None)
def test_no_other_cut_is_better(pairs):
    scores, truth = np.array([score for score, _ in pairs]) / 12, np.array([label for _, label in pairs])
    found = choose_threshold(scores, truth)
    order = np.random.default_rng(0).permutation(len(truth))
    assert choose_threshold(scores[order], truth[order]) == found
    if len(set(truth)) == 1:
        assert found.rule == "half"
        return

    def merit(cut):
        return balanced_accuracy_score(truth, scores >= cut)

    best = max(merit(cut) for cut in np.arange(-1, 26) / 24 + 1 / 48)
    if found.rule == "half":
        assert best == pytest.approx(0.5)
    else:
        assert merit(found.value) == pytest.approx(best)
