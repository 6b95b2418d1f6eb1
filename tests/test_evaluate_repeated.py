"""Two runs number by number: equal to the bit, within the tolerance, or different."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.evaluate.repeated import agreement, compare_figures, compare_tables, worst

NUMBERS = st.floats(-1e3, 1e3, allow_nan=False)


@pytest.mark.parametrize(
    ("first", "again", "found"),
    [
        (0.9, 0.9, "identical"), (0.9, 0.9005, "close"), (0.9, 0.902, "different"), (12.0, 12.01, "close"),
        (12.0, 12.1, "different"), (None, None, "identical"), (math.nan, None, "identical"), (None, 0.0, "different"),
        (math.inf, math.inf, "identical"), (math.inf, 1.0, "different"),
    ],
)  # fmt: skip
def test_two_numbers(first, again, found):
    assert agreement(first, again) == found


@given(NUMBERS, NUMBERS)
def test_agreement_has_no_direction_and_grows_with_the_tolerance(a, b):
    order = ["identical", "close", "different"]
    assert agreement(a, b) == agreement(b, a)
    assert order.index(agreement(a, b, 0.1)) <= order.index(agreement(a, b, 0.001))
    assert (agreement(a, b, 0.0) == "identical") == (a == b)


def test_the_worst_of_several():
    assert worst(["identical", "different", "close"]) == "different"
    assert worst(["identical", "close"]) == "close"
    assert worst([]) == "identical"


def test_figures_of_every_part_and_one_that_is_gone():
    first = {
        "test": {"metrics": {"dice": {"value": 0.8}, "nsd": {"value": None}}},
        "val": {"metrics": {"dice": {"value": 0.7}}},
    }
    again = {
        "test": {"metrics": {"dice": {"value": 0.81}, "nsd": {"value": None}}},
        "external": {"metrics": {"dice": {"value": 0}}},
    }
    rows = {(row["part"], row["metric"]): row for row in compare_figures(first, again)}
    assert rows["test", "dice"]["agreement"] == "different"
    assert rows["test", "dice"]["difference"] == pytest.approx(0.01)
    assert rows["test", "nsd"]["agreement"] == "identical"
    assert rows["val", "dice"]["agreement"] == "different", "a part that was not judged again"
    assert set(rows) == {("test", "dice"), ("test", "nsd"), ("val", "dice")}


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame(
        {"sample": ["b", "a", "c"], "probability:x": [0.1, 0.5, np.nan], "predicted": list("xyx")} | columns
    )


def test_tables_are_matched_by_sample_whatever_their_order():
    shuffled = table().iloc[[2, 0, 1]]
    assert compare_tables(table(), shuffled) == {
        "n": 3, "only_first": 0, "only_again": 0, "largest": 0.0, "answers_changed": 0, "agreement": "identical",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("again", "found", "changed", "largest"),
    [
        (table(**{"probability:x": [0.1004, 0.5, np.nan]}), "close", 0, 0.0004),
        (table(**{"probability:x": [0.2, 0.5, np.nan]}), "different", 0, 0.1),
        (table(**{"probability:x": [0.1, 0.5, 0.3]}), "different", 0, 0.0),
        (table(predicted=list("xxx")), "close", 1, 0.0),
        (table(extra=[1.0, 2.0, 3.0]), "different", 0, 0.0),
        (table().iloc[:2], "different", 0, 0.0),
    ],
)
def test_what_differs_is_found(again, found, changed, largest):
    result = compare_tables(table(), again)
    assert result["agreement"] == found
    assert result["answers_changed"] == changed
    assert result["largest"] == pytest.approx(largest)


def test_infinite_distances_equal_each_other_alone():
    first = table(**{"hd95_mm:a": [np.inf, 1.0, 2.0]})
    assert compare_tables(first, first)["agreement"] == "identical"
    other = compare_tables(first, table(**{"hd95_mm:a": [5.0, 1.0, 2.0]}))
    assert other["agreement"] == "different"
    assert other["largest"] is None
