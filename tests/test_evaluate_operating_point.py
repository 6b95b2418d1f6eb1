"""A threshold that is to reach a rate: chosen on validation as sparingly as can be, judged elsewhere with an interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from laudo.core.predictions import Predictions
from laudo.core.recipe_decisions import WantedRate
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.operating_point import operating_point
from laudo.evaluate.threshold import choose_threshold, choose_thresholds, common_rule


def rates(scores, positive, cut):
    called = scores >= cut
    return called[positive].mean(), (~called[~positive]).mean()


def test_by_hand():
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
    truth = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    half = choose_threshold(scores, truth, WantedRate(sensitivity=0.75))
    assert (half.value, half.rule) == (pytest.approx(0.5), "sensitivity")  # three of four: 0.6 and above
    every = choose_threshold(scores, truth, WantedRate(sensitivity=1))
    assert every.value == pytest.approx(0.25)
    clear = choose_threshold(scores, truth, WantedRate(specificity=1))
    assert (clear.value, clear.rule) == (pytest.approx(0.75), "specificity")
    assert choose_threshold(scores, truth, WantedRate(specificity=0.75)).value == pytest.approx(0.5)


@given(st.integers(0, 10**6), st.integers(4, 60), st.floats(0.01, 1), st.sampled_from(["sensitivity", "specificity"]))
@settings(max_examples=150, deadline=None)
def test_the_rate_is_reached_and_no_better_cut_would_do(seed, n, value, rate):
    random = np.random.default_rng(seed)
    scores = random.random(n).round(1) * 0.9 + 0.05
    positive = random.random(n) < 0.5
    positive[:2] = [True, False]
    chosen = choose_threshold(scores, positive.astype(int), WantedRate(**{rate: value}))
    assert chosen.rule == rate
    first = 0 if rate == "sensitivity" else 1
    found = rates(scores, positive, chosen.value)
    assert found[first] >= value - 1e-9
    others = [rates(scores, positive, cut) for cut in np.unique([*scores, 0.0, 1.0])]
    assert found[1 - first] == max(one[1 - first] for one in others if one[first] >= value - 1e-9)


def test_without_a_case_that_speaks_of_the_rate_it_is_one_half():
    chosen = choose_threshold(np.array([0.2, 0.4]), np.zeros(2, int), WantedRate(sensitivity=0.9))
    assert (chosen.value, chosen.rule) == (0.5, "half")
    both = choose_thresholds(
        np.array([[0.2, 0.4], [0.6, 0.8]]), np.array([[0, 0], [0, 1]]), WantedRate(sensitivity=0.9)
    )
    assert common_rule(both) == "mixed"


@pytest.mark.parametrize(
    "values", [{}, {"sensitivity": 0.9, "specificity": 0.9}, {"sensitivity": 0}, {"specificity": 2}]
)
def test_one_rate_above_zero_is_wanted(values):
    with pytest.raises(ValidationError):
        WantedRate(**values)


def judged(n, cut, seed=0):
    import pandas as pd

    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, n)
    scores = np.clip(0.5 + 0.25 * (truth - 0.5) * 2 + random.normal(0, 0.2, n), 0.01, 0.99)
    names = np.array(["no", "yes"])[truth]
    ids = [str(one) for one in range(n)]
    table = pd.DataFrame({"sample": ids, "image": ids, "group": ids, "label": names})
    return evaluate(Predictions.build(table, np.stack([1 - scores, scores], axis=1), ["no", "yes"], cut), 200)


@pytest.mark.parametrize(("cut", "expected"), [(0.1, "yes"), (0.5, "open"), (0.8, "no")])
def test_wanted_and_reached(cut, expected):
    result = judged(200, cut)
    found = operating_point(result, WantedRate(sensitivity=0.9))
    assert found["wanted"] == {"rate": "sensitivity", "value": 0.9}
    (name, one), *more = found["of"].items()
    assert (name, more) == ("yes", [])
    assert one["sensitivity"] == result["per_class"]["yes"]["sensitivity"]
    assert one["n_positive"] + one["n_negative"] == found["n"] == 200
    assert one["reached"] == expected
