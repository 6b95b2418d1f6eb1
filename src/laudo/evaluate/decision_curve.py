"""Decision-curve analysis: what acting on a model's answers would be worth, beside treating everybody or nobody.

Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating prediction models. Med Decis Making 2006;26:565-574.
Whoever acts from a probability p on says that a false alarm is worth p / (1 - p) of a case found. At that threshold the net benefit
is (true positives - false positives p / (1 - p)) / n: cases found, false alarms already paid for, a case.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.evaluate.intervals import FEWEST_RESAMPLES, group_weights

THRESHOLDS = np.arange(1, 100) / 100
"""Threshold probabilities at which the curve is worked out."""

DIGITS = 6
"""Decimals that are kept: a case among a million."""


def net_benefit(scores: np.ndarray, positive: np.ndarray, thresholds: np.ndarray = THRESHOLDS) -> np.ndarray:
    """(T,) net benefit a case of acting where the score is at least each threshold.

    Args:
        scores: (n,) probability of the positive class.
        positive: (n,) bool.
        thresholds: (T,) between 0 and 1, rising.
    """
    n = len(scores)
    summed = _benefit(_tally(scores, positive, np.zeros(n, dtype=np.int64), thresholds), thresholds)[0]
    return np.asarray(summed / n)


def decision_curve(
    scores: np.ndarray, positive: np.ndarray, groups: np.ndarray, bootstrap: int = 2000, seed: int = 0
) -> dict[str, Any] | None:
    """Net benefit of the model and of treating all, with intervals, for metrics.json.

    Args:
        scores: (n,) probability of the positive class.
        positive: (n,) bool.
        groups: (n,) codes 0 … G-1 of what is resampled together.
        bootstrap: number of resamples; 0: no intervals.
        seed: of the draws.

    Returns:
        ``n, groups, positive`` (counts), ``thresholds`` (T), ``model``, ``all`` and ``gain`` with ``value`` and ``ci95``, each of T
        entries; ``gain`` is the model's net benefit minus the better one of treating all and treating nobody (which is 0).
        Intervals hold threshold by threshold, not for the whole curve at once. None when one of the two classes is missing.
    """
    if not positive.any() or positive.all():
        return None
    tally = _tally(scores, positive, groups, THRESHOLDS)
    curves = _curves(tally.sum(axis=0, keepdims=True), THRESHOLDS)
    draws: dict[str, list[np.ndarray]] = {name: [] for name in curves}
    n_groups = len(tally)
    if bootstrap and n_groups > 1:
        flat = tally.reshape(n_groups, -1)
        with step(_("Intervals"), bootstrap) as advance:
            for weights in group_weights(np.arange(n_groups), bootstrap, seed):
                drawn = _curves((weights @ flat).reshape(len(weights), *tally.shape[1:]), THRESHOLDS)
                for name, values in drawn.items():
                    draws[name].append(values)
                advance(len(weights))
    return {
        "n": len(scores),
        "groups": n_groups,
        "positive": int(positive.sum()),
        "thresholds": [float(value) for value in THRESHOLDS],
        **{name: _entry(values[0], draws[name]) for name, values in curves.items()},
    }


def worth_acting(curve: dict[str, Any]) -> list[tuple[float, float]]:
    """Ranges of thresholds in which the model is better than both treating all and treating nobody, by the interval."""
    ends = curve["gain"]["ci95"]
    if ends is None:
        return []
    better = np.array([low > 0 for low, _high in ends])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], better.astype(int), [0]])))
    where = curve["thresholds"]
    return [(float(where[first]), float(where[last - 1])) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _tally(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(G, 2, T + 1) negatives and positives of each group whose score reaches so many of the thresholds and no more."""
    reached = np.searchsorted(thresholds, scores, side="right")
    found = np.zeros((int(groups.max()) + 1, 2, len(thresholds) + 1))
    np.add.at(found, (groups, positive.astype(int), reached), 1.0)
    return found


def _benefit(tally: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(R, T) summed net benefit of (R, 2, T + 1) tallies."""
    called = np.cumsum(tally[:, :, ::-1], axis=2)[:, :, ::-1][:, :, 1:]
    return np.asarray(called[:, 1] - called[:, 0] * thresholds / (1 - thresholds))


def _curves(tally: np.ndarray, thresholds: np.ndarray) -> dict[str, np.ndarray]:
    """(R, T) of the model, of treating all, and of the model above the better of treating all and nobody."""
    sums = tally.sum(axis=2)
    n = sums.sum(axis=1, keepdims=True)
    model = _benefit(tally, thresholds) / n
    everybody = (sums[:, 1:] - sums[:, :1] * thresholds / (1 - thresholds)) / n
    return {"model": model, "all": everybody, "gain": model - np.maximum(everybody, 0.0)}


def _entry(values: np.ndarray, draws: list[np.ndarray]) -> dict[str, Any]:
    rounded = [round(float(value), DIGITS) for value in values]
    drawn = np.concatenate(draws) if draws else np.zeros((0, len(values)))
    if len(drawn) < FEWEST_RESAMPLES:
        return {"value": rounded, "ci95": None}
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return {
        "value": rounded,
        "ci95": [[round(float(a), DIGITS), round(float(b), DIGITS)] for a, b in zip(low, high, strict=True)],
    }
