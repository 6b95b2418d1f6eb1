"""Classification metrics for any sample weights: the value itself (weights of one) and every resample by the same code.

Two classes: precision, sensitivity, specificity, f1, auc_roc and auc_pr are of the positive class, the second one.
More: unweighted means over the classes that occur in the truth, each against the rest.
NaN means undefined; it becomes null in metrics.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

import numpy as np

from laudo.core.errors import UnknownNameError
from laudo.core.messages import _
from laudo.evaluate.calibration import weighted_ece
from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.ranking import ratio, weighted_auc_pr, weighted_auc_roc

Key = tuple[str, int | None]
"""A metric, and the class it is of; None: of the whole."""


class Weighted:
    """Cases under R sets of weights; each quantity is worked out when it is first asked for.

    Args:
        cases: n samples of K classes.
        weights: (R, n), not negative, no row all zero.
    """

    def __init__(self, cases: Cases, weights: np.ndarray) -> None:
        self.cases = cases
        self.weights = weights

    @cached_property
    def total(self) -> np.ndarray:
        """(R,) sum of the weights."""
        return np.asarray(self.weights.sum(axis=1))

    @cached_property
    def confusion(self) -> np.ndarray:
        """(R, K, K) weight of each cell; rows are the truth."""
        k = self.cases.n_classes
        return np.asarray(self.weights @ self.cases.cells).reshape(-1, k, k)

    @cached_property
    def right(self) -> np.ndarray:
        """(R, K) weight of each class that was called right."""
        return np.diagonal(self.confusion, axis1=1, axis2=2)

    @cached_property
    def actual(self) -> np.ndarray:
        """(R, K) weight of each class in the truth."""
        return np.asarray(self.confusion.sum(axis=2))

    @cached_property
    def called(self) -> np.ndarray:
        """(R, K) weight of each class among the calls."""
        return np.asarray(self.confusion.sum(axis=1))

    @cached_property
    def precision(self) -> np.ndarray:
        """(R, K); NaN where a class is never called."""
        return ratio(self.right, self.called)

    @cached_property
    def sensitivity(self) -> np.ndarray:
        """(R, K); NaN where a class is absent."""
        return ratio(self.right, self.actual)

    @cached_property
    def specificity(self) -> np.ndarray:
        """(R, K); NaN where there is nothing but the class."""
        total = self.total[:, None]
        return ratio(total - self.actual - self.called + self.right, total - self.actual)

    @cached_property
    def f1(self) -> np.ndarray:
        """(R, K); NaN where a class is absent."""
        return np.where(self.actual > 0, ratio(2 * self.right, self.actual + self.called), np.nan)

    @cached_property
    def auc_roc(self) -> np.ndarray:
        """(R, K) each class against the rest."""
        return np.stack([weighted_auc_roc(ranking, self.weights) for ranking in self.cases.rankings], axis=1)

    @cached_property
    def auc_pr(self) -> np.ndarray:
        """(R, K) average precision of each class against the rest."""
        return np.stack([weighted_auc_pr(ranking, self.weights) for ranking in self.cases.rankings], axis=1)

    def headline(self, rates: np.ndarray) -> np.ndarray:
        """(R,) from (R, K): the positive class of two, else the mean over the classes present in the data.

        A resample that lost one of those classes is undefined, so that every resample estimates the same thing.
        """
        if self.cases.n_classes == 2:
            return rates[:, POSITIVE]
        return self.macro(rates)

    def macro(self, rates: np.ndarray) -> np.ndarray:
        """(R,) unweighted mean over the classes present in the data."""
        return np.asarray(rates[:, self.cases.present].mean(axis=1))

    def average(self, losses: np.ndarray) -> np.ndarray:
        """(R,) weighted mean of (n,) losses."""
        return np.asarray(self.weights @ losses / self.total)


def accuracy(weighted: Weighted) -> np.ndarray:
    """Share of samples called right."""
    return np.asarray(weighted.right.sum(axis=1) / weighted.total)


def balanced_accuracy(weighted: Weighted) -> np.ndarray:
    """Mean sensitivity of the classes present; undefined when there is only one."""
    value = weighted.macro(weighted.sensitivity)
    return value if len(weighted.cases.present) > 1 else np.full_like(value, np.nan)


def precision(weighted: Weighted) -> np.ndarray:
    """Positive predictive value. In the mean of several classes, one that occurs and is never called counts as zero."""
    if weighted.cases.n_classes == 2:
        return weighted.precision[:, POSITIVE]
    missed = (weighted.called == 0) & (weighted.actual > 0)
    return weighted.macro(np.where(missed, 0.0, weighted.precision))


def brier(weighted: Weighted) -> np.ndarray:
    """Mean squared error of the probability, 0 to 1; with more than two classes their sum, 0 to 2 (Brier 1950)."""
    cases = weighted.cases
    errors = (cases.probabilities - np.eye(cases.n_classes)[cases.truth]) ** 2
    return weighted.average(errors[:, POSITIVE] if cases.n_classes == 2 else errors.sum(axis=1))


def log_loss(weighted: Weighted) -> np.ndarray:
    """Mean negative natural logarithm of the true class's probability, which is kept 2.2e-16 away from zero."""
    cases = weighted.cases
    given = cases.probabilities[np.arange(len(cases)), cases.truth]
    smallest = float(np.finfo(float).eps)
    return weighted.average(-np.log(np.clip(given, smallest, 1 - smallest)))


