"""The difference between two recipes that were trained several times: what chance in training and chance in the cases leave of it.

Same cases in every run: the model of Obuchowski and Rockette 1995 for several readers of several cases (Hypothesis testing of
diagnostic accuracy for multiple readers and multiple tests, Communications in Statistics 24), with seeds as readers. The variance
of the mean difference is that between the seeds over their number, plus what any two seeds share because their cases are
the same; the degrees of freedom are Hillis's (2007, A comparison of denominator degrees of freedom methods for multiple
observer ROC analysis, Statistics in Medicine 26), here with the groups counted as well.

Other cases for each seed, because the split was drawn anew: the corrected resampled t test of Nadeau and Bengio 2003 (Inference
for the generalization error, Machine Learning 52), since test parts and training parts of the draws overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from laudo.evaluate.intervals import FEWEST_RESAMPLES
from laudo.evaluate.signed_rank import DECIMALS, LEVEL

NO_VARIANCE = 1e-20


@dataclass(frozen=True)
class SeedsTest:
    """What several trainings of two recipes say of their difference.

    Attributes:
        value: mean over the seeds of the second minus that of the first.
        ci95: interval that counts what seeds and cases do; None when nothing tells how sure it is.
        p: two-sided, from the t distribution; None likewise.
        df: its degrees of freedom.
        method: same cases and the same seeds in both, same cases and other seeds, or cases of their own for each seed.
        standard_error: of ``value``.
        of_seeds: the part of its square that is due to the seeds, 0 to 1; None where the two can not be told apart.
    """

    value: float
    ci95: tuple[float, float] | None
    p: float | None
    df: float | None
    method: Literal["seeds_paired", "seeds_apart", "splits_paired"]
    standard_error: float | None
    of_seeds: float | None


def seeds_paired(points: np.ndarray, draws: np.ndarray, groups: int) -> SeedsTest:
    """Compare recipes whose runs stand in pairs of one seed, all judged on the same cases.

    Args:
        points: (2, S) of both recipes, S at least 2.
        draws: (B, 2, S) the same of resamples of the groups.
        groups: how many groups there are.
    """
    own, drawn = points[1] - points[0], draws[:, 1] - draws[:, 0]
    spread, n = float(np.var(own, ddof=1)), len(own)
    shared = _between_runs(_covariance(drawn, groups))
    return _t_test(float(own.mean()), [(spread / n, n - 1)], shared, groups, "seeds_paired")


def seeds_apart(a: np.ndarray, b: np.ndarray, draws_a: np.ndarray, draws_b: np.ndarray, groups: int) -> SeedsTest:
    """Compare recipes whose runs do not stand in pairs, all judged on the same cases.

    Where one recipe was trained once, the spread of its seeds is taken to be that of the other.

    Args:
        a: (S,) of the first recipe.
        b: (T,) of the second; S or T is at least 2.
        draws_a: (B, S) of resamples of the groups.
        draws_b: (B, T).
        groups: how many groups there are.
    """
    covariance = _covariance(np.concatenate([draws_a, draws_b], axis=1), groups)
    if covariance is None:
        return _t_test(float(b.mean() - a.mean()), [], None, groups, "seeds_apart")
    sizes = (len(a), len(b))
    blocks = (covariance[: sizes[0], : sizes[0]], covariance[sizes[0] :, sizes[0] :])
    spreads = [float(np.var(one, ddof=1)) if len(one) > 1 else None for one in (a, b)]
    parts: list[tuple[float, int]] = []
    shared = -2 * float(covariance[: sizes[0], sizes[0] :].mean())
    for own in (0, 1):
        spread = spreads[own]
        if spread is not None:
            parts.append((spread / sizes[own], sizes[own] - 1))
            shared += _off_diagonal(blocks[own])
            continue
        other = 1 - own
        borrowed = spreads[other]
        assert borrowed is not None
        # what the other's seeds vary by beyond what single cases do to each of them
        noise = float(np.diag(blocks[other]).mean()) - _off_diagonal(blocks[other])
        parts.append((max(0.0, borrowed - noise), sizes[other] - 1))
        shared += float(blocks[own][0, 0])
    return _t_test(float(b.mean() - a.mean()), parts, max(0.0, shared), groups, "seeds_apart")


def splits_paired(differences: np.ndarray, ratio: float) -> SeedsTest:
    """Compare recipes on pairs of runs of which each pair has a split, and so cases, of its own.

    Args:
        differences: (S,) of the second recipe minus the first, S at least 2.
        ratio: of the number of cases that judge to that of those that train.
    """
    n = len(differences)
    variance = (1 / n + ratio) * float(np.var(differences, ddof=1))
    found = _t_test(float(differences.mean()), [(variance, n - 1)], 0.0, 0, "splits_paired")
    return SeedsTest(found.value, found.ci95, found.p, found.df, found.method, found.standard_error, None)


def _covariance(draws: np.ndarray, groups: int) -> np.ndarray | None:
    """(R, R) of (B, R) resamples, NaN rows left out; None with too few. Resampling G groups gives (G-1)/G of the variance."""
    defined = draws[np.isfinite(draws).all(axis=1)]
    if len(defined) < FEWEST_RESAMPLES or groups < 2:
        return None
    return np.asarray(np.atleast_2d(np.cov(defined.T)) * groups / (groups - 1))


def _off_diagonal(covariance: np.ndarray) -> float:
    n = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (n * (n - 1)))


def _between_runs(covariance: np.ndarray | None) -> float | None:
    """What two seeds have in common because their cases are the same; never less than nothing."""
    return None if covariance is None else max(0.0, _off_diagonal(covariance))


def _t_test(
    value: float,
    parts: list[tuple[float, int]],
    shared: float | None,
    groups: int,
    method: Literal["seeds_paired", "seeds_apart", "splits_paired"],
) -> SeedsTest:
    """A difference against the sum of its variances, each with its degrees of freedom (Satterthwaite 1946)."""
    if shared is None or not math.isfinite(value):
        return SeedsTest(value, None, None, None, method, None, None)
    of_seeds = sum(part for part, _df in parts)
    terms = [*parts, *([(shared, groups - 1)] if shared > 0 else [])]
    variance = of_seeds + shared
    if variance <= NO_VARIANCE:
        same = abs(value) <= 10.0**-DECIMALS
        return SeedsTest(value, (0.0, 0.0) if same else None, 1.0 if same else None, None, method, 0.0, None)
    df = variance**2 / sum(part**2 / own for part, own in terms)
    error = math.sqrt(variance)
    half = float(stats.t.ppf(1 - LEVEL / 2, df)) * error
    p = float(2 * stats.t.sf(abs(value) / error, df))
    return SeedsTest(value, (value - half, value + half), p, df, method, error, of_seeds / variance)
