"""Metrics of samples that may have several labels or none, for any sample weights.

Each label is a question of its own. Means over labels are unweighted and leave out a label that every sample has, or none.
NaN means undefined.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from laudo.evaluate.ranking import ratio
from laudo.evaluate.weighted import WeightedLabels


def accuracy(weighted: WeightedLabels) -> np.ndarray:
    """Share of samples all of whose labels were called right, and no other (exact match)."""
    cases = weighted.cases
    return weighted.average((cases.truth == cases.decided).all(axis=1).astype(float))


def hamming_accuracy(weighted: WeightedLabels) -> np.ndarray:
    """Share of right answers among all labels of all samples: 1 minus the Hamming loss."""
    cases = weighted.cases
    return weighted.average((cases.truth == cases.decided).mean(axis=1))


def precision(weighted: WeightedLabels) -> np.ndarray:
    """Mean over labels; one that occurs and is never called counts as zero."""
    missed = (weighted.called == 0) & (weighted.actual > 0)
    return weighted.macro(np.where(missed, 0.0, weighted.precision))


def f1_micro(weighted: WeightedLabels) -> np.ndarray:
    """F1 of all labels of all samples counted together, so that a frequent label counts more."""
    return ratio(2 * weighted.right.sum(axis=1), (weighted.actual + weighted.called).sum(axis=1))


def squared_errors(weighted: WeightedLabels) -> np.ndarray:
    """(R, K) mean squared error of each label's probability."""
    cases = weighted.cases
    return np.asarray(weighted.weights @ (cases.probabilities - cases.truth) ** 2 / weighted.total[:, None])


def log_loss(weighted: WeightedLabels) -> np.ndarray:
    """Mean over labels and samples of the binary logarithmic loss; probabilities are kept 2.2e-16 away from 0 and 1."""
    cases, smallest = weighted.cases, float(np.finfo(float).eps)
    given = np.where(cases.truth == 1, cases.probabilities, 1 - cases.probabilities)
    return weighted.average(-np.log(np.clip(given, smallest, 1 - smallest)).mean(axis=1))


def ece(weighted: WeightedLabels) -> np.ndarray:
    """Calibration error of all labels' probabilities together: the mean over the bins of the reliability diagram."""
    cases = weighted.cases
    gaps = np.zeros((len(cases.bins), int(cases.bins.max()) + 1))
    gaps[np.arange(len(cases.bins)), cases.bins] = (cases.hit - cases.confidence) / cases.n_classes
    of_samples = gaps.reshape(len(cases), cases.n_classes, -1).sum(axis=1)
    return np.asarray(np.abs(weighted.weights @ of_samples).sum(axis=1) / weighted.total)


LABEL_METRICS: dict[str, Callable[[WeightedLabels], np.ndarray]] = {
    "accuracy": accuracy,
    "hamming_accuracy": hamming_accuracy,
    "balanced_accuracy": lambda weighted: weighted.macro((weighted.sensitivity + weighted.specificity) / 2),
    "precision": precision,
    "sensitivity": lambda weighted: weighted.macro(weighted.sensitivity),
    "specificity": lambda weighted: weighted.macro(weighted.specificity),
    "f1_macro": lambda weighted: weighted.macro(weighted.f1),
    "f1_micro": f1_micro,
    "auc_roc": lambda weighted: weighted.macro(weighted.auc_roc),
    "auc_pr": lambda weighted: weighted.macro(weighted.auc_pr),
    "brier": lambda weighted: squared_errors(weighted).mean(axis=1),
    "log_loss": log_loss,
    "ece": ece,
}
"""Every metric of the whole: (R,) from R sets of weights."""

PER_LABEL: dict[str, Callable[[WeightedLabels], np.ndarray]] = {
    "precision": lambda weighted: weighted.precision,
    "sensitivity": lambda weighted: weighted.sensitivity,
    "specificity": lambda weighted: weighted.specificity,
    "f1": lambda weighted: weighted.f1,
    "auc_roc": lambda weighted: weighted.auc_roc,
    "auc_pr": lambda weighted: weighted.auc_pr,
    "brier": squared_errors,
}
"""Every metric of one label: (R, K) from R sets of weights."""
