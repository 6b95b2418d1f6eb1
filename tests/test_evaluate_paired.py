"""Runs compared case by case: the test, the intervals, the effect sizes, and what the verdict dares to say."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from laudo.core.errors import DataError
from laudo.core.mask_scores import MASK_METRICS, MaskScores
from laudo.evaluate.compare import compare_masks
from laudo.evaluate.holm import holm
from laudo.evaluate.mask_table import COMPARED, LOWER_IS_BETTER
from laudo.evaluate.paired_verdict import verdict
from laudo.evaluate.same_cases import same_cases
from laudo.evaluate.signed_rank import EXACT_UP_TO, cohens_dz, detectable, signed_rank, smallest_p

# the test ----------------------------------------------------------------------------------------------------


def p_by_enumeration(differences: list[float]) -> float:
    """All assignments of signs to the ranks, one by one."""
    moved = [one for one in differences if one != 0]
    ranks = [
        sum(abs(other) < abs(one) for other in moved) + (sum(abs(other) == abs(one) for other in moved) + 1) / 2
        for one in moved
    ]
    seen = sum(rank for rank, one in zip(ranks, moved, strict=True) if one > 0)
    middle = sum(ranks) / 2
    sums = [
        sum(r for r, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=len(ranks))
    ]
    return sum(abs(one - middle) >= abs(seen - middle) for one in sums) / len(sums)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_exact_p_is_that_of_all_signs_ties_and_zeros_included(whole):
    differences = [one / 7 for one in whole]
    found = signed_rank(np.array(differences))
    assert found.p == pytest.approx(p_by_enumeration(differences))
    assert found.zeros == whole.count(0)
    assert found.method == "exact"


@pytest.mark.parametrize("n", [6, 25, EXACT_UP_TO])
def test_exact_p_is_that_of_scipy(n):
    differences = np.random.default_rng(n).normal(0.3, 1, n)
    assert signed_rank(differences).p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_the_normal_distribution_takes_over_without_a_step():
    differences = np.random.default_rng(3).normal(0.25, 1, EXACT_UP_TO + 1)
    found = signed_rank(differences)
    assert found.method == "normal"
    assert found.p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, rel=0.03)


def test_rank_biserial_worked_by_hand():
    """Ranks of 1, -2, 3, -3, 5 are 1, 2, 3.5, 3.5, 5: positive 9.5, negative 5.5, of 15."""
    found = signed_rank(np.array([1.0, -2.0, 3.0, -3.0, 5.0, 0.0]))
    assert found.rank_biserial == pytest.approx((9.5 - 5.5) / 15)
    assert found.zeros == 1
    assert signed_rank(-np.arange(1.0, 5)).rank_biserial == -1


def test_equal_amounts_are_ties_whatever_the_last_bits_say():
    """0.8 - 0.7 and 0.3 - 0.2 differ in the last bits."""
    assert 0.8 - 0.7 != 0.3 - 0.2
    assert signed_rank(np.array([0.8 - 0.7, 0.2 - 0.3])).p == 1
    assert signed_rank(np.array([1e-14, 0.5])).zeros == 1


def test_nothing_moved():
    found = signed_rank(np.zeros(7))
    assert (found.p, found.rank_biserial, found.zeros) == (1.0, 0.0, 7)
    assert cohens_dz(np.zeros(7)) == 0
    assert detectable(np.zeros(7)) is None


@pytest.mark.parametrize("differences", [[], [0.1, np.nan]])
def test_without_numbers_there_is_no_test(differences):
    with pytest.raises(ValueError, match="finite"):
        signed_rank(np.array(differences))


def test_smallest_p_is_reached_by_one_sign():
    for n in range(1, 12):
        assert signed_rank(np.arange(1.0, n + 1)).p == pytest.approx(smallest_p(n))


def test_dz_is_the_mean_in_standard_deviations():
    assert cohens_dz(np.array([1.0, 2.0, 3.0])) == pytest.approx(2.0)
    assert cohens_dz(np.array([0.5])) is None
    assert cohens_dz(np.array([0.5, 0.5])) is None


def test_a_detectable_difference_is_found_in_four_of_five_samples():
    random = np.random.default_rng(0)
    least = np.mean([detectable(random.normal(0, 1, 40)) for _ in range(200)])
    found = [stats.ttest_1samp(random.normal(least, 1, 40), 0).pvalue < 0.05 for _ in range(1500)]
    assert 0.76 < np.mean(found) < 0.84
    assert detectable(random.normal(0, 1, 40), tests=6) > 1.1 * detectable(random.normal(0, 1, 40))


def test_holm_worked_by_hand():
    """Sorted 0.01, 0.02, 0.03, 0.04: times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.04, and no later one is smaller."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


