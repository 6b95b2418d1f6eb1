"""Paired differences put to the test: Wilcoxon's signed ranks, and how large the effect is.

Differences of zero say nothing of a direction: they are left out of the ranks (Wilcoxon 1945), and counted beside them.
Equal amounts share their mean rank. Up to :data:`EXACT_UP_TO` differences the p is that of all assignments of signs to
these ranks, ties included; beyond, that of the normal distribution with the variance corrected for ties.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

EXACT_UP_TO = 50
"""Differences other than zero; counts of 2⁵⁰ assignments are still exact in float64."""

DECIMALS = 10
"""Differences are rounded to so many decimals: 0.8 - 0.7 and 0.9 - 0.8 are a tie."""

LEVEL = 0.05
POWER = 0.8


@dataclass(frozen=True)
class SignedRank:
    """The outcome of the test.

    Attributes:
        p: two-sided; 1 when all differences are zero.
        method: exact, or by the normal distribution.
        zeros: differences of zero, which were left out of the ranks.
        rank_biserial: matched-pairs rank-biserial correlation, from -1 to 1: the ranks of the positive differences minus
            those of the negative ones, over all ranks (Kerby 2014, The simple difference formula). 0 when all are zero.
    """

    p: float
    method: Literal["exact", "normal"]
    zeros: int
    rank_biserial: float


def signed_rank(differences: np.ndarray) -> SignedRank:
    """Wilcoxon's signed-rank test that differences are symmetric about zero.

    Args:
        differences: (n,) finite, at least one, independent of each other.

    Raises:
        ValueError: there are none, or one is not finite.
    """
    if not len(differences) or not np.isfinite(differences).all():
        raise ValueError("the test needs finite differences")
    rounded = np.round(np.asarray(differences, dtype=float), DECIMALS)
    moved = rounded[rounded != 0]
    zeros = len(rounded) - len(moved)
    if not len(moved):
        return SignedRank(1.0, "exact", zeros, 0.0)
    ranks = stats.rankdata(np.abs(moved))
    balance = float(ranks[moved > 0].sum() - ranks[moved < 0].sum())
    effect = balance / float(ranks.sum())
    if len(moved) <= EXACT_UP_TO:
        return SignedRank(_exact_p(ranks, balance), "exact", zeros, effect)
    p = float(stats.wilcoxon(moved, method="auto").pvalue)
    return SignedRank(p, "normal", zeros, effect)


def _exact_p(ranks: np.ndarray, balance: float) -> float:
    """Share of the assignments of signs, whose balance is at least as far from zero."""
    doubled = np.round(2 * ranks).astype(int)  # shared ranks are halves
    counts = np.zeros(doubled.sum() + 1)
    counts[0] = 1
    for rank in doubled:
        # numpy must not read what it has just added
        counts[rank:] += counts[:-rank].copy()
    # the positive ranks sum up to s: the balance is s minus the rest
    balances = 2 * np.arange(len(counts)) - doubled.sum()
    return float(min(1.0, counts[np.abs(balances) >= abs(round(2 * balance))].sum() / 2.0 ** len(doubled)))


def smallest_p(n: int) -> float:
    """The smallest two-sided p that n differences can give: that of n with one sign."""
    return min(1.0, 2.0 ** (1 - n))


def cohens_dz(differences: np.ndarray) -> float | None:
    """Mean difference in standard deviations of the differences (Cohen 1988); None when they have none.

    Args:
        differences: (n,) finite.
    """
    if len(differences) < 2:
        return None
    spread = float(np.std(differences, ddof=1))
    if spread <= 10.0**-DECIMALS:
        return 0.0 if float(np.abs(differences).max()) <= 10.0**-DECIMALS else None
    return float(np.mean(differences)) / spread


def detectable(differences: np.ndarray, tests: int = 1) -> float | None:
    """Mean difference that a paired t test finds in four of five such samples: what a smaller one may hide behind.

    By the quantiles of the t distribution at the level of Bonferroni, the first step of Holm's. None when the differences
    have no spread to judge by.

    Args:
        differences: (n,) finite.
        tests: number of tests that share the level.
    """
    n = len(differences)
    spread = float(np.std(differences, ddof=1)) if n > 1 else 0.0
    if spread <= 10.0**-DECIMALS:
        return None
    quantiles = float(stats.t.ppf(1 - LEVEL / tests / 2, n - 1)) + float(stats.t.ppf(POWER, n - 1))
    return quantiles * spread / math.sqrt(n)
