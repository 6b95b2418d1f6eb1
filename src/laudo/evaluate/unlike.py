"""How many images of a part lie beyond what is usual, with an interval, and how the distances are spread."""

from __future__ import annotations

from typing import Any

import numpy as np

from laudo.evaluate.intervals import FEWEST_RESAMPLES, NO_WIDTH, clopper_pearson, group_weights, percentile_bounds

POINTS = 101
"""Quantiles that are kept of the distances."""


def spread(distances: np.ndarray) -> list[float]:
    """:data:`POINTS` quantiles of (n,) distances, from the smallest to the largest."""
    return [round(float(value), 4) for value in np.quantile(distances, np.linspace(0, 1, POINTS))]


def unlike_part(
    distances: np.ndarray, beyond: np.ndarray, groups: np.ndarray, bootstrap: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """What metrics.json says of the distances of one part.

    Args:
        distances: (n,) to the training images, relative to validation.
        beyond: (n,) bool, which are unlike the training images.
        groups: (n,) codes 0 … G-1 of what is resampled together.
        bootstrap: number of resamples; 0: no interval.
        seed: of the draws.

    Returns:
        ``n, groups``, ``beyond`` (``n``, and ``value`` and ``ci95`` of the share) and ``quantiles``, see :func:`spread`.
    """
    count, n_groups = int(beyond.sum()), int(groups.max()) + 1
    share = count / len(beyond)
    return {
        "n": len(beyond),
        "groups": n_groups,
        "beyond": {"n": count, "value": share, "ci95": _interval(beyond, share, groups, bootstrap, seed)},
        "quantiles": spread(distances),
    }


def _interval(beyond: np.ndarray, share: float, groups: np.ndarray, bootstrap: int, seed: int) -> list[float] | None:
    if not bootstrap:
        return None
    blocks = [w @ beyond / w.sum(axis=1) for w in group_weights(groups, bootstrap, seed)]
    drawn = np.concatenate(blocks)
    if len(drawn) >= FEWEST_RESAMPLES and np.ptp(drawn) > NO_WIDTH:
        return list(percentile_bounds(drawn))
    n_groups = int(groups.max()) + 1
    return list(clopper_pearson(round(share * n_groups), n_groups))
