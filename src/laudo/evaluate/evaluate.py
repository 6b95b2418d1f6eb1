"""Score predictions, whoever made them: metrics with intervals, confusion, curves, calibration and notes."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

from laudo.core.predictions import Predictions
from laudo.evaluate.calibration import reliability
from laudo.evaluate.cases import Cases
from laudo.evaluate.classification import Key, class_keys, headline_keys, plain, point_values
from laudo.evaluate.curves import curves
from laudo.evaluate.intervals import Interval, intervals
from laudo.evaluate.notes import collect_notes


def evaluate(predictions: Predictions, bootstrap: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Everything that metrics.json says of one part.

    Args:
        predictions: of one part, or of all folds together.
        bootstrap: resamples of the groups for the 95 % intervals; 0: none.
        seed: of the resamples; the same seed gives the same intervals.

    Returns:
        ``n, groups, threshold, metrics, per_class, confusion, curves, notes``, ready for JSON: None where a value, or
        its interval, is undefined. ``confusion["matrix"]`` has the truth in rows. The notes are facts;
        :func:`laudo.evaluate.notes.note_sentence` makes sentences of them.

    Raises:
        DataError: there is nothing to score, or it is not probabilities.
    """
    cases = Cases.from_predictions(predictions)
    classes = predictions.classes
    values = point_values(cases, [*headline_keys(), *class_keys(len(classes))])
    found = intervals(cases, values, bootstrap, seed)
    bins = reliability(cases.confidence, cases.hit, cases.bins, cases.groups)
    return {
        "n": len(cases),
        "groups": cases.n_groups,
        "threshold": _threshold(predictions),
        "metrics": {key[0]: _entry(values[key], found[key]) for key in headline_keys()},
        "per_class": {name: _class_entry(cases, index, values, found) for index, name in enumerate(classes)},
        "confusion": {"classes": list(classes), "matrix": _confusion(cases)},
        "curves": {
            **curves(cases, classes),
            "reliability": [
                {"confidence": one.confidence, "observed": one.observed, "n": one.n, "ci95": list(one.ci95)}
                for one in bins
            ],
        },
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


def _class_entry(cases: Cases, index: int, values: dict[Key, float], found: dict[Key, Interval]) -> dict[str, Any]:
    entries = {key[0]: _entry(values[key], found[key]) for key in values if key[1] == index}
    return {"n": int((cases.truth == index).sum()), **entries}


def _confusion(cases: Cases) -> list[list[int]]:
    matrix = cases.cells.sum(axis=0).reshape(cases.n_classes, cases.n_classes)
    return [[int(count) for count in row] for row in matrix]


def _threshold(predictions: Predictions) -> float | None:
    """Find the one threshold that was used; None: the largest probability decided, or folds had their own."""
    used = predictions.table["threshold"].to_numpy(dtype=float)
    return float(used[0]) if np.isfinite(used).all() and len(np.unique(used)) == 1 else None
