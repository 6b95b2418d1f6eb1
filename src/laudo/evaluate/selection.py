"""How much the best of many owes to having been chosen by the figure that is quoted of it.

Tsamardinos I, Greasidou E, Borboudakis G. Bootstrapping the out-of-sample predictions for efficient and accurate cross-validation.
Machine Learning 2018;107:1895-1922: the groups are resampled; the candidate that is best among those drawn is judged on those that
were not. The mean over the resamples is what the procedure "take the best" achieves on samples that did not choose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from laudo.evaluate.intervals import FEWEST_RESAMPLES, group_weights, percentile_bounds

Scores = Callable[[np.ndarray], np.ndarray]
"""(R, T) figure of every candidate under (R, n) weights of the samples; NaN where undefined."""


@dataclass(frozen=True)
class Selection:
    """What choosing is worth.

    Attributes:
        best: which candidate is the best of all samples.
        corrected: mean figure, on groups that did not choose, of the candidate that others have chosen.
        ci95: percentile interval of that figure over the resamples; rather too wide, since a resample leaves out about a third.
        optimism: how much better the best one looks on all samples than that; a little below 0 where there is none.
        chosen: (T,) share of the resamples in which each candidate was the best.
        resamples: in which both figures are defined.
    """

    best: int
    corrected: float
    ci95: tuple[float, float]
    optimism: float
    chosen: np.ndarray
    resamples: int


def judge_selection(
    scores: Scores, groups: np.ndarray, higher: bool, resamples: int = 1000, seed: int = 0
) -> Selection | None:
    """Judge the choice of the best candidate.

    Args:
        scores: figures of two or more candidates on the same n samples.
        groups: (n,) codes 0 … G-1 of what is resampled together.
        higher: whether a larger figure is better.
        resamples: number of resamples.
        seed: of the draws.

    Returns:
        None where too few resamples have a figure on either side, as with one or two groups.
    """
    sign = 1.0 if higher else -1.0
    outside_best, chosen = [], []
    for weights in group_weights(groups, resamples, seed):
        left_out = (weights == 0).astype(float)
        usable = left_out.sum(axis=1) > 0
        if not usable.any():
            continue
        inside, outside = sign * scores(weights[usable]), sign * scores(left_out[usable])
        inside = np.where(np.isfinite(inside), inside, -np.inf)
        best = inside.argmax(axis=1)
        rows = np.arange(len(best))
        known = np.isfinite(inside[rows, best]) & np.isfinite(outside[rows, best])
        outside_best.append(outside[rows, best][known])
        chosen.append(np.bincount(best[known], minlength=inside.shape[1]))
    n = sum(len(one) for one in outside_best)
    if n < FEWEST_RESAMPLES:
        return None
    unseen = sign * np.concatenate(outside_best)
    whole = sign * scores(np.ones((1, len(groups))))[0]
    best_of_all = int(np.where(np.isfinite(whole), whole, -np.inf).argmax())
    return Selection(
        best=best_of_all,
        corrected=float(unseen.mean()),
        ci95=percentile_bounds(unseen),
        optimism=float(whole[best_of_all] - sign * unseen.mean()),
        chosen=np.sum(chosen, axis=0) / n,
        resamples=n,
    )
