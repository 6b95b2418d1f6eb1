"""Is a result the same when it is computed again? Figures and tables of two runs, number by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

TOLERANCE = 1e-3
"""Two numbers agree when they differ by at most this, or by this share of the larger one: a thousandth of a metric between 0 and 1
is below what a report prints, and far below any interval of it."""

Agreement = Literal["identical", "close", "different"]
ORDER: tuple[Agreement, ...] = ("identical", "close", "different")

PARTS = ("pooled", "test", "val", "train")
"""Parts that a training judges; external images are judged afterwards, with a model that is there."""


def agreement(first: float | None, again: float | None, tolerance: float = TOLERANCE) -> Agreement:
    """Whether two numbers are equal to the bit, within the tolerance, or neither; undefined ones equal each other alone."""
    undefined = [one is None or math.isnan(one) for one in (first, again)]
    if any(undefined):
        return "identical" if all(undefined) else "different"
    assert first is not None
    assert again is not None
    if first == again:
        return "identical"
    return "close" if math.isclose(first, again, rel_tol=tolerance, abs_tol=tolerance) else "different"


def worst(found: Sequence[Agreement]) -> Agreement:
    """The one of them that agrees least; ``identical`` of none."""
    return max(found, key=ORDER.index, default="identical")


def compare_figures(
    first: Mapping[str, Any], again: Mapping[str, Any], tolerance: float = TOLERANCE
) -> list[dict[str, Any]]:
    """Every figure of every part that a training judges, of two metrics.json.

    Returns:
        A row each: ``part``, ``metric``, ``first``, ``again`` (None where undefined or absent), ``difference`` and ``agreement``.
    """
    rows = []
    for part in PARTS:
        ours, theirs = ((one.get(part) or {}).get("metrics") or {} for one in (first, again))
        for name in dict.fromkeys([*ours, *theirs]):
            a, b = ((one.get(name) or {}).get("value") for one in (ours, theirs))
            present = name in ours and name in theirs
            rows.append(
                {
                    "part": part,
                    "metric": name,
                    "first": a,
                    "again": b,
                    "difference": None if a is None or b is None else b - a,
                    "agreement": agreement(a, b, tolerance) if present else "different",
                }
            )
    return rows


def compare_tables(first: pd.DataFrame, again: pd.DataFrame, tolerance: float = TOLERANCE) -> dict[str, Any]:
    """Two tables with a row a sample (predictions, or scores of masks), number by number.

    Args:
        first: with a column ``sample``.
        again: the same.
        tolerance: as of :func:`agreement`.

    Returns:
        ``n`` samples in both, ``only_first`` and ``only_again``, ``largest`` difference of a number, ``answers_changed`` (samples
        whose predicted class differs; None where no class is predicted), and ``agreement``.
    """
    left, right = (
        one.assign(sample=one["sample"].astype(str)).set_index("sample").sort_index() for one in (first, again)
    )
    common = left.index.intersection(right.index)
    only = [len(left) - len(common), len(right) - len(common)]
    shared = [name for name in left.columns if name in right.columns]
    numbers = [name for name in shared if is_numeric_dtype(left[name]) and not is_bool_dtype(left[name])]
    a, b = (one.loc[common, numbers].to_numpy(dtype=float) for one in (left, right))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):  # infinite distances
        differences = np.where(same, 0.0, np.abs(a - b))
    near = np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    answers = None
    if "predicted" in left and "predicted" in right:
        answers = int((left.loc[common, "predicted"].astype(str) != right.loc[common, "predicted"].astype(str)).sum())
    whole = not any(only) and set(left.columns) == set(right.columns)
    found: Agreement = "different"
    if whole and same.all() and not answers:
        found = "identical"
    elif whole and near.all():
        found = "close"
    largest = float(np.nanmax(differences)) if np.isfinite(differences).any() else 0.0
    return {
        "n": len(common),
        "only_first": only[0],
        "only_again": only[1],
        "largest": largest if math.isfinite(largest) else None,
        "answers_changed": answers,
        "agreement": found,
    }
