"""Grey levels of a prepared picture, wherever they stand: histogram, moments, percentiles, entropy."""

from __future__ import annotations

import numpy as np

BINS = 32
PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
DARK = 8
"""Grey levels below this are taken for background: share of the picture, and moments without them."""


def names() -> tuple[str, ...]:
    """Names of what :func:`measure` gives, in its order."""
    moments = ("mean", "deviation", "skewness", "kurtosis")
    return (
        *[f"histogram_{index}" for index in range(BINS)],
        *[f"grey_{name}" for name in moments],
        *[f"grey_percentile_{percent}" for percent in PERCENTILES],
        "grey_entropy",
        "dark_share",
        *[f"bright_{name}" for name in moments],
    )


def measure(grey: np.ndarray) -> np.ndarray:
    """(D,) float64 of an (H, W) uint8 picture: shares, grey levels of 256, bits."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.float64)
    bright = counts.copy()
    bright[:DARK] = 0
    return np.concatenate(
        [
            counts.reshape(BINS, -1).sum(axis=1) / grey.size,
            moments(counts),
            percentiles(counts, PERCENTILES),
            [entropy(counts), counts[:DARK].sum() / grey.size],
            moments(bright),
        ]
    )


def moments(counts: np.ndarray) -> np.ndarray:
    """(4,) mean, deviation, skewness and excess kurtosis of a histogram; the last two are 0 where nothing varies, all where it is
    empty.
    """
    total = counts.sum()
    if total == 0:
        return np.zeros(4)
    values = np.arange(len(counts))
    mean = float(counts @ values / total)
    away = values - mean
    variance = float(counts @ away**2 / total)
    if variance < 1e-9:
        return np.array([mean, 0.0, 0.0, 0.0])
    skewness = float(counts @ away**3 / total) / variance**1.5
    return np.array([mean, variance**0.5, skewness, float(counts @ away**4 / total) / variance**2 - 3])


def percentiles(counts: np.ndarray, percents: tuple[int, ...]) -> np.ndarray:
    """Smallest value that at least this share of a histogram does not exceed; 0 of an empty one."""
    reached = counts.cumsum()
    if reached[-1] == 0:
        return np.zeros(len(percents))
    found: np.ndarray = np.searchsorted(reached, np.array(percents) / 100 * reached[-1] - 1e-9).astype(np.float64)
    return found


def entropy(counts: np.ndarray) -> float:
    """Bits of a histogram; 0 of an empty one."""
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum()) + 0.0
