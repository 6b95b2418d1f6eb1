"""Components that are taken away, and rules that are chosen on validation cases only where they help."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from laudo.core.structures import Structures
from laudo.predict import post_process
from laudo.predict.post_process import PostProcessing, Rule, choose_post_processing

TWO = Structures(("front", "back"), ((1,), (2,)))
REGIONS = Structures(("WT", "TC", "ET"), ((1, 2, 4), (1, 4), (4,)), overlapping=True)
MM = (1.0, 1.0, 1.0)


def dice(truth: np.ndarray, predicted: np.ndarray, values: tuple[int, ...]) -> float:
    one, other = np.isin(truth, values), np.isin(predicted, values)
    return 2 * (one & other).sum() / (one.sum() + other.sum()) if (one | other).any() else 1.0


def means(cases, structures: Structures, chosen: PostProcessing) -> list[float]:
    """Mean Dice of each structure, by applying the rules."""
    return [
        float(np.mean([dice(truth, chosen.apply(found, spacing), values) for truth, found, spacing in cases]))
        for values in structures.values
    ]


# applying ----------------------------------------------------------------------------------------------------


def test_small_components_go_by_their_size_in_millimetres():
    found = np.zeros((12, 12), np.uint8)
    found[0:3, 0:4] = 1  # 12 pixels
    found[6:8, 6:9] = 1  # 6
    found[11, 11] = 2
    rule = PostProcessing((Rule("front", (1,), smallest_mm3=10.0),))
    kept = found.copy()
    kept[6:8] = 0
    assert np.array_equal(rule.apply(found, (1.0, 1.0)), kept)
    assert np.array_equal(rule.apply(found, (2.0, 1.0)), found)
    gone = np.where(found == 1, 0, found)
    assert np.array_equal(rule.apply(found, (0.5, 0.5)), gone)
    assert rule.apply(found, (1.0, 1.0)).dtype == np.uint8
    assert (found == 1).sum() == 18


def test_the_largest_component_stays_and_corners_join():
    found = np.zeros((9, 9, 9), np.int16)
    found[0:2, 0:2, 0:2] = 1
    found[2, 2, 2] = 1  # touches by a corner
    found[6:8, 6:8, 6:8] = 1
    found[8, 0, 0] = 2
    out = PostProcessing((Rule("front", (1,), largest=True),)).apply(found, MM)
    assert (out == 1).sum() == 9
    assert out[2, 2, 2] == 1
    assert out[8, 0, 0] == 2
    assert out.dtype == np.int16
    both = PostProcessing((Rule("front", (1,), largest=True, smallest_mm3=10),)).apply(found, MM)
    assert not (both == 1).any()


def test_of_equal_components_one_stays_and_nothing_stays_nothing():
    found = np.zeros((5, 5), np.uint8)
    found[0, 0] = found[4, 4] = 1
    largest = PostProcessing((Rule("front", (1,), largest=True),))
    assert (largest.apply(found, (1, 1)) == 1).sum() == 1
    assert not largest.apply(found * 0, (1, 1)).any()
    with pytest.raises(ValueError, match="spacings"):
        largest.apply(found, MM)


def test_a_region_gives_way_to_the_one_around_it():
    found = np.zeros((12, 12), np.uint8)
    found[1:11, 1:11] = 2
    found[3:6, 3:6] = 1
    found[4, 4] = 4
    found[8, 8] = 4
    small_core = PostProcessing((Rule("TC", (1, 4), becomes=2, smallest_mm3=5),)).apply(found, (1, 1))
    assert small_core[8, 8] == 2
    assert small_core[4, 4] == 4
    core = PostProcessing((Rule("TC", (1, 4), becomes=2, smallest_mm3=10),)).apply(found, (1, 1))
    assert (core[1:11, 1:11] == 2).all()
    enhancing = PostProcessing((Rule("ET", (4,), becomes=1, smallest_mm3=5),)).apply(found, (1, 1))
    assert enhancing[4, 4] == enhancing[8, 8] == 1


def test_rules_are_kept_as_plain_data():
    rules = PostProcessing((Rule("TC", (1, 4), 2, smallest_mm3=50.0), Rule("ET", (4,), 1, largest=True)))
    assert PostProcessing.from_dict(rules.as_dict()) == rules
    assert PostProcessing.from_dict({"rules": []}) == PostProcessing()
    for wrong in ({}, {"rules": [{"structure": "ET"}]}, {"rules": 3}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            PostProcessing.from_dict(wrong)


# choosing ----------------------------------------------------------------------------------------------------


def block(at: int, size: int = 4, value: int = 1, shape=(24, 10, 10)) -> np.ndarray:
    out = np.zeros(shape, np.uint8)
    out[at : at + size, 2 : 2 + size, 2 : 2 + size] = value
    return out


def test_false_spots_are_taken_away_by_the_gentlest_rule():
    cases = [(block(2), block(2) | block(10 + n, 2), MM) for n in range(4)]
    chosen = choose_post_processing(cases, TWO)
    assert chosen.rules == (Rule("front", (1,), smallest_mm3=10.0),)
    assert means(cases, TWO, chosen)[0] == 1.0
    large = [(block(2, 5), block(2, 5) | block(10 + n), (9.0, 9.0, 9.0)) for n in range(4)]
    assert choose_post_processing(large, TWO).rules == (Rule("front", (1,), largest=True),)


def test_a_rule_that_does_not_help_is_not_taken():
    right = [(block(n), block(n), MM) for n in range(4)]
    assert choose_post_processing(right, TWO) == PostProcessing()
    two_true = [(block(2) | block(10, 2), block(2) | block(10, 2), MM) for _ in range(3)]
    assert choose_post_processing(two_true, TWO) == PostProcessing()
    assert choose_post_processing([], TWO) == PostProcessing()


def test_one_case_that_gains_much_is_not_enough_where_more_lose():
    small = 2
    gains = (block(0, 1) * 0, block(10, small), MM)  # nothing is there: from 0 to 1
    loses = (block(2, 8) | block(14, small), block(2, 8) | block(14, small), MM)
    assert means([gains, loses, loses], TWO, PostProcessing((Rule("front", (1,), smallest_mm3=10.0),)))[0] > 0.9
    assert choose_post_processing([gains, loses, loses], TWO) == PostProcessing()
    assert choose_post_processing([gains, gains, loses], TWO).rules


def test_what_harms_another_region_is_not_taken():
    """The core's false component holds true enhancing tumour: to drop it would help the core and harm what is in it."""
    truth, found = block(2, 8, 2), block(2, 8, 2)
    found[4:7, 4:7, 4:7] = 1
    truth[5, 5, 5] = found[5, 5, 5] = 4
    cases = [(truth, found, MM)] * 3
    dropped = PostProcessing((Rule("TC", (1, 4), becomes=2, smallest_mm3=50.0),))
    before, after = means(cases, REGIONS, PostProcessing()), means(cases, REGIONS, dropped)
    assert after[2] < before[2]
    assert choose_post_processing(cases, REGIONS) == PostProcessing()


