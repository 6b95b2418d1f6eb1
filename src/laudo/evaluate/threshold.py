"""The probability from which the positive class is called, chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from laudo.core.recipe_decisions import WantedRate

HALF = 0.5

Rule = Literal["validation", "half", "sensitivity", "specificity"]


@dataclass(frozen=True)
class Threshold:
    """A cut, and how it came about: ``half`` when validation could not choose one, or the rate that was wanted."""

    value: float
    rule: Rule


def choose_thresholds(scores: np.ndarray, truth: np.ndarray, wanted: WantedRate | None = None) -> tuple[Threshold, ...]:
    """The threshold of each label by the rule of :func:`choose_threshold`.

    Args:
        scores: (n, K) probability of each label on validation.
        truth: (n, K), 1 for each label that a sample has.
        wanted: see there.
    """
    return tuple(choose_threshold(scores[:, index], truth[:, index], wanted) for index in range(truth.shape[1]))


def common_rule(chosen: Sequence[Threshold]) -> Rule | Literal["mixed"]:
    """How several thresholds came about: all in one way, or mixed."""
    rules = {one.rule for one in chosen}
    return "mixed" if len(rules) > 1 else rules.pop()


def choose_threshold(scores: np.ndarray, truth: np.ndarray, wanted: WantedRate | None = None) -> Threshold:
    """Choose the midpoint of neighbouring scores with the best balanced accuracy; of equals, the nearest to 0.5.

    0.5 when only one class occurs, when all scores are equal, and when no cut is better than chance.

    Args:
        scores: (n,) probability of the positive class on validation.
        truth: (n,) class index, 1 being the positive class.
        wanted: a rate to be reached instead, see :func:`cut_for_rate`.
    """
    if wanted is not None:
        return cut_for_rate(np.asarray(scores, dtype=float), np.asarray(truth) == 1, wanted)
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


def cut_for_rate(scores: np.ndarray, positive: np.ndarray, wanted: WantedRate) -> Threshold:
    """The cut that reaches a wanted sensitivity with the best specificity, or the other way round, on validation.

    It lies midway between the last score that must be called, or must not, and its neighbour; 0.5 where no case says anything
    about the rate that is wanted.

    Args:
        scores: (n,) probability of the positive class on validation.
        positive: (n,) bool.
        wanted: the rate.
    """
    own = np.sort(scores[positive if wanted.rate == "sensitivity" else ~positive])
    if not len(own):
        return Threshold(HALF, "half")
    # The share that is wanted, as a whole number of cases; rounding errors must not ask for one more.
    needed = max(1, int(np.ceil(wanted.value * len(own) - 1e-9)))
    if wanted.rate == "sensitivity":
        last = float(own[len(own) - needed])
        below = scores[scores < last]
        return Threshold(_between(float(below.max()) if len(below) else 0.0, last), "sensitivity")
    last = float(own[needed - 1])
    above = scores[scores > last]
    return Threshold(_between(last, float(above.min()) if len(above) else 1.0), "specificity")


def _between(low: float, high: float) -> float:
    """The middle of two scores; the upper one where nothing lies between them: a score equal to the cut is called positive."""
    middle = low + (high - low) / 2
    return middle if middle > low else high