# cases -------------------------------------------------------------------------------------------------------


def make(
    values: np.ndarray,
    metric: str = "dice",
    groups: list[str] | None = None,
    names: tuple[str, ...] | None = None,
    **others: np.ndarray,
) -> MaskScores:
    """Scores of which one metric is given, (n, S); all else is 1, volumes too."""
    values = np.asarray(values, dtype=float)
    values = values[:, None] if values.ndim == 1 else values
    n, count = values.shape
    names = names or tuple(f"s{place}" for place in range(count))
    table = pd.DataFrame(
        {
            "sample": [f"case-{row}" for row in range(n)],
            "patient": "",
            "group": groups or [f"g{row}" for row in range(n)],
            "label": "",
            "image": "",
            "mask": "",
        }
    )
    given_values = {metric: values, **others}
    columns = {
        f"{name}:{structure}": given_values[name][:, place] if name in given_values else np.ones(n)
        for place, structure in enumerate(names)
        for name in MASK_METRICS
    }
    return MaskScores(pd.concat([table, pd.DataFrame(columns)], axis=1), names)


def compared(*values: np.ndarray, **settings) -> dict:
    made = [make(one, **settings) for one in values]
    return compare_masks(same_cases([f"run{number}" for number in range(len(made))], made), bootstrap=400)


def test_worked_by_hand():
    a = np.array([[0.5, 0.8], [0.6, 0.8], [0.7, 0.8], [0.8, 0.8]])
    b = np.array([[0.6, 0.8], [0.5, 0.8], [0.9, 0.8], [0.8, 0.9]])
    found = compared(a, b)
    pair = found["pairs"][0]
    dice = pair["metrics"]["dice"]
    first, second = dice["per_structure"]["s0"], dice["per_structure"]["s1"]
    assert found["values"]["dice"]["mean"][0]["value"] == pytest.approx((0.65 + 0.8) / 2)
    assert first["value"] == pytest.approx(0.05)
    assert (first["better"], first["equal"], first["worse"]) == (2, 1, 1)
    # 0.1, -0.1, 0.2: ranks 1.5, 1.5, 3
    assert first["rank_biserial"] == pytest.approx((1.5 + 3 - 1.5) / 6)
    assert first["dz"] == pytest.approx(0.05 / np.std([0.1, -0.1, 0.2, 0.0], ddof=1))
    assert (first["zeros"], second["zeros"]) == (1, 3)
    assert dice["mean"]["value"] == pytest.approx((0.05 + 0.025) / 2)
    assert dice["mean"]["n"] == 4
    assert found["family"] == {"metric": "dice", "tests": 3, "method": "holm"}
    raw = [dice["mean"]["p"], first["p"], second["p"]]
    assert [dice["mean"]["p_holm"], first["p_holm"], second["p_holm"]] == holm(raw)


def test_the_difference_is_the_later_run_minus_the_earlier_and_turns_with_them():
    random = np.random.default_rng(0)
    a, b = random.random((12, 2)), random.random((12, 2))
    one, other = compared(a, b)["pairs"][0]["metrics"], compared(b, a)["pairs"][0]["metrics"]
    for name in ("value", "rank_biserial", "dz"):
        assert one["dice"]["mean"][name] == pytest.approx(-other["dice"]["mean"][name])
    assert one["dice"]["mean"]["ci95"] == pytest.approx([-end for end in other["dice"]["mean"]["ci95"]][::-1])
    assert one["dice"]["mean"]["p"] == other["dice"]["mean"]["p"]
    assert one["dice"]["mean"]["better"] == other["dice"]["mean"]["worse"]