def ece(weighted: Weighted) -> np.ndarray:
    """Calibration error that is expected of a sample: the mean over the bins of the reliability diagram."""
    cases = weighted.cases
    return weighted_ece(cases.confidence, cases.hit, cases.bins, weighted.weights)


METRICS: dict[str, Callable[[Weighted], np.ndarray]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "sensitivity": lambda weighted: weighted.headline(weighted.sensitivity),
    "specificity": lambda weighted: weighted.headline(weighted.specificity),
    "f1": lambda weighted: weighted.headline(weighted.f1),
    "f1_macro": lambda weighted: weighted.macro(weighted.f1),
    "auc_roc": lambda weighted: weighted.headline(weighted.auc_roc),
    "auc_pr": lambda weighted: weighted.headline(weighted.auc_pr),
    "brier": brier,
    "log_loss": log_loss,
    "ece": ece,
}
"""Every metric of the whole: (R,) from R sets of weights."""

PER_CLASS: dict[str, Callable[[Weighted], np.ndarray]] = {
    "precision": lambda weighted: weighted.precision,
    "sensitivity": lambda weighted: weighted.sensitivity,
    "specificity": lambda weighted: weighted.specificity,
    "f1": lambda weighted: weighted.f1,
    "auc_roc": lambda weighted: weighted.auc_roc,
}
"""Every metric of one class against the rest: (R, K) from R sets of weights."""


def headline_keys(names: Iterable[str] = tuple(METRICS)) -> list[Key]:
    """Keys of metrics of the whole.

    Raises:
        UnknownNameError: there is no such metric.
    """
    keys: list[Key] = [(name, None) for name in names]
    strange = [name for name, _index in keys if name not in METRICS]
    if strange:
        raise UnknownNameError(
            _("There is no metric of this name."), found=", ".join(strange), expected=", ".join(METRICS)
        )
    return keys


def class_keys(n_classes: int) -> list[Key]:
    """Keys of every metric of every class."""
    return [(name, index) for index in range(n_classes) for name in PER_CLASS]


def score(cases: Cases, weights: np.ndarray, keys: Iterable[Key]) -> dict[Key, np.ndarray]:
    """(R,) values of each metric under (R, n) weights; NaN where undefined."""
    weighted = Weighted(cases, weights)
    found: dict[Key, np.ndarray] = {}
    for name, index in keys:
        found[name, index] = METRICS[name](weighted) if index is None else PER_CLASS[name](weighted)[:, index]
    return found


def point_values(cases: Cases, keys: Iterable[Key]) -> dict[Key, float]:
    """Value of each metric on the cases as they are; NaN where undefined."""
    return {key: float(values[0]) for key, values in score(cases, np.ones((1, len(cases))), keys).items()}


def measure(
    probabilities: np.ndarray,
    truth: np.ndarray,
    decided: np.ndarray | None = None,
    names: Iterable[str] = tuple(METRICS),
) -> dict[str, float | None]:
    """Metrics without intervals, for example after each epoch.

    Args:
        probabilities: (n, K).
        truth: (n,) class index.
        decided: (n,) class index; None: the largest probability.
        names: which ones.

    Returns:
        Value of each metric; None where it is undefined.
    """
    values = point_values(Cases.from_arrays(probabilities, truth, decided), headline_keys(names))
    return {name: plain(value) for (name, _index), value in values.items()}


def plain(value: float) -> float | None:
    """Make a float that JSON can hold: None for what is undefined."""
    return float(value) if np.isfinite(value) else None
