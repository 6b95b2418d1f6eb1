"""Which of two runs is right more often: McNemar's exact test, and its like for groups of several images.

McNemar's test counts images, and takes each for evidence of its own. Where groups (patients, clusters of copies) hold several, it
claims too much. Under the hypothesis that both runs are equally good, the two may change places within any group, all its
images at once: the p is the share of all such exchanges that tell the runs apart as well as what was found. Of groups of one
image this is McNemar's exact test, number for number; the normal limit is the test of Durkalski et al. 2003 (Analysis of
clustered matched-pair data, Statistics in Medicine 22).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

EXACT_WORK = 20_000_000
"""Most additions of the exact distribution; beyond, the normal one is used."""


@dataclass(frozen=True)
class Discordant:
    """Images on which two runs are right and wrong.

    Attributes:
        both: right in both runs.
        only_a: right in the first alone.
        only_b: right in the second alone.
        neither: wrong in both.
        p: of McNemar's exact test, two-sided, each image counted as independent; 1 when no image tells the runs apart.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    p: float

    @property
    def cohens_g(self) -> float | None:
        """Share of the second run among the images that only one has right, minus a half (Cohen 1988); None without any."""
        told = self.only_a + self.only_b
        return self.only_b / told - 0.5 if told else None

    @property
    def odds_ratio(self) -> float | None:
        """Images that only the second run has right, over those that only the first has; None where the latter are none."""
        return self.only_b / self.only_a if self.only_a else None


@dataclass(frozen=True)
class Exchange:
    """Outcome of the test by groups.

    Attributes:
        p: two-sided; 1 when no group differs.
        method: ``mcnemar`` where no group holds two images that tell the runs apart, else the exact or the normal distribution
            of the exchanges.
        moved: groups in which the runs are not equally often right.
    """

    p: float
    method: Literal["mcnemar", "exchange_exact", "exchange_normal"]
    moved: int


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> Discordant:
    """Count the images and test them (McNemar 1947, in its exact binomial form).

    Args:
        right_a: (n,) bool, what the first run has right.
        right_b: (n,) bool, the second.
    """
    a, b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    only_a, only_b = int((a & ~b).sum()), int((~a & b).sum())
    return Discordant(int((a & b).sum()), only_a, only_b, int((~a & ~b).sum()), _binomial(only_a, only_b))


def exchange(right_a: np.ndarray, right_b: np.ndarray, groups: np.ndarray) -> Exchange:
    """Test by groups, each of which counts with its own sum of images gained and lost.

    Args:
        right_a: (n,) bool.
        right_b: (n,) bool.
        groups: (n,) codes from 0.
    """
    gains = np.asarray(right_b, dtype=np.int64) - np.asarray(right_a, dtype=np.int64)
    sums = np.bincount(groups, weights=gains).round().astype(np.int64)
    told = np.bincount(groups, weights=np.abs(gains))
    moved = sums[sums != 0]
    if not len(moved):
        return Exchange(1.0, "mcnemar" if told.max(initial=0) <= 1 else "exchange_exact", 0)
    if told.max() <= 1:
        return Exchange(_binomial(int((moved < 0).sum()), int((moved > 0).sum())), "mcnemar", len(moved))
    sizes = np.abs(moved)
    if len(sizes) * int(sizes.sum()) > EXACT_WORK:
        z = float(moved.sum()) / float(np.sqrt((moved**2).sum()))
        return Exchange(float(2 * stats.norm.sf(abs(z))), "exchange_normal", len(moved))
    return Exchange(_exact(sizes, int(moved.sum())), "exchange_exact", len(moved))


def _binomial(one: int, other: int) -> float:
    return float(stats.binomtest(one, one + other, 0.5).pvalue) if one + other else 1.0


def _exact(sizes: np.ndarray, balance: int) -> float:
    """Share of the signs of ``sizes`` whose sum is at least as far from zero as ``balance``."""
    chances = np.zeros(int(sizes.sum()) + 1)
    chances[0] = 1.0
    for size in sizes:
        moved = np.zeros_like(chances)
        moved[size:] = chances[:-size]
        chances = (chances + moved) / 2
    # the positive ones sum up to s: the balance is s minus the rest
    balances = 2 * np.arange(len(chances)) - int(sizes.sum())
    return float(min(1.0, chances[np.abs(balances) >= abs(balance)].sum()))
