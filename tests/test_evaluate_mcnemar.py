"""McNemar's test and its like by groups: against statsmodels, against enumeration, and their size under the null."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as of_statsmodels

from laudo.evaluate import mcnemar as module
from laudo.evaluate.mcnemar import exchange, mcnemar

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def split(pairs) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(pairs, dtype=bool)
    return table[:, 0], table[:, 1]


def from_counts(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    return split([(1, 1)] * both + [(1, 0)] * only_a + [(0, 1)] * only_b + [(0, 0)] * neither)


@given(answers)
def test_p_is_that_of_statsmodels(pairs):
    a, b = split(pairs)
    table = [[int((a & b).sum()), int((a & ~b).sum())], [int((~a & b).sum()), int((~a & ~b).sum())]]
    expected = of_statsmodels(table, exact=True).pvalue if a.tolist() != b.tolist() else 1.0
    assert mcnemar(a, b).p == pytest.approx(min(1.0, expected))


@given(answers)
def test_of_groups_of_one_image_the_exchange_is_mcnemars_test(pairs):
    a, b = split(pairs)
    found = exchange(a, b, np.arange(len(a)))
    assert found.p == pytest.approx(mcnemar(a, b).p)
    assert found.method == "mcnemar"


@given(answers)
def test_changing_places_turns_the_effect_and_keeps_the_p(pairs):
    a, b = split(pairs)
    groups = np.arange(len(a)) // 3
    one, other = mcnemar(a, b), mcnemar(b, a)
    assert (one.only_a, one.only_b, one.p) == (other.only_b, other.only_a, other.p)
    if one.cohens_g is not None:
        assert one.cohens_g == pytest.approx(-other.cohens_g)
    assert exchange(a, b, groups).p == pytest.approx(exchange(b, a, groups).p)
    assert exchange(a, a, groups).p == mcnemar(a, a).p == 1


def test_effects_worked_by_hand():
    found = mcnemar(*from_counts(50, 5, 15, 30))
    assert (found.both, found.only_a, found.only_b, found.neither) == (50, 5, 15, 30)
    assert found.cohens_g == pytest.approx(0.25)
    assert found.odds_ratio == pytest.approx(3)
    assert mcnemar(*from_counts(9, 0, 0, 1)).cohens_g is None
    assert mcnemar(*from_counts(9, 0, 4, 1)).odds_ratio is None
    # 2 · (C(6,0) + …): five of six one way is 2 · (1 + 6) / 64
    assert mcnemar(*from_counts(1, 1, 5, 1)).p == pytest.approx(14 / 64)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=10))
def test_p_by_groups_is_that_of_all_exchanges(sums):
    """Groups of images gained and lost, each of which may change places."""
    a = np.concatenate([np.repeat(one < 0, abs(one) + 1)[: abs(one) or 1] for one in sums])
    b = np.concatenate([np.repeat(one > 0, abs(one) + 1)[: abs(one) or 1] for one in sums])
    groups = np.concatenate([np.full(abs(one) or 1, number) for number, one in enumerate(sums)])
    seen = abs(sum(sums))
    balances = [
        sum(s * one for s, one in zip(signs, sums, strict=True)) for signs in product((-1, 1), repeat=len(sums))
    ]
    expected = np.mean([abs(one) >= seen for one in balances])
    assert exchange(a, b, groups).p == pytest.approx(expected)


def test_many_groups_are_judged_by_the_normal_distribution_without_a_step(monkeypatch):
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(150), 4)
    a, b = random.random(600) < 0.7, random.random(600) < 0.75
    exact = exchange(a, b, groups)
    monkeypatch.setattr(module, "EXACT_WORK", 0)
    normal = exchange(a, b, groups)
    assert (exact.method, normal.method) == ("exchange_exact", "exchange_normal")
    assert normal.p == pytest.approx(exact.p, abs=0.02)


def test_the_size_holds_when_images_of_a_patient_are_alike():
    """Two models as good as each other, each of which is right or wrong for whole patients: five of a hundred by groups."""
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(40), 5)
    by_group, by_image = [], []
    for _ in range(400):
        a, b = (
            np.where(random.random(200) < 0.1, random.random(200) < 0.5, np.repeat(random.random(40) < 0.7, 5))
            for _ in range(2)
        )
        by_group.append(exchange(a, b, groups).p <= 0.05)
        by_image.append(mcnemar(a, b).p <= 0.05)
    assert 0.02 < np.mean(by_group) < 0.08
    assert np.mean(by_image) > 0.2


def test_the_size_holds_for_single_images_and_a_difference_is_found():
    random = np.random.default_rng(4)
    none, some = [], []
    for _ in range(600):
        easy = random.random(200) < 0.5
        right = [np.where(easy, random.random(200) < 0.95, random.random(200) < share) for share in (0.5, 0.5, 0.75)]
        none.append(mcnemar(right[0], right[1]).p <= 0.05)
        some.append(mcnemar(right[0], right[2]).p <= 0.05)
    assert 0.015 < np.mean(none) <= 0.06
    assert np.mean(some) > 0.85
