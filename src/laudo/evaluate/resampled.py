"""Every metric of several runs, on the cases as they are and on every resample of their groups, the same ones for all runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from laudo.evaluate.intervals import FEWEST_RESAMPLES, NO_WIDTH, percentile_bounds

Place = str | None
"""A structure or a class; None: the whole."""


@dataclass(frozen=True)
class Resampled:
    """Values of R runs.

    Attributes:
        metrics: M names.
        places: P of them; the first is None, the whole.
        points: (R, M, P), NaN where undefined.
        draws: (B, R, M, P) the same of each resample.
        groups: how many groups were resampled.
    """

    metrics: tuple[str, ...]
    places: tuple[Place, ...]
    points: np.ndarray
    draws: np.ndarray
    groups: int

    def values(self, runs: Sequence[int], metric: str, place: Place) -> np.ndarray:
        """(r,) of some runs."""
        return np.asarray(self.points[list(runs), self.metrics.index(metric), self.places.index(place)])

    def drawn(self, runs: Sequence[int], metric: str, place: Place) -> np.ndarray:
        """(B, r) of some runs."""
        return np.asarray(self.draws[:, list(runs), self.metrics.index(metric), self.places.index(place)])


def bounds(draws: np.ndarray) -> list[float] | None:
    """95 % percentile interval of (B,) draws; None where too few are defined, or all are the same."""
    defined = draws[np.isfinite(draws)]
    if len(defined) < FEWEST_RESAMPLES or np.ptp(defined) <= NO_WIDTH:
        return None
    return list(percentile_bounds(defined))
