"""How low a mean of several proportions may truly be when each was observed to be 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq

SIDE = 0.025
"""Probability that is left outside, on one side."""


def lowest_mean(trials: Sequence[int]) -> float:
    """Lower end of the 95 % interval of the mean of K proportions, of which each was 1 in ``trials[k]`` independent trials.

    It is the smallest mean of all proportions under which so many trials would all succeed with a probability of at least
    0.025; of one proportion, the interval of Clopper and Pearson (1934). The smallest mean is found where every proportion is
    1 or in one ratio to its trials (the conditions of Karush, Kuhn and Tucker).
    """
    n = np.asarray(trials, dtype=float)

    def likelihood_left(scale: float) -> float:
        return float(n @ np.log(np.minimum(1.0, scale * n)) - np.log(SIDE))

    lowest = SIDE / n.max()  # every proportion at most 0.025: less likely than allowed, whatever the trials
    if likelihood_left(lowest) >= 0:
        lowest /= 2
    scale = float(brentq(likelihood_left, lowest, 1 / n.min(), xtol=1e-15))
    return float(np.minimum(1.0, scale * n).mean())
