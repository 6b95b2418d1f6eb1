"""Areas under ROC curves of the same cases compared: DeLong, DeLong and Clarke-Pearson 1988, and Obuchowski 1997 for groups.

The area is a mean over pairs of a positive and a negative case. Of each case there is its placement, the share of the other side
that it is ordered rightly against; how much the placements vary, and vary together in two runs, gives the variance of the
difference (DeLong et al. 1988, Comparing the areas under two or more correlated receiver operating characteristic curves:
a nonparametric approach, Biometrics 44). Placements come from mid-ranks in one sort (Sun and Xu 2014, Fast implementation of
DeLong's algorithm, IEEE Signal Processing Letters 21). Where groups hold several images, the placements of a group are added
up first, positive and negative ones (Obuchowski 1997, Nonparametric analysis of clustered ROC curve data, Biometrics 53);
of groups of one image that is DeLong's, number for number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

NO_VARIANCE = 1e-20


@dataclass(frozen=True)
class AreaTest:
    """Difference of two areas.

    Attributes:
        difference: the second minus the first.
        standard_error: of it; 0 when the two order all cases alike.
        p: two-sided, from the normal distribution; 1 when there is no difference, None when nothing tells how sure it is.
    """

    difference: float
    standard_error: float
    p: float | None


def placements(scores: np.ndarray, positive: np.ndarray) -> tuple[float, np.ndarray]:
    """Area under the ROC curve, and of each case the share of the other side that it is ordered rightly against, ties half.

    Args:
        scores: (n,).
        positive: (n,) bool, with both kinds.

    Returns:
        The area, and (n,) placements.
    """
    up, down = scores[positive], scores[~positive]
    found = np.empty(len(scores))
    together = stats.rankdata(scores)
    found[positive] = (together[positive] - stats.rankdata(up)) / len(down)
    found[~positive] = 1 - (together[~positive] - stats.rankdata(down)) / len(up)
    return float(found[positive].mean()), found


def areas(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas of R runs and their covariances.

    Args:
        scores: (R, n).
        positive: (n,) bool, with both kinds.
        groups: (n,) codes from 0.

    Returns:
        (R,) areas and (R, R) covariances; NaN where one side has a single group, which says nothing of its variance.
    """
    found = [placements(one, positive) for one in scores]
    area = np.array([one for one, _placed in found])
    off = np.stack([placed - one for one, placed in found])
    sides = []
    for side in (positive, ~positive):
        there = np.unique(groups[side])
        own = np.stack([np.bincount(groups[side], weights=one[side], minlength=int(groups.max()) + 1) for one in off])
        n = int(side.sum())
        scale = len(there) / (len(there) - 1) if len(there) > 1 else np.nan
        sides.append((own / n, scale))
    (up, scale_up), (down, scale_down) = sides
    total = len(np.unique(groups))
    cross = up @ down.T * (total / (total - 1) if total > 1 else np.nan)
    return area, scale_up * (up @ up.T) + scale_down * (down @ down.T) + cross + cross.T


def influences(scores: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """(n,) how far each case moves the area away from its value; they add up to zero."""
    area, placed = placements(scores, positive)
    return np.asarray(np.where(positive, (placed - area) / positive.sum(), (placed - area) / (~positive).sum()))


def area_test(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> AreaTest:
    """Compare two runs on one question.

    Args:
        scores: (2, n).
        positive: (n,) bool, with both kinds.
        groups: (n,) codes from 0.
    """
    area, covariance = areas(scores, positive, groups)
    return _test(float(area[1] - area[0]), float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))


def mean_area_test(scores: np.ndarray, positive: np.ndarray, groups: np.ndarray) -> AreaTest:
    """Compare two runs by the mean of their areas over several classes, each against the rest.

    The variance is that of the sums over groups of what each case moves the mean by: DeLong's, the classes added up.

    Args:
        scores: (2, n, K).
        positive: (n, K) bool, each class with both kinds.
        groups: (n,) codes from 0.
    """
    classes = range(positive.shape[1])
    area = [float(np.mean([placements(one[:, k], positive[:, k])[0] for k in classes])) for one in scores]
    moved = [np.mean([influences(one[:, k], positive[:, k]) for k in classes], axis=0) for one in scores]
    sums = np.bincount(groups, weights=moved[1] - moved[0])
    there = len(np.unique(groups))
    variance = float((sums**2).sum()) * (there / (there - 1) if there > 1 else float("nan"))
    return _test(area[1] - area[0], variance)


def _test(difference: float, variance: float) -> AreaTest:
    if abs(difference) < 1e-12 and not variance > NO_VARIANCE:
        return AreaTest(0.0, 0.0, 1.0)
    if not variance > NO_VARIANCE:
        return AreaTest(difference, 0.0, None)
    error = float(np.sqrt(variance))
    return AreaTest(difference, error, float(2 * stats.norm.sf(abs(difference) / error)))
