"""Score predictions, whoever made them: metrics with intervals, confusion, curves, calibration and notes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

from laudo.core.predictions import Predictions
from laudo.evaluate.calibration import ece_of_perfect, reliability
from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.chance_calibration import calibrated_by_chance
from laudo.evaluate.classification import Key, all_keys, plain, point_values
from laudo.evaluate.curves import curves, is_of
from laudo.evaluate.decision_curve import decision_curve
from laudo.evaluate.intervals import Interval, intervals
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.notes import collect_notes


def evaluate(predictions: Predictions, bootstrap: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Everything that metrics.json says of one part.

    Args:
        predictions: of one part, or of all folds together.
        bootstrap: resamples of the groups for the 95 % intervals; 0: none.
        seed: of the resamples; the same seed gives the same intervals.

    Returns:
        ``n, groups, threshold, metrics, per_class, confusion, curves, calibration, decision_curve, notes``, ready for JSON: None
        where a value, or its interval, is undefined. ``confusion["matrix"]`` has the truth in rows. ``calibration`` sets the
        calibration error beside what a perfectly calibrated model would show (``by_chance``, whose ``ci95`` holds 95 % of the
        simulations; the bias lies between 0 and its value). ``decision_curve`` is that of the positive class of two, or of each
        label; else there is none. The notes are facts;
        :func:`laudo.evaluate.notes.note_sentence` makes sentences of them. Where samples may have several labels there is
        no ``confusion``; ``thresholds`` has each label's threshold, and ``most_frequent`` the share of the samples that
        have the most frequent set of labels.

    Raises:
        DataError: there is nothing to score, or it is not probabilities.
    """
    several = predictions.multilabel
    cases = LabelCases.from_predictions(predictions) if several else Cases.from_predictions(predictions)
    classes = predictions.classes
    values = point_values(cases, all_keys(cases))
    found = intervals(cases, values, bootstrap, seed)
    bins = reliability(cases.confidence, cases.hit, cases.bins, _groups_of_bins(cases))
    ece = _entry(values["ece", None], found["ece", None])
    return {
        "n": len(cases),
        "groups": cases.n_groups,
        "threshold": None if several else _threshold(predictions),
        **(_of_labels(predictions) if several else {}),
        "metrics": {key[0]: _entry(values[key], found[key]) for key in values if key[1] is None},
        "per_class": {name: _class_entry(cases, index, values, found) for index, name in enumerate(classes)},
        **({} if isinstance(cases, LabelCases) else {"confusion": _confusion(cases, classes)}),
        "curves": {
            **curves(cases, classes),
            "reliability": [
                {"confidence": one.confidence, "observed": one.observed, "n": one.n, "ci95": list(one.ci95)}
                for one in bins
            ],
        },
        "calibration": _calibration(cases, ece, bootstrap, seed),
        "decision_curve": _decision_curves(cases, classes, bootstrap, seed),
        "notes": collect_notes(predictions, cases, values, found, bootstrap),
    }


def pool(fold_results: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Spread of each metric over folds.

    Args:
        fold_results: what :func:`evaluate` gave for each fold.

    Returns:
        ``{metric: {"mean", "std", "values"}}``; a fold in which a metric is undefined is None among the values and not
        in the mean; std is the sample's (n - 1), None with fewer than two values.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in fold_results[0]["metrics"] if fold_results else ():
        values = [result["metrics"][name]["value"] for result in fold_results]
        defined = [value for value in values if value is not None]
        found[name] = {
            "mean": fmean(defined) if defined else None,
            "std": stdev(defined) if len(defined) > 1 else None,
            "values": values,
        }
    return found


def _entry(value: float, interval: Interval) -> dict[str, Any]:
    return {"value": plain(value), "ci95": interval.as_list()}


def _class_entry(
    cases: Cases | LabelCases, index: int, values: dict[Key, float], found: dict[Key, Interval]
) -> dict[str, Any]:
    entries = {key[0]: _entry(values[key], found[key]) for key in values if key[1] == index}
    return {"n": int(is_of(cases, index).sum()), **entries}


def _calibration(cases: Cases | LabelCases, ece: dict[str, Any], bootstrap: int, seed: int) -> dict[str, Any]:
    """The calibration error, and what there would be of it by chance."""
    found: dict[str, Any] = {"n": len(cases), "groups": cases.n_groups, "bins": int(cases.bins.max()) + 1, "ece": ece}
    if not bootstrap:
        expected = ece_of_perfect(cases.confidence, cases.bins)
        none = {"value": expected, "ci95": None, "simulations": 0}
        return {**found, "by_chance": none, "excess": _above(ece, expected), "p_value": None}
    groups = cases.groups
    if isinstance(cases, LabelCases):  # each label of a group is a question of its own
        groups = (cases.groups[:, None] * cases.n_classes + np.arange(cases.n_classes)).ravel()
    by = calibrated_by_chance(cases.confidence, cases.bins, groups, ece["value"], seed)
    chance = {"value": by.mean, "ci95": list(by.ends), "simulations": by.simulations}
    return {**found, "by_chance": chance, "excess": _above(ece, by.mean), "p_value": by.p_value}


def _above(ece: dict[str, Any], chance: float) -> dict[str, Any]:
    """The error minus all of the bias that there may be."""
    ends = ece["ci95"]
    return {"value": ece["value"] - chance, "ci95": None if ends is None else [end - chance for end in ends]}


def _decision_curves(
    cases: Cases | LabelCases, classes: Sequence[str], bootstrap: int, seed: int
) -> dict[str, dict[str, Any]] | None:
    """Of the positive class, or of each label that some cases have and others have not; None of more than two classes."""
    if isinstance(cases, Cases) and cases.n_classes != 2:
        return None
    asked = range(cases.n_classes) if isinstance(cases, LabelCases) else (POSITIVE,)
    found = {
        classes[index]: decision_curve(
            cases.probabilities[:, index], is_of(cases, index), cases.groups, bootstrap, seed
        )
        for index in asked
    }
    return {name: one for name, one in found.items() if one is not None}


def _confusion(cases: Cases, classes: Sequence[str]) -> dict[str, Any]:
    matrix = cases.cells.sum(axis=0).reshape(cases.n_classes, cases.n_classes)
    return {"classes": list(classes), "matrix": [[int(count) for count in row] for row in matrix]}


def _groups_of_bins(cases: Cases | LabelCases) -> np.ndarray:
    """Group of each probability that is calibrated: of several labels, a sample has as many."""
    return np.repeat(cases.groups, cases.n_classes) if isinstance(cases, LabelCases) else cases.groups


def _of_labels(predictions: Predictions) -> dict[str, Any]:
    """Each label's threshold, None where folds had their own; and how frequent the most frequent set of labels is."""
    cuts = dict(zip(predictions.classes, predictions.thresholds.T, strict=True))
    _sets, counts = np.unique(predictions.truth, axis=0, return_counts=True)
    return {
        "thresholds": {name: float(used[0]) if len(np.unique(used)) == 1 else None for name, used in cuts.items()},
        "most_frequent": float(counts.max() / counts.sum()),
    }


def _threshold(predictions: Predictions) -> float | None:
    """Find the one threshold that was used; None: the largest probability decided, or folds had their own."""
    used = predictions.table["threshold"].to_numpy(dtype=float)
    return float(used[0]) if np.isfinite(used).all() and len(np.unique(used)) == 1 else None
