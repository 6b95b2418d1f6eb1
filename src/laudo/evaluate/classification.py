"""Classification metrics for any sample weights: the value itself (weights of one) and every resample by the same code.

Two classes: precision, sensitivity, specificity, f1, auc_roc and auc_pr are of the positive class, the second one.
More: unweighted means over the classes that occur in the truth, each against the rest.
Samples with several labels: see :mod:`laudo.evaluate.label_metrics`.
NaN means undefined; it becomes null in metrics.json.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from laudo.core.errors import UnknownNameError
from laudo.core.messages import _
from laudo.evaluate.calibration import weighted_ece
from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.label_metrics import LABEL_METRICS, PER_LABEL
from laudo.evaluate.weighted import Weighted, WeightedLabels

Key = tuple[str, int | None]
"""A metric, and the class it is of; None: of the whole."""

W = TypeVar("W", Weighted, WeightedLabels)


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


def metric_names(cases: Cases | LabelCases) -> tuple[str, ...]:
    """Metrics of the whole that there are for such cases."""
    return tuple(LABEL_METRICS) if isinstance(cases, LabelCases) else tuple(METRICS)


def headline_keys(names: Iterable[str] = tuple(METRICS)) -> list[Key]:
    """Keys of metrics of the whole.

    Raises:
        UnknownNameError: there is no such metric.
    """
    keys: list[Key] = [(name, None) for name in names]
    strange = [name for name, _index in keys if name not in METRICS and name not in LABEL_METRICS]
    if strange:
        raise UnknownNameError(
            _("There is no metric of this name."), found=", ".join(strange), expected=", ".join(METRICS)
        )
    return keys


def class_keys(n_classes: int, names: Iterable[str] = tuple(PER_CLASS)) -> list[Key]:
    """Keys of every metric of every class."""
    return [(name, index) for index in range(n_classes) for name in names]


def all_keys(cases: Cases | LabelCases) -> list[Key]:
    """Keys of everything that can be said of such cases."""
    names = PER_LABEL if isinstance(cases, LabelCases) else PER_CLASS
    return [*headline_keys(metric_names(cases)), *class_keys(cases.n_classes, names)]


def score(cases: Cases | LabelCases, weights: np.ndarray, keys: Iterable[Key]) -> dict[Key, np.ndarray]:
    """(R,) values of each metric under (R, n) weights; NaN where undefined.

    Raises:
        UnknownNameError: a metric is not for such cases.
    """
    keys = list(keys)
    strange = [name for name, index in keys if index is None and name not in metric_names(cases)]
    if strange:
        raise UnknownNameError(
            _("There is no metric of this name."), found=", ".join(strange), expected=", ".join(metric_names(cases))
        )
    if isinstance(cases, LabelCases):
        return _score(WeightedLabels(cases, weights), keys, LABEL_METRICS, PER_LABEL)
    return _score(Weighted(cases, weights), keys, METRICS, PER_CLASS)


def _score(
    weighted: W,
    keys: Iterable[Key],
    whole: dict[str, Callable[[W], np.ndarray]],
    each: dict[str, Callable[[W], np.ndarray]],
) -> dict[Key, np.ndarray]:
    by_class: dict[str, np.ndarray] = {}
    found: dict[Key, np.ndarray] = {}
    for name, index in keys:
        if index is None:
            found[name, index] = whole[name](weighted)
        else:
            if name not in by_class:
                by_class[name] = each[name](weighted)
            found[name, index] = by_class[name][:, index]
    return found


def point_values(cases: Cases | LabelCases, keys: Iterable[Key]) -> dict[Key, float]:
    """Value of each metric on the cases as they are; NaN where undefined."""
    return {key: float(values[0]) for key, values in score(cases, np.ones((1, len(cases))), keys).items()}


def measure(
    probabilities: np.ndarray,
    truth: np.ndarray,
    decided: np.ndarray | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, float | None]:
    """Metrics without intervals, for example after each epoch.

    Args:
        probabilities: (n, K).
        truth: (n,) class index; of samples with several labels (n, K), 1 or 0.
        decided: as ``truth``; None: the largest probability, or each from 0.5 on.
        names: which ones; None: all that there are.

    Returns:
        Value of each metric; None where it is undefined.
    """
    kind = LabelCases if np.ndim(truth) == 2 else Cases
    cases = kind.from_arrays(probabilities, truth, decided)
    values = point_values(cases, headline_keys(metric_names(cases) if names is None else names))
    return {name: plain(value) for (name, _index), value in values.items()}


def plain(value: float) -> float | None:
    """Make a float that JSON can hold: None for what is undefined."""
    return float(value) if np.isfinite(value) else None