@pytest.mark.parametrize("metric", COMPARED)
def test_better_is_lower_for_distances(metric):
    found = compared(np.full(5, 0.4), np.linspace(0.5, 0.9, 5), metric=metric)
    cell = found["pairs"][0]["metrics"][metric]["mean"]
    assert cell["value"] > 0
    assert cell["better"] == (0 if metric in LOWER_IS_BETTER else 5)
    assert cell["worse"] == (5 if metric in LOWER_IS_BETTER else 0)


def test_cases_of_a_group_are_one_difference():
    """Eight cases of four patients: four differences, each the mean of two."""
    groups = [f"p{row // 2}" for row in range(8)]
    a = np.full(8, 0.5)
    b = a + np.array([0.2, -0.1, 0.1, 0.1, 0.0, 0.3, -0.2, 0.2])
    found = compared(a, b, groups=groups)
    cell = found["pairs"][0]["metrics"]["dice"]["mean"]
    assert (cell["n"], cell["groups"], found["groups"]) == (8, 4, 4)
    assert cell["zeros"] == 1
    assert cell["p"] == pytest.approx(p_by_enumeration([0.05, 0.1, 0.15, 0.0]))
    assert cell["worse"] == 2


def test_the_size_of_the_test_holds_when_cases_of_a_patient_are_alike():
    """Under the null, five of a hundred; by case it would be far more."""
    random = np.random.default_rng(5)
    by_group, by_case = [], []
    for _ in range(400):
        differences = np.repeat(random.normal(0, 1, 15), 6) + random.normal(0, 0.3, 90)
        by_group.append(signed_rank(differences.reshape(15, 6).mean(axis=1)).p <= 0.05)
        by_case.append(signed_rank(differences).p <= 0.05)
    assert 0.02 < np.mean(by_group) < 0.08
    assert np.mean(by_case) > 0.2


def test_intervals_cover_the_true_difference():
    random = np.random.default_rng(1)
    groups = [f"g{row // 2}" for row in range(60)]
    hits = 0
    for _ in range(120):
        base = random.normal(0.7, 0.1, 60)
        shared = np.repeat(random.normal(0, 0.03, 30), 2)
        pair = [make(one, groups=groups) for one in (base, base + 0.02 + shared + random.normal(0, 0.01, 60))]
        found = compare_masks(same_cases(["a", "b"], pair), ["dice"], bootstrap=400)
        ends = found["pairs"][0]["metrics"]["dice"]["mean"]["ci95"]
        hits += ends[0] <= 0.02 <= ends[1]
    assert 0.88 <= hits / 120 <= 0.99


def test_what_one_run_leaves_rightly_empty_and_the_other_invents():
    """The empty one counts as 1, the invented one as 0; where both are right nothing changes."""
    true = np.array([[0.0], [0.0], [5.0]])
    a = make([np.nan, np.nan, 0.8], true_volume_mm3=true, volume_mm3=true)
    b = make([0.0, np.nan, 0.8], true_volume_mm3=true, volume_mm3=np.array([[3.0], [0.0], [5.0]]))
    found = compare_masks(same_cases(["a", "b"], [a, b]), bootstrap=100)
    cell = found["pairs"][0]["metrics"]["dice"]["mean"]
    assert (cell["n"], cell["better"], cell["equal"], cell["worse"]) == (3, 0, 2, 1)
    assert cell["value"] == pytest.approx(-1 / 3)
    note = next(one for one in found["notes"] if one["id"] == "rightly_empty")
    assert note["n"] == [2, 1]


def test_a_case_without_a_value_in_one_run_counts_in_none():
    values = np.array([[0.9], [0.5], [0.7]])
    holes = np.array([[0.8], [np.nan], [0.8]])
    cell = compared(values, holes, metric="sensitivity")["pairs"][0]["metrics"]["sensitivity"]["mean"]
    assert cell["n"] == 2
    assert cell["value"] == pytest.approx(0.0)


