"""The bias of the calibration error: what a perfectly calibrated model would show on as many cases, by chance alone.

The error is a mean of absolute gaps, and a gap is never exactly zero: with n cases even perfect probabilities show some. Of each
bin |true gap| <= E|seen gap| <= |true gap| + E|gap by chance|, so that the bias lies between 0 and what is computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIMULATIONS = 1000
FEWEST_SIMULATIONS = 200
MOST_DRAWS = 50_000_000
"""Coin tosses in all: very large sets get fewer simulations."""
CHUNK = 2_000_000
"""Coin tosses held at once."""


@dataclass(frozen=True)
class ByChance:
    """Errors of perfectly calibrated models.

    Attributes:
        mean: the bias at most.
        ends: 2.5th and 97.5th percentile of the simulated errors.
        p_value: share of simulations whose error is at least the one seen, that one counted in: how well perfect calibration
            agrees with the data.
        simulations: how many.
    """

    mean: float
    ends: tuple[float, float]
    p_value: float
    simulations: int


def calibrated_by_chance(
    confidence: np.ndarray, bins: np.ndarray, groups: np.ndarray, seen: float, seed: int = 0
) -> ByChance:
    """Simulate models that are right exactly as often as they say, on the same confidences, in the same bins.

    Cases of one group share one draw: they come true together, as copies and slices of one patient do. That is the most that they
    can depend on each other, so the chance error is not made too small.

    Args:
        confidence: (n,).
        bins: (n,) from :func:`laudo.evaluate.calibration.equal_mass_bins`.
        groups: (n,) codes 0 … G-1.
        seen: the error of the model that is judged.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    sorted_confidence, sorted_groups = confidence[order], groups[order]
    count = int(np.clip(MOST_DRAWS // len(confidence), FEWEST_SIMULATIONS, SIMULATIONS))
    rows = max(1, CHUNK // len(confidence))
    found = []
    for start in range(0, count, rows):
        draws = generator.random((min(rows, count - start), int(groups.max()) + 1))
        gaps = (draws[:, sorted_groups] < sorted_confidence) - sorted_confidence
        found.append(np.abs(np.add.reduceat(gaps, starts, axis=1)).sum(axis=1) / len(confidence))
    errors = np.concatenate(found)
    low, high = np.quantile(errors, [0.025, 0.975])
    # Errors that are equal but for the order in which they were added up count as equal.
    at_least = int((errors >= seen - 1e-12).sum())
    return ByChance(float(errors.mean()), (float(low), float(high)), (1 + at_least) / (1 + count), count)
