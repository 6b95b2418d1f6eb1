"""A small model that should fail: trained on what is no evidence, judged by cross-validation in which groups stay whole.

When it does predict the class, a network may learn the same shortcut. Its area under the ROC curve is 0.5 by chance, whatever the
class balance; the interval comes from a bootstrap over groups.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from laudo.evaluate.cases import Cases
from laudo.evaluate.classification import headline_keys, point_values
from laudo.evaluate.intervals import intervals

FOLDS = 5
FEWEST = 10
"""Samples of a class, below which it is left out of the probe."""
MOST = 5000
"""Samples that are enough; of larger sets as many are drawn."""
RESAMPLES = 500
"""Of the bootstrap."""
WARN_FROM = 0.55
"""Low end of the interval of the area under the ROC curve above which the class is predicted clearly better than by chance."""


@dataclass(frozen=True)
class Probe:
    """Outcome of a probe.

    Attributes:
        auc: area under the ROC curve of the out-of-fold predictions; of more than two classes, mean of each against the rest.
        auc_ci95: its 95 % interval; None when there is none.
        accuracy: share named right.
        accuracy_ci95: its 95 % interval.
        baseline: share of the most frequent class.
        n: samples that were used.
        groups: groups among them.
        classes: number of classes that were used.
        left_out: classes too small for it.
    """

    auc: float
    auc_ci95: tuple[float, float] | None
    accuracy: float
    accuracy_ci95: tuple[float, float] | None
    baseline: float
    n: int
    groups: int
    classes: int
    left_out: int

    @property
    def predicts(self) -> bool:
        """Whether the class is predicted clearly better than by chance."""
        return self.auc_ci95 is not None and self.auc_ci95[0] > WARN_FROM

    def as_facts(self) -> dict[str, Any]:
        """For a finding."""
        facts = {name: list(one) if isinstance(one, tuple) else one for name, one in asdict(self).items()}
        return {**facts, "level": WARN_FROM}


def usable_rows(labels: np.ndarray, groups: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rows of the classes with enough samples and groups, at most :data:`MOST`, drawn by groups; none when a class is alone.

    Args:
        labels: (n,) class of each sample; negative: none.
        groups: (n,) what must stay together.
        seed: of the draw.
    """
    used = [
        label
        for label in np.unique(labels[labels >= 0])
        if (labels == label).sum() >= FEWEST and len(np.unique(groups[labels == label])) >= FOLDS
    ]
    rows = np.flatnonzero(np.isin(labels, used)) if len(used) > 1 else np.zeros(0, dtype=np.int64)
    if len(rows) > MOST:
        order = np.random.default_rng(seed).permutation(np.unique(groups[rows]))
        place = dict(zip(order.tolist(), range(len(order)), strict=True))
        rank = np.array([place[group] for group in groups[rows].tolist()])
        rows = np.sort(rows[np.argsort(rank, kind="stable")[:MOST]])
        return usable_rows(np.where(np.isin(np.arange(len(labels)), rows), labels, -1), groups, seed)
    return rows


def run_probe(
    model: Callable[[], Any],
    features: np.ndarray | Sequence[str],
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int = 0,
) -> Probe | None:
    """Cross-validate a model on features that should say nothing.

    Args:
        model: makes an untrained scikit-learn classifier with probabilities.
        features: (n, D), or n texts.
        labels: (n,) class index; negative: none.
        groups: (n,) what must stay together.
        seed: of folds and bootstrap.

    Returns:
        None when there are too few samples or groups for it.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows = usable_rows(labels, groups, seed)
    if not len(rows):
        return None
    table = np.asarray(features, dtype=object if isinstance(features[0], str) else np.float64)[rows]
    names, truth = np.unique(labels[rows], return_inverse=True)
    group = groups[rows]
    probabilities = np.zeros((len(rows), len(names)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class smaller than the folds, a fit that has not converged: still a probe
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        for train, test in folds.split(np.zeros(len(rows)), truth, group):
            if len(np.unique(truth[train])) < 2:
                return None
            fitted = model().fit(table[train], truth[train])
            probabilities[np.ix_(test, fitted.classes_)] = fitted.predict_proba(table[test])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    cases = Cases.from_arrays(probabilities, truth, None, group.astype(str))
    values = point_values(cases, headline_keys(("auc_roc", "accuracy")))
    found = intervals(cases, values, RESAMPLES, seed)
    auc, accuracy = ("auc_roc", None), ("accuracy", None)
    return Probe(
        auc=values[auc],
        auc_ci95=found[auc].bounds,
        accuracy=values[accuracy],
        accuracy_ci95=found[accuracy].bounds,
        baseline=float(np.bincount(truth).max() / len(truth)),
        n=len(rows),
        groups=len(np.unique(group)),
        classes=len(names),
        left_out=len(np.unique(labels[labels >= 0])) - len(names),
    )


def rank_auc(values: np.ndarray, truth: np.ndarray) -> float:
    """How well one number alone orders the classes: the largest area under the ROC curve, or its mirror, of any class."""
    from scipy.stats import rankdata

    ranks = rankdata(values)
    best = 0.5
    for label in np.unique(truth):
        inside = truth == label
        n, m = int(inside.sum()), int((~inside).sum())
        if n and m:
            area = (ranks[inside].sum() - n * (n + 1) / 2) / (n * m)
            best = max(best, float(area), float(1 - area))
    return best