def test_a_structure_that_no_case_has_is_left_out_of_the_mean():
    nothing = np.column_stack([np.full(6, 5.0), np.zeros(6)])
    a = make(
        np.column_stack([np.linspace(0.4, 0.9, 6), np.full(6, np.nan)]), true_volume_mm3=nothing, volume_mm3=nothing
    )
    found = compare_masks(same_cases(["a", "b"], [a, a]), bootstrap=100)
    assert found["structures"] == ["s0"]
    assert found["values"]["dice"]["mean"][0]["value"] == pytest.approx(0.65)
    assert found["family"]["tests"] == 1
    assert {"id": "structure_absent", "classes": ["s1"]} in found["notes"]


def test_of_one_structure_the_mean_is_the_same_test():
    random = np.random.default_rng(2)
    found = compared(random.random(15), random.random(15))
    dice = found["pairs"][0]["metrics"]["dice"]
    assert dice["mean"] == dice["per_structure"]["s0"]
    assert dice["mean"]["p_holm"] == dice["mean"]["p"]


def test_three_runs_are_three_pairs_of_one_family():
    random = np.random.default_rng(3)
    found = compared(*(random.random((25, 2)) for _ in range(3)))
    assert [(pair["a"], pair["b"]) for pair in found["pairs"]] == [(0, 1), (0, 2), (1, 2)]
    assert found["family"]["tests"] == 9
    assert len(found["values"]["dice"]["mean"]) == 3
    assert not any(note["id"] == "few_groups" for note in found["notes"])


def test_the_same_seed_gives_the_same_intervals_whatever_the_order_of_rows():
    random = np.random.default_rng(4)
    a, b = make(random.random((20, 2))), make(random.random((20, 2)))
    turned = MaskScores(a.table.iloc[::-1].reset_index(drop=True), a.structures)
    assert compare_masks(same_cases(["a", "b"], [a, b])) == compare_masks(same_cases(["a", "b"], [turned, b]))


# the verdict -------------------------------------------------------------------------------------------------


def kind(a: np.ndarray, b: np.ndarray, **settings) -> str:
    return compared(a, b, **settings)["pairs"][0]["verdict"]["kind"]


def test_a_verdict_never_says_more_than_the_data():
    random = np.random.default_rng(7)
    base = random.normal(0.8, 0.05, 40)
    assert kind(base, base) == "identical"
    assert kind(base, base + random.normal(0.02, 0.01, 40)) == "shown"
    assert kind(base, base + random.normal(0, 0.02, 40)) == "not_shown"
    assert kind(base[:5], base[:5] + 0.1 + random.normal(0, 0.01, 5)) == "too_few"
    assert kind(base[:6], base[:6] + 0.1 + random.normal(0, 0.01, 6)) == "shown"
    hole = np.full(6, np.nan)
    assert kind(hole, hole) == "undefined"


def test_with_more_structures_more_cases_are_needed():
    """Six cases give 1/32 at best, which three tests make 0.09."""
    base = np.random.default_rng(8).normal(0.8, 0.05, (6, 2))
    found = compared(base, base + 0.1 + 0.01 * base)["pairs"][0]["verdict"]
    assert found["kind"] == "too_few"
    assert found["smallest_p"] == pytest.approx(3 / 32)


def test_few_cases_that_gain_a_lot_are_no_proof():
    """Most lose a little and some gain much: the mean rises, the ranks fall."""
    a = np.full(30, 0.5)
    b = a + np.concatenate([np.full(24, -0.01) - np.arange(24) * 1e-4, 0.4 + np.arange(6) * 1e-3])
    assert kind(a, b) == "divided"


