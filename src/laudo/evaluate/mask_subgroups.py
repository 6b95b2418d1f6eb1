"""Dice in subgroups of the cases, each beside all other cases."""

from __future__ import annotations

import numpy as np

from laudo.core.mask_scores import MaskScores
from laudo.evaluate.cases import group_codes
from laudo.evaluate.intervals import FEWEST_RESAMPLES, NO_WIDTH, Interval, group_weights, percentile_bounds
from laudo.evaluate.ranking import ratio
from laudo.evaluate.subgroups import Judged

DICE = "dice"


class JudgedMasks(Judged):
    """Cases whose structures were outlined: the mean over the structures of the mean Dice over the cases.

    Args:
        scores: all of them.
    """

    def __init__(self, scores: MaskScores) -> None:
        values = scores.matrix(DICE)
        self.values = np.nan_to_num(values)
        self.known = np.isfinite(values).astype(float)
        self.groups, _unknown = group_codes(scores.table["group"].where(~scores.table["group"].isna(), "").tolist())
        self.names = (DICE,)

    def own(self, where: np.ndarray, bootstrap: int, seed: int) -> dict[str, tuple[float, Interval]]:
        """See :meth:`Judged.own`."""
        value = float(self.under(where, np.ones((1, len(where))))[DICE][0])
        none = Interval(None, "none")
        if not bootstrap or not np.isfinite(value):
            return {DICE: (value, none)}
        _names, codes = np.unique(self.groups[where], return_inverse=True)
        drawn = [self._mean(where, weights) for weights in group_weights(codes, bootstrap, seed)]
        draws = np.concatenate(drawn)
        defined = draws[np.isfinite(draws)]
        if len(defined) < FEWEST_RESAMPLES or np.ptp(defined) <= NO_WIDTH:
            return {DICE: (value, none)}
        return {DICE: (value, Interval(percentile_bounds(defined), "bootstrap", 1 - len(defined) / len(draws)))}

    def comparable(self, where: np.ndarray) -> dict[str, bool]:
        """See :meth:`Judged.comparable`: the same structures have a Dice on both sides."""
        return {DICE: np.array_equal(self.known[where].any(axis=0), self.known[~where].any(axis=0))}

    def under(self, where: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """See :meth:`Judged.under`."""
        return {DICE: self._mean(where, weights[:, where])}

    def _mean(self, where: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(R,) mean over the structures that these cases have, NaN where a resample lost one of them."""
        known, values = self.known[where], self.values[where]
        judged = known.any(axis=0)
        if not judged.any():
            return np.full(len(weights), np.nan)
        return np.asarray(ratio(weights @ values[:, judged], weights @ known[:, judged]).mean(axis=1))