def test_enhancing_spots_that_are_false_become_core():
    truth = block(2, 8, 2)
    truth[4:8, 4:8, 4:8] = 1
    found = truth.copy()
    found[5, 5, 5] = 4
    chosen = choose_post_processing([(truth, found, MM)] * 2, REGIONS)
    assert chosen.rules == (Rule("ET", (4,), becomes=1, smallest_mm3=10.0),)
    assert np.array_equal(chosen.apply(found, MM), truth)


def test_cases_may_come_once():
    both = block(2) | block(18, value=2)
    cases = [(both, both | block(8 + n, 2) | block(14, 2, 2), MM) for n in range(4)]
    chosen = choose_post_processing(iter(cases), TWO)
    assert [rule.structure for rule in chosen.rules] == ["front", "back"]
    assert chosen == choose_post_processing(cases, TWO)
    with pytest.raises(ValueError, match="shape"):
        choose_post_processing([(block(2), block(2)[1:], MM)], TWO)


@given(st.integers(0, 10_000), st.sampled_from([TWO, REGIONS]))
def test_whatever_is_chosen_makes_no_structure_worse(seed, structures):
    """Against an oracle that applies the rules one by one and measures anew."""
    rng = np.random.default_rng(seed)
    values = [0, *sorted({value for one in structures.values for value in one})]
    cases = []
    for _ in range(3):
        smooth = ndimage.gaussian_filter(rng.normal(size=(2, 14, 14)), (0, 1.5, 1.5))
        truth, found = (np.digitize(one, [0.0, 0.1, 0.2][: len(values) - 1]) for one in (smooth[0], smooth.sum(axis=0)))
        cases.append((np.take(values, truth), np.take(values, found), (1.5, 1.0)))
    chosen = choose_post_processing(cases, structures)
    before = means(cases, structures, PostProcessing())
    for count in range(1, len(chosen.rules) + 1):
        after = means(cases, structures, PostProcessing(chosen.rules[:count]))
        assert min(np.subtract(after, before)) >= -1e-9
        own = structures.names.index(chosen.rules[count - 1].structure)
        assert after[own] - before[own] >= post_process.LEAST_GAIN - 1e-9
        before = after
