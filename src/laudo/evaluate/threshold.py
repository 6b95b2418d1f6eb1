"""The probability from which the positive class is called, chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

HALF = 0.5


@dataclass(frozen=True)
class Threshold:
    """A cut, and how it came about: ``half`` when validation could not choose one."""

    value: float
    rule: Literal["validation", "half"]


def choose_thresholds(scores: np.ndarray, truth: np.ndarray) -> tuple[Threshold, ...]:
    """The threshold of each label by the rule of :func:`choose_threshold`.

    Args:
        scores: (n, K) probability of each label on validation.
        truth: (n, K), 1 for each label that a sample has.
    """
    return tuple(choose_threshold(scores[:, index], truth[:, index]) for index in range(truth.shape[1]))


def common_rule(chosen: Sequence[Threshold]) -> Literal["validation", "half", "mixed"]:
    """How several thresholds came about: all in one way, or mixed."""
    rules = {one.rule for one in chosen}
    return "mixed" if len(rules) > 1 else rules.pop()


def choose_threshold(scores: np.ndarray, truth: np.ndarray) -> Threshold:
    """Choose the midpoint of neighbouring scores with the best balanced accuracy; of equals, the nearest to 0.5.

    0.5 when only one class occurs, when all scores are equal, and when no cut is better than chance.

    Args:
        scores: (n,) probability of the positive class on validation.
        truth: (n,) class index, 1 being the positive class.
    """
    scores, positive = np.asarray(scores, dtype=float), np.asarray(truth) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    values = np.unique(scores)
    if n_positive == 0 or n_negative == 0 or len(values) < 2:
        return Threshold(HALF, "half")
    low, high = values[:-1], values[1:]
    cuts = low + (high - low) / 2
    # Between neighbouring floats there is no midpoint: the upper one still parts them, because a score equal to the
    # cut is called positive.
    cuts = np.where(cuts <= low, high, cuts)
    caught = n_positive - np.searchsorted(np.sort(scores[positive]), cuts, side="left")
    cleared = np.searchsorted(np.sort(scores[~positive]), cuts, side="left")
    # Whole numbers, so that equal cuts are exactly equal: 2 P N times the balanced accuracy.
    merit = caught * n_negative + cleared * n_positive
    if merit.max() <= n_positive * n_negative:
        return Threshold(HALF, "half")
    best = cuts[merit == merit.max()]
    return Threshold(float(best[np.argmin(np.abs(best - HALF))]), "validation")
