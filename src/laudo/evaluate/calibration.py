"""Calibration: do things happen as often as the probabilities say? Equal-mass bins, and the error over them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

BINS = 10
"""At most this many bins."""

SMALLEST_BIN = 10
"""Each bin holds at least so many samples, where there are that many."""


@dataclass(frozen=True)
class Bin:
    """One bin of the reliability diagram.

    Attributes:
        confidence: mean predicted probability.
        observed: share that came true.
        n: samples.
        ci95: Wilson interval of ``observed``; its n is the number of groups in the bin.
    """

    confidence: float
    observed: float
    n: int
    ci95: tuple[float, float]


def equal_mass_bins(confidence: np.ndarray) -> np.ndarray:
    """(n,) bin number from 0 in rising order of confidence; equal confidences always share a bin."""
    values, which, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    bins = np.zeros(len(values), dtype=np.int64)
    left_n, left_bins = len(confidence), max(1, min(BINS, len(confidence) // SMALLEST_BIN))
    current, size, wanted = 0, 0, left_n / left_bins
    for index, count in enumerate(counts):
        bins[index] = current
        size += int(count)
        # A bin is closed only when what is left fills another one.
        if left_bins > 1 and size >= max(SMALLEST_BIN, round(wanted)) and left_n - size >= SMALLEST_BIN:
            left_n, left_bins = left_n - size, left_bins - 1
            current, size, wanted = current + 1, 0, left_n / left_bins
    return bins[which]


def reliability(confidence: np.ndarray, hit: np.ndarray, bins: np.ndarray, groups: np.ndarray) -> list[Bin]:
    """Bins of the reliability diagram, by rising confidence.

    Args:
        confidence: (n,) predicted probabilities.
        hit: (n,) 1 where it came true.
        bins: (n,) from :func:`equal_mass_bins`.
        groups: (n,) samples of one group are one piece of evidence for the interval.
    """
    found = []
    for number in np.unique(bins):
        inside = bins == number
        observed = float(hit[inside].mean())
        independent = len(np.unique(groups[inside]))
        interval = wilson(observed, independent)
        found.append(Bin(float(confidence[inside].mean()), observed, int(inside.sum()), interval))
    return found


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share observed in n independent trials (Wilson 1927)."""
    z = float(norm.ppf(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def weighted_ece(confidence: np.ndarray, hit: np.ndarray, bins: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(R,) expected calibration error: mean distance of observed share and confidence, weighted by the bins' mass.

    Args:
        confidence: (n,).
        hit: (n,).
        bins: (n,).
        weights: (R, n), not negative, no row all zero.
    """
    gaps = np.zeros((len(bins), int(bins.max()) + 1))
    gaps[np.arange(len(bins)), bins] = hit - confidence
    return np.asarray(np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1))


def ece_of_perfect(confidence: np.ndarray, bins: np.ndarray) -> float:
    """Say what error a perfectly calibrated model would show on as many samples, by chance alone.

    The gap of a bin is then nearly normal with the variance of its coin tosses; its expected size is sqrt(2/pi) sigma.
    """
    variance = np.bincount(bins, weights=confidence * (1 - confidence))
    return float(np.sqrt(2 / np.pi * np.clip(variance, 0, None)).sum() / len(bins))
