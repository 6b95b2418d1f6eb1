"""Temperature scaling: one number, found on validation, by which a model's answers are made less, or more, sure of themselves.

Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017. What is scaled are the logarithms of the
answer's probabilities: for one network the same as its logits, and it serves whatever else answers (a mean over views or networks,
a classical classifier, image and text together). The order of a sample's classes never changes, so neither does what is called by
the largest probability.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

SMALLEST = float(np.finfo(float).eps)
"""Probabilities are kept so far from 0 and 1, as in the logarithmic loss that is made small."""

LOWEST, HIGHEST = 0.02, 50.0
"""Temperatures that are looked among."""

Rule = Literal["validation", "no_error", "no_better"]


@dataclass(frozen=True)
class Temperature:
    """A temperature, and how it came about.

    Attributes:
        value: answers' log-probabilities are divided by it; above 1 it makes them less sure. 1 changes nothing.
        ci95: interval by the variation between the groups; None where nothing was fitted.
        rule: ``validation``; else 1 was kept: ``no_error``, for no answer was wrong and then no temperature is low enough;
            ``no_better``, for the answers are no better than chance.
        n: cases it was fitted on.
        groups: groups they are of.
        log_loss: of those cases, before and after.
    """

    value: float
    ci95: tuple[float, float] | None
    rule: Rule
    n: int
    groups: int
    log_loss: tuple[float, float]

    def as_dict(self) -> dict[str, Any]:
        """For model.json."""
        return {
            "method": "temperature",
            "temperature": self.value,
            "ci95": None if self.ci95 is None else list(self.ci95),
            "rule": self.rule,
            "n": self.n,
            "groups": self.groups,
            "log_loss_before": self.log_loss[0],
            "log_loss_after": self.log_loss[1],
        }


def scale(probabilities: np.ndarray, temperature: float, several: bool = False) -> np.ndarray:
    """(n, K) float64 probabilities of (n, K) probabilities at a temperature.

    Args:
        probabilities: rows sum to one; with ``several``, each number is a label's own.
        temperature: above 0; 1 gives back what was given.
        several: whether a sample may have several labels.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not (np.isfinite(temperature) and temperature > 0):
        raise ValueError(f"temperature {temperature}")
    if temperature == 1:
        return np.asarray(probabilities, dtype=float)
    values = _logarithms(np.asarray(probabilities, dtype=float), several) / temperature
    shares = _shares(values)
    return shares[:, 1].reshape(probabilities.shape) if several else shares


def fit_temperature(
    probabilities: np.ndarray, truth: np.ndarray, groups: np.ndarray, several: bool = False
) -> Temperature:
    """The temperature with the least logarithmic loss; with several labels, one for all of them.

    One for all: a label that few cases have could not be fitted on its own, and what makes a network too sure of itself, training
    it for long, is common to its labels.

    Args:
        probabilities: (n, K) of cases that the model was not trained on.
        truth: (n,) class index; with several labels (n, K), 1 or 0.
        groups: (n,) codes 0 … G-1.
        several: whether a sample may have several labels.
    """
    probabilities = np.asarray(probabilities, dtype=float)
    values, codes = _logarithms(probabilities, several), groups
    target = np.asarray(truth, dtype=np.int64)
    if several:
        target, codes = target.ravel(), np.repeat(groups, probabilities.shape[1])
    true = values[np.arange(len(values)), target]
    n, n_groups = len(probabilities), len(np.unique(groups))

    def slope(inverse: float) -> float:
        """Derivative of the summed loss by the inverse temperature; it rises, for the loss is convex in that."""
        return float(_scores(values, true, inverse).sum())

    before = _loss(values, true, 1.0)
    if slope(1 / LOWEST) <= 0:
        return Temperature(1.0, None, "no_error", n, n_groups, (before, before))
    if slope(1 / HIGHEST) >= 0:
        return Temperature(1.0, None, "no_better", n, n_groups, (before, before))
    inverse = float(brentq(slope, 1 / HIGHEST, 1 / LOWEST, xtol=1e-9))
    ci95 = _interval(values, true, codes, inverse)
    return Temperature(1 / inverse, ci95, "validation", n, n_groups, (before, _loss(values, true, inverse)))


def _logarithms(probabilities: np.ndarray, several: bool) -> np.ndarray:
    """(n, K) logarithms; with several labels (n * K, 2), of each label's absence and presence."""
    if several:
        yes = probabilities.ravel()
        probabilities = np.stack([1 - yes, yes], axis=1)
    return np.asarray(np.log(np.clip(probabilities, SMALLEST, 1.0)))


def _shares(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _scores(values: np.ndarray, true: np.ndarray, inverse: float) -> np.ndarray:
    """(m,) derivative of each answer's loss by the inverse temperature."""
    return np.asarray((_shares(values * inverse) * values).sum(axis=1) - true)


def _loss(values: np.ndarray, true: np.ndarray, inverse: float) -> float:
    scaled = values * inverse
    most = scaled.max(axis=1)
    return float((most + np.log(np.exp(scaled - most[:, None]).sum(axis=1)) - true * inverse).mean())


def _interval(values: np.ndarray, true: np.ndarray, codes: np.ndarray, inverse: float) -> tuple[float, float] | None:
    """95 % interval of the temperature from the sandwich variance over groups (Huber 1967), on the logarithmic scale."""
    shares = _shares(values * inverse)
    mean = (shares * values).sum(axis=1)
    curvature = float(((shares * values**2).sum(axis=1) - mean**2).sum())
    of_groups = np.bincount(codes, weights=mean - true)
    groups = len(np.unique(codes))
    if groups < 2 or curvature <= 0:
        return None
    error = np.sqrt(groups / (groups - 1) * float((of_groups**2).sum())) / curvature / inverse
    half = float(norm.ppf(0.975)) * error
    return float(np.exp(-half) / inverse), float(np.exp(half) / inverse)
