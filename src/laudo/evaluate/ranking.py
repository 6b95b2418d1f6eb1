"""Area under the ROC curve and average precision with sample weights, for many sets of weights at once.

One sort serves every resample: what lies below or above a positive sample is read from cumulative sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Samples of one class (positive) and of the rest (negative), each in rising order of score.

    Attributes:
        positive: (P,) sample numbers.
        negative: (N,) sample numbers.
        negatives_below: (P,) how many negatives have a lower score than each positive.
        negatives_up_to: (P,) the same, equal scores included.
        positives_below: (P,) how many positives have a lower score than each positive.
    """

    positive: np.ndarray
    negative: np.ndarray
    negatives_below: np.ndarray
    negatives_up_to: np.ndarray
    positives_below: np.ndarray


def rank(scores: np.ndarray, positive: np.ndarray) -> Ranking:
    """Sort (n,) scores once; ``positive`` (n,) is true for the class in question."""
    order = np.argsort(scores, kind="stable")
    up, down = order[positive[order]], order[~positive[order]]
    return Ranking(
        up,
        down,
        np.searchsorted(scores[down], scores[up], side="left"),
        np.searchsorted(scores[down], scores[up], side="right"),
        np.searchsorted(scores[up], scores[up], side="left"),
    )


def weighted_auc_roc(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """(R,) share of the weight of positive-negative pairs in the right order, ties counting half; NaN without both.

    Args:
        ranking: of n samples.
        weights: (R, n), not negative.
    """
    positive = weights[:, ranking.positive]
    below = _cumulated(weights[:, ranking.negative])
    pairs = np.einsum("rp,rp->r", positive, below[:, ranking.negatives_below] + below[:, ranking.negatives_up_to]) / 2
    return ratio(pairs, positive.sum(axis=1) * below[:, -1])


def weighted_auc_pr(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """(R,) average precision, sum of (R_k - R_(k-1)) P_k without interpolation; NaN without both classes.

    Args:
        ranking: of n samples.
        weights: (R, n), not negative.
    """
    positive = weights[:, ranking.positive]
    below, behind = _cumulated(positive), _cumulated(weights[:, ranking.negative])
    total, others = below[:, -1], behind[:, -1]
    true = total[:, None] - below[:, ranking.positives_below]
    false = others[:, None] - behind[:, ranking.negatives_below]
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true > 0)
    value = ratio(np.einsum("rp,rp->r", positive, precision), total)
    return np.where(others > 0, value, np.nan)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient, NaN where the denominator is zero."""
    above, below = np.broadcast_arrays(np.asarray(above, dtype=float), np.asarray(below, dtype=float))
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0))


def _cumulated(weights: np.ndarray) -> np.ndarray:
    """(R, m + 1) running sums along each row, beginning with zero."""
    sums = np.zeros((weights.shape[0], weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums
