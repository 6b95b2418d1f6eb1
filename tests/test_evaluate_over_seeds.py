"""Recipes trained several times: the difference counts seeds and cases, and keeps its size under the null."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from laudo.evaluate.intervals import group_weights
from laudo.evaluate.over_seeds import seeds_apart, seeds_paired, splits_paired
from laudo.evaluate.sides import Side, are_paired, common_seeds, sides_of

# the test ----------------------------------------------------------------------------------------------------


def resampled(values: np.ndarray, groups: np.ndarray, resamples: int = 150, seed: int = 0) -> np.ndarray:
    """(B, …) means of (…, n) values over resamples of the groups."""
    weights = np.concatenate(list(group_weights(groups, resamples, seed)))
    return np.moveaxis(values @ (weights / weights.sum(axis=1, keepdims=True)).T, -1, 0)


def trained(random, recipes=2, seeds=5, n=60, case=0.9, seed=0.25, both=0.4, gain=0.0) -> np.ndarray:
    """(recipes, seeds, n) scores: each recipe has cases that it finds easy, each training its luck, each pair its own."""
    of_case = random.normal(0, case, (recipes, 1, n)) + random.normal(0, 1, n)
    of_seed = random.normal(0, seed, (recipes, seeds, 1)) + random.normal(0, 0.1, (1, seeds, 1))
    found = of_case + of_seed + random.normal(0, both, (recipes, seeds, n))
    found[-1] += gain
    return found


def test_the_size_holds_where_both_cases_and_seeds_vary():
    """New cases and new trainings each time: five of a hundred. Cases alone, or seeds alone, claim far more."""
    random = np.random.default_rng(0)
    rejected = {"paired": [], "apart": [], "cases": [], "seeds": []}
    groups = np.arange(60)
    for repeat in range(400):
        scores = trained(random)
        points, draws = scores.mean(axis=2), resampled(scores, groups, seed=repeat)
        rejected["paired"].append(seeds_paired(points, draws, 60).p <= 0.05)
        apart = seeds_apart(points[0], points[1], draws[:, 0], draws[:, 1], 60)
        rejected["apart"].append(apart.p <= 0.05)
        rejected["cases"].append(stats.ttest_1samp((scores[1] - scores[0]).mean(axis=0), 0).pvalue <= 0.05)
        rejected["seeds"].append(stats.ttest_rel(points[1], points[0]).pvalue <= 0.05)
    share = {name: np.mean(found) for name, found in rejected.items()}
    assert 0.02 < share["paired"] < 0.085
    assert 0.015 < share["apart"] < 0.085
    assert share["cases"] > 0.1
    assert share["seeds"] > 0.1


def test_one_training_beside_many_keeps_its_size_too():
    random = np.random.default_rng(1)
    found = []
    for repeat in range(400):
        scores = trained(random, seeds=6)
        points, draws = scores.mean(axis=2), resampled(scores, np.arange(60), seed=repeat)
        found.append(seeds_apart(points[0, :1], points[1], draws[:, 0, :1], draws[:, 1], 60).p <= 0.05)
    assert 0.015 < np.mean(found) < 0.095


def test_the_interval_covers_and_a_difference_is_found():
    random = np.random.default_rng(2)
    hits, found = [], []
    for repeat in range(300):
        scores = trained(random, gain=0.6)
        test = seeds_paired(scores.mean(axis=2), resampled(scores, np.arange(60), seed=repeat), 60)
        hits.append(test.ci95[0] <= 0.6 <= test.ci95[1])
        found.append(test.p <= 0.05)
    assert 0.91 < np.mean(hits) < 0.985
    assert np.mean(found) > 0.6


def test_patients_with_several_images_are_counted_as_patients():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(30), 4)
    by_group, by_image = [], []
    for repeat in range(250):
        scores = trained(random, n=30, both=0.1, seed=0.05).repeat(4, axis=2)
        points = scores.mean(axis=2)
        by_group.append(seeds_paired(points, resampled(scores, groups, seed=repeat), 30).p <= 0.05)
        by_image.append(seeds_paired(points, resampled(scores, np.arange(120), seed=repeat), 120).p <= 0.05)
    assert 0.015 < np.mean(by_group) < 0.09
    assert np.mean(by_image) > 0.2


def test_without_chance_in_the_cases_it_is_the_paired_t_test():
    points = np.array([[0.80, 0.82, 0.79, 0.81], [0.83, 0.84, 0.84, 0.82]])
    still = np.tile(points, (50, 1, 1))
    found = seeds_paired(points, still, 40)
    expected = stats.ttest_rel(points[1], points[0])
    assert found.p == pytest.approx(expected.pvalue)
    assert found.df == pytest.approx(3)
    assert found.of_seeds == 1
    assert found.ci95 == pytest.approx(tuple(expected.confidence_interval(0.95)))
    apart = seeds_apart(points[0], points[1], still[:, 0], still[:, 1], 40)
    welch = stats.ttest_ind(points[1], points[0], equal_var=False)
    assert (apart.p, apart.df) == (pytest.approx(welch.pvalue), pytest.approx(welch.df))


def test_the_variance_worked_by_hand():
    """Two seeds: their differences 0.1 and 0.3 have the variance 0.02; in resamples they share the covariance 0.004."""
    points = np.array([[0.5, 0.5], [0.6, 0.8]])
    random = np.random.default_rng(0)
    moved = np.linalg.cholesky(np.array([[0.01, 0.004], [0.004, 0.01]])) @ random.normal(0, 1, (2, 4000))
    whitened = np.linalg.cholesky(np.linalg.inv(np.cov(moved))).T @ moved
    moved = np.linalg.cholesky(np.array([[0.01, 0.004], [0.004, 0.01]])) @ whitened
    draws = np.zeros((4000, 2, 2))
    draws[:, 1] = moved.T
    found = seeds_paired(points, draws, 41)
    shared = np.cov(moved)[0, 1] * 41 / 40
    assert found.standard_error == pytest.approx(np.sqrt(0.02 / 2 + shared))
    assert found.of_seeds == pytest.approx(0.01 / (0.01 + shared))
    assert found.df == pytest.approx((0.01 + shared) ** 2 / (0.01**2 / 1 + shared**2 / 40))


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(2, 5))
def test_changing_places_turns_the_difference(number, one, other):
    random = np.random.default_rng(number)
    a, b = random.random(one), random.random(other)
    draws_a, draws_b = random.random((60, one)), random.random((60, other))
    found, back = seeds_apart(a, b, draws_a, draws_b, 30), seeds_apart(b, a, draws_b, draws_a, 30)
    assert found.value == pytest.approx(-back.value)
    assert found.p == pytest.approx(back.p)
    assert found.ci95 == pytest.approx((-back.ci95[1], -back.ci95[0]))
    assert (found.p <= 0.05) == (not found.ci95[0] <= 0 <= found.ci95[1])


def test_recipes_that_never_differ_have_p_one_and_no_spread():
    points = np.tile([0.7, 0.8, 0.75], (2, 1))
    draws = np.random.default_rng(0).random((60, 1, 3)).repeat(2, axis=1)
    found = seeds_paired(points, draws, 30)
    assert (found.value, found.p, found.ci95) == (0, 1, (0, 0))


def test_what_is_not_defined_has_no_interval():
    points = np.array([[0.7, np.nan], [0.8, 0.9]])
    found = seeds_paired(points, np.full((60, 2, 2), np.nan), 30)
    assert (found.p, found.ci95) == (None, None)


# splits of their own -----------------------------------------------------------------------------------------


def test_splits_worked_by_hand():
    """Differences 0.01, 0.03, 0.05 have the variance 0.0004; with one case that judges to four that train: (1/3 + 1/4) of it."""
    found = splits_paired(np.array([0.01, 0.03, 0.05]), 0.25)
    assert found.standard_error == pytest.approx(np.sqrt((1 / 3 + 1 / 4) * 0.0004))
    assert found.df == 2
    assert found.p == pytest.approx(2 * stats.t.sf(0.03 / found.standard_error, 2))


def test_splits_that_overlap_are_no_independent_repetitions():
    """Two features that tell as much as each other, on a new data set each time, ten random splits of it."""
    random = np.random.default_rng(4)
    corrected, naive = [], []
    for _ in range(250):
        label = random.random(100) < 0.5
        features = label[:, None] * 1.0 + random.normal(0, 1, (100, 2))
        differences = []
        for _split in range(10):
            order = random.permutation(100)
            judge, train = order[:20], order[20:]
            cut = (features[train][label[train]].mean(axis=0) + features[train][~label[train]].mean(axis=0)) / 2
            right = ((features[judge] > cut) == label[judge][:, None]).mean(axis=0)
            differences.append(right[1] - right[0])
        values = np.array(differences)
        corrected.append(splits_paired(values, 0.25).p <= 0.05)
        naive.append(stats.ttest_1samp(values, 0).pvalue <= 0.05)
    assert np.mean(naive) > 0.2
    assert np.mean(corrected) < 0.12


# sides -------------------------------------------------------------------------------------------------------


def test_runs_of_one_recipe_are_one_side():
    names = ["ce-seed-0", "dice-seed-0", "ce-seed-1", "dice-seed-1", "third"]
    sides = sides_of(names, ["a", "b", "a", "b", "c"], [(0, 0), (0, 0), (1, 0), (1, 0), (0, 0)])
    assert [(side.name, side.runs) for side in sides] == [("ce", (0, 2)), ("dice", (1, 3)), ("third", (4,))]
    assert sides[1].run_of((1, 0)) == 3
    assert are_paired(sides[0], sides[1])
    assert not are_paired(sides[0], sides[2])


def test_seeds_that_only_one_side_has_are_no_pairs():
    a, b = Side("a", (0, 1, 2), ((0, 0), (1, 0), (1, 1))), Side("b", (3, 4, 5), ((0, 0), (1, 0), (2, 0)))
    assert common_seeds(a, b) == ((0, 0), (1, 0))
    assert not are_paired(a, b)
    twice = Side("c", (6, 7), ((0, 0), (0, 0)))
    assert common_seeds(a, twice) == ()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((["unet/seed-1", "unet/seed-2"], ["other/seed-1", "other/seed-2"]), ["unet", "other"]),
        ((["fig10", "fig11"], ["figs"]), ["fig", "figs"]),
        ((["1", "2"], ["3", "4"]), ["1 …", "3 …"]),
        ((["ce_s0", "ce_s1"], ["bs0", "bs1"]), ["ce", "bs"]),
    ],
)
def test_sides_are_called_by_what_their_runs_names_begin_with(names, expected):
    flat = [name for group in names for name in group]
    recipes = [number for number, group in enumerate(names) for _name in group]
    sides = sides_of(flat, recipes, [(number, 0) for number in range(len(flat))])
    assert [side.name for side in sides] == expected
