"""Areas under ROC curves compared: against the formula written out pair by pair, a worked example, and the size under the null."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from laudo.evaluate.delong import area_test, areas, influences, mean_area_test, placements


def pair_by_pair(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas and covariances as DeLong, DeLong and Clarke-Pearson 1988 write them, one pair after the other."""
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)

    def psi(x: float, y: float) -> float:
        return 1.0 if y < x else 0.5 if y == x else 0.0

    v10 = [[sum(psi(one[i], one[j]) for j in down) / len(down) for i in up] for one in scores]
    v01 = [[sum(psi(one[i], one[j]) for i in up) / len(up) for j in down] for one in scores]
    area = [sum(own) / len(up) for own in v10]
    runs = range(len(scores))

    def s(v: list[list[float]], r: int, t: int) -> float:
        return sum((x - area[r]) * (y - area[t]) for x, y in zip(v[r], v[t], strict=True)) / (len(v[r]) - 1)

    covariance = [[s(v10, r, t) / len(up) + s(v01, r, t) / len(down) for t in runs] for r in runs]
    return np.array(area), np.array(covariance)


@st.composite
def rated(draw, most: int = 14):
    """Scores of two runs, with ties, and a truth of both kinds."""
    n = draw(st.integers(4, most))
    scores = [draw(st.lists(st.integers(0, 6), min_size=n, max_size=n)) for _ in range(2)]
    positive = [True, True, False, False, *draw(st.lists(st.booleans(), min_size=n - 4, max_size=n - 4))]
    return np.array(scores) / 6, np.array(positive)


@given(rated())
def test_it_is_the_formula_of_the_paper(case):
    scores, positive = case
    area, covariance = areas(scores, positive, np.arange(len(positive)))
    expected, expected_covariance = pair_by_pair(scores, positive)
    assert area == pytest.approx(expected)
    assert covariance == pytest.approx(expected_covariance, abs=1e-12)


@given(rated())
def test_the_area_is_that_of_scikit_learn_and_the_influences_add_up_to_nothing(case):
    scores, positive = case
    for one in scores:
        area, placed = placements(one, positive)
        assert area == pytest.approx(roc_auc_score(positive, one))
        assert placed[~positive].mean() == pytest.approx(area)
        assert influences(one, positive).sum() == pytest.approx(0, abs=1e-12)


@given(rated())
def test_changing_places_turns_the_difference(case):
    scores, positive = case
    groups = np.arange(len(positive)) // 2
    one, other = area_test(scores, positive, groups), area_test(scores[::-1], positive, groups)
    assert one.difference == pytest.approx(-other.difference)
    assert one.standard_error == pytest.approx(other.standard_error, abs=1e-9)
    same = area_test(scores[[0, 0]], positive, groups)
    assert (same.difference, same.p) == (0, 1)


def test_a_worked_example():
    """Three positives, three negatives. First run: 5 of 6 … by hand.

    a: positives 3, 2, 2; negatives 1, 2, 0. Placements of positives 1, 5/6, 5/6, of negatives 1, 2/3, 1: area 8/9.
    b: positives 1, 3, 2; negatives 2, 0, 0. Placements of positives 2/3, 1, 5/6, of negatives 1/2, 1, 1: area 5/6.
    """
    scores = np.array([[3, 2, 2, 1, 2, 0], [1, 3, 2, 2, 0, 0]], dtype=float)
    positive = np.array([True] * 3 + [False] * 3)
    area, covariance = areas(scores, positive, np.arange(6))
    assert area == pytest.approx([8 / 9, 5 / 6])
    # variances of placements: a 1/108 and 1/27, b 1/36 and 1/12; covariances (-1/72 … ) worked out below
    assert covariance[0, 0] == pytest.approx((1 / 108 + 1 / 27) / 3)
    assert covariance[1, 1] == pytest.approx((1 / 36 + 1 / 12) / 3)
    up = np.array([1 / 9, -1 / 18, -1 / 18]) @ np.array([-1 / 6, 1 / 6, 0]) / 2
    down = np.array([1 / 9, -2 / 9, 1 / 9]) @ np.array([-1 / 3, 1 / 6, 1 / 6]) / 2
    assert covariance[0, 1] == pytest.approx((up + down) / 3)


@settings(max_examples=30)
@given(rated())
def test_groups_of_one_image_are_no_groups_and_doubled_images_are(case):
    """Every image twice, the copies one group: for large numbers nothing has become surer."""
    scores, positive = case
    alone = areas(scores, positive, np.arange(len(positive)))[1]
    twice = areas(np.repeat(scores, 2, axis=1), np.repeat(positive, 2), np.repeat(np.arange(len(positive)), 2))[1]
    assert twice == pytest.approx(alone, abs=1e-12)


def test_of_two_classes_the_mean_over_both_is_the_area_itself():
    random = np.random.default_rng(0)
    positive = random.random(80) < 0.4
    scores = np.stack([1 / (1 + np.exp(-1.0 * positive - random.normal(0, 1, 80))) for _ in range(2)])
    both = np.stack([1 - scores, scores], axis=2)
    mean = mean_area_test(both, np.stack([~positive, positive], axis=1), np.arange(80))
    one = area_test(scores, positive, np.arange(80))
    assert mean.difference == pytest.approx(one.difference)
    assert mean.standard_error == pytest.approx(one.standard_error, rel=0.02)


def test_the_size_holds_and_a_difference_is_found():
    random = np.random.default_rng(1)
    none, some, alone, grouped = [], [], [], []
    groups = np.repeat(np.arange(60), 4)
    for _ in range(400):
        positive = random.random(150) < 0.4
        scores = (
            positive * np.array([[1.0], [1.0], [2.0]]) + random.normal(0, 0.7, 150) + random.normal(0, 0.7, (3, 150))
        )
        none.append(area_test(scores[:2], positive, np.arange(150)).p <= 0.05)
        some.append(area_test(scores[1:], positive, np.arange(150)).p <= 0.05)
        sick = np.repeat(random.random(60) < 0.5, 4)
        patient = np.repeat(random.normal(0, 1, (2, 60)), 4, axis=1)
        rated = sick + patient + random.normal(0, 0.2, (2, 240))
        alone.append(area_test(rated, sick, np.arange(240)).p <= 0.05)
        grouped.append(area_test(rated, sick, groups).p <= 0.05)
    assert 0.02 < np.mean(none) < 0.08
    assert np.mean(some) > 0.9
    assert 0.02 < np.mean(grouped) < 0.09
    assert np.mean(alone) > 0.2


def test_the_size_of_the_mean_over_classes_holds():
    random = np.random.default_rng(2)
    found = []
    for _ in range(300):
        truth = random.integers(0, 3, 120)
        positive = np.eye(3)[truth] > 0
        scores = positive * 1.0 + random.normal(0, 0.7, (120, 3)) + random.normal(0, 0.7, (2, 120, 3))
        found.append(mean_area_test(scores, positive, np.arange(120)).p <= 0.05)
    assert 0.02 < np.mean(found) < 0.08


def test_what_nothing_varies_in_has_no_p():
    scores = np.array([[0.9, 0.8, 0.1, 0.2], [0.1, 0.2, 0.9, 0.8]])
    found = area_test(scores, np.array([True, True, False, False]), np.arange(4))
    assert (found.difference, found.p) == (-1, None)
    single = areas(scores, np.array([True, True, False, False]), np.array([0, 0, 1, 2]))[1]
    assert np.isnan(single).all()