CELL = {
    "value": 0.1,
    "ci95": [0.05, 0.15],
    "p": 0.01,
    "p_holm": 0.01,
    "n": 30,
    "groups": 30,
    "equal": 0,
    "rank_biserial": 0.5,
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "shown"),
        ({"p_holm": 0.06}, "divided"),
        ({"ci95": [-0.01, 0.2]}, "divided"),
        ({"ci95": [0.0, 0.2]}, "divided"),
        ({"ci95": None}, "divided"),
        ({"rank_biserial": -0.2}, "divided"),
        ({"p_holm": 0.06, "ci95": [-0.01, 0.2]}, "not_shown"),
        ({"p_holm": 0.05}, "shown"),
        ({"equal": 30}, "identical"),
        ({"value": None}, "undefined"),
    ],
)
def test_both_must_say_so(change, expected):
    assert verdict({**CELL, **change}, "dice", 1, 1e-6, 0.02)["kind"] == expected


# the same cases ----------------------------------------------------------------------------------------------


def rows(scores: MaskScores, chosen: slice) -> MaskScores:
    return MaskScores(scores.table.iloc[chosen].reset_index(drop=True), scores.structures)


def test_other_cases_are_refused_and_the_overlap_is_said():
    scores = make(np.linspace(0, 1, 6))
    with pytest.raises(DataError) as caught:
        same_cases(["a", "b"], [rows(scores, slice(0, 5)), rows(scores, slice(2, 6))])
    assert caught.value.found == "a: 5, b: 4; in common: 3"
    assert "--shared" in caught.value.cure


def test_shared_cases_are_compared_when_asked():
    scores = make(np.linspace(0, 1, 6))
    found = same_cases(["a", "b"], [rows(scores, slice(0, 5)), rows(scores, slice(2, 6))], shared=True)
    assert found.samples == ["case-2", "case-3", "case-4"]
    assert found.left_out == (2, 1)
    assert found.scores[1].matrix("dice")[:, 0] == pytest.approx([0.4, 0.6, 0.8])


def test_nothing_shared_is_refused_even_when_asked():
    scores = make(np.linspace(0, 1, 6))
    with pytest.raises(DataError) as caught:
        same_cases(["a", "b"], [rows(scores, slice(0, 3)), rows(scores, slice(3, 6))], shared=True)
    assert caught.value.cure is None


def test_other_structures_are_refused_but_not_another_order():
    values = np.column_stack([np.linspace(0, 1, 4), np.linspace(1, 2, 4)])
    a, b = make(values, names=("x", "y")), make(values[:, ::-1], names=("y", "x"))
    assert (same_cases(["a", "b"], [a, b]).scores[1].matrix("dice") == values).all()
    with pytest.raises(DataError, match="structures"):
        same_cases(["a", "b"], [a, make(values, names=("x", "z"))])


def test_another_truth_is_refused():
    a = make(np.ones(4))
    b = make(np.ones(4), true_volume_mm3=np.array([[1.0], [1.0], [1.01], [1.0]]))
    with pytest.raises(DataError, match="same truth") as caught:
        same_cases(["a", "b"], [a, b])
    assert "case-2" in caught.value.details[0]
    c = make(np.ones(4), true_volume_mm3=np.full((4, 1), 1 + 1e-9))
    assert len(same_cases(["a", "c"], [a, c])) == 4


def test_a_case_that_stands_twice_is_refused():
    scores = make(np.ones(3))
    double = MaskScores(pd.concat([scores.table, scores.table.iloc[:1]], ignore_index=True), scores.structures)
    with pytest.raises(DataError, match="twice"):
        same_cases(["a", "b"], [scores, double])


def test_groups_that_either_run_keeps_together_stay_together():
    values = np.linspace(0, 1, 6)
    a = make(values, groups=["1", "1", "2", "3", "4", ""])
    b = make(values, groups=["x", "y", "y", "z", "w", ""])
    found = same_cases(["a", "b"], [a, b])
    assert found.groups_differ
    assert len(set(found.groups[:3])) == 1
    assert len(set(found.groups)) == 4
    assert sorted(set(found.groups)) == list(range(4))
    assert found.unknown_groups == 1
    renamed = same_cases(["a", "c"], [a, make(values, groups=["p", "p", "q", "r", "s", ""])])
    assert not renamed.groups_differ
    assert len(set(renamed.groups)) == 5
