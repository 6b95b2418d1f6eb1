"""ROC and precision-recall curves of each class against the rest, with few enough points for a report."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import precision_recall_curve, roc_curve

from laudo.evaluate.cases import Cases
from laudo.evaluate.label_cases import LabelCases

MOST_POINTS = 200
"""Points of a curve after thinning."""


def roc_points(cases: Cases | LabelCases, index: int) -> dict[str, list[float]]:
    """``fpr`` and ``tpr`` from (0, 0) to (1, 1) of one class; both classes must occur."""
    fpr, tpr, _cuts = roc_curve(is_of(cases, index), cases.probabilities[:, index])
    return _named(fpr, tpr, ("fpr", "tpr"))


def pr_points(cases: Cases | LabelCases, index: int) -> dict[str, list[float]]:
    """``recall`` and ``precision`` by rising recall of one class, which must occur."""
    truth, scores = is_of(cases, index), cases.probabilities[:, index]
    precision, recall, _cuts = precision_recall_curve(truth, scores, drop_intermediate=True)
    return _named(recall[::-1], precision[::-1], ("recall", "precision"))


def is_of(cases: Cases | LabelCases, index: int) -> np.ndarray:
    """(n,) bool: which samples are of a class, or have a label."""
    return np.asarray(cases.truth[:, index] == 1 if isinstance(cases, LabelCases) else cases.truth == index)


def thin(x: np.ndarray, y: np.ndarray, most: int = MOST_POINTS) -> np.ndarray:
    """Choose at most ``most`` points, by index, at even steps along the curve; both ends are among them."""
    if len(x) <= most:
        return np.arange(len(x))
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], most)))
    kept[0], kept[-1] = 0, len(x) - 1
    return np.asarray(kept)


def _named(x: np.ndarray, y: np.ndarray, names: tuple[str, str]) -> dict[str, list[float]]:
    kept = thin(x, y)
    return {name: [float(value) for value in values[kept]] for name, values in zip(names, (x, y), strict=True)}


def curves(cases: Cases | LabelCases, classes: tuple[str, ...]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """``roc`` and ``pr`` points of every class that occurs beside another one."""
    several = isinstance(cases, LabelCases)
    drawn = [int(index) for index in cases.present] if several or len(cases.present) > 1 else []
    return {
        "roc": {classes[index]: roc_points(cases, index) for index in drawn},
        "pr": {classes[index]: pr_points(cases, index) for index in drawn},
    }
