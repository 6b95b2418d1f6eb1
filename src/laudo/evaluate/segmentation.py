"""Score predicted masks: means over cases and structures with intervals, the spread of each structure, and notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.errors import DataError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.evaluate.cases import group_codes
from laudo.evaluate.classification import Key, plain
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.intervals import (
    FEWEST_RESAMPLES,
    NO_WIDTH,
    Interval,
    clopper_pearson,
    group_weights,
    percentile_bounds,
)
from laudo.evaluate.mask_notes import mask_notes
from laudo.evaluate.notes import about_intervals
from laudo.evaluate.ranking import ratio

VOXEL_METRICS = ("sensitivity", "specificity", "precision", "accuracy")
"""Their names begin with ``voxel_`` in metrics.json: a network that also names a class has an accuracy of its answers too."""

MEANS: tuple[str, ...] = (
    "dice",
    "iou",
    "hd95_mm",
    "assd_mm",
    "nsd",
    *("voxel_" + name for name in VOXEL_METRICS),
    "volume_error",
    "absolute_volume_error",
    "lesion_sensitivity",
    "lesion_false_positives",
)
"""Metrics that are averaged over the structures."""

VOLUMES = ("volume_mm3", "true_volume_mm3")
"""Given of each structure only, over the cases whose truth has it."""


@dataclass(frozen=True)
class Average:
    """A metric as a ratio of two sums over cases, so that resampling cases is a product of matrices.

    Attributes:
        numerator: (n, S).
        denominator: (n, S); of a mean 1 where the case has a value.
    """

    numerator: np.ndarray
    denominator: np.ndarray

    def under(self, weights: np.ndarray) -> np.ndarray:
        """(R, S) values under (R, n) weights of the cases; NaN where no case counts."""
        return ratio(weights @ self.numerator, weights @ self.denominator)

    @property
    def of_cases(self) -> np.ndarray:
        """(n, S) the ratio of each case, NaN where it has none."""
        return ratio(self.numerator, self.denominator)


def evaluate_masks(scores: MaskScores, bootstrap: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Everything that metrics.json says of the masks of one part.

    Args:
        scores: of one part, or of all folds together.
        bootstrap: resamples of the groups for the 95 % intervals; 0: none.
        seed: of the resamples; the same seed gives the same intervals.

    Returns:
        ``n, groups, kind, length_unit, metrics, per_class, notes``, ready for JSON: None where a value, or its interval, is
        undefined. ``length_unit`` is ``mm``, or ``px`` where images do not say their spacing: then metrics that end in ``_mm``
        are in pixels.
        ``metrics`` has :data:`MEANS`, each the mean over the structures, of which some case has a value, of the mean over
        the cases; ``lesion_sensitivity`` is the share of all true lesions that were found, ``lesion_false_positives`` the
        false ones a case. ``per_class`` has for each structure ``n``, the cases whose truth has it, and of each metric
        ``value, ci95``, and ``median, iqr, n`` of the cases that have a value; of :data:`VOLUMES` those are the cases whose
        truth has the structure. Where the network names a class too, its metrics are in ``metrics`` as well, and all that is
        said of it is in ``label``.

    Raises:
        DataError: there is nothing to score.
    """
    if not len(scores):
        raise DataError(_("There are no predictions to score."))
    groups, unknown = group_codes(scores.table["group"].where(~scores.table["group"].isna(), "").tolist())
    averages = _averages(scores)
    points = _points(averages)
    draws = _draws(averages, groups, bootstrap, seed) if bootstrap else {}
    found = {key: _interval(key, points, draws, averages, groups) for key in points}
    whole = {key: value for key, value in points.items() if key[1] is None}
    notes = mask_notes(scores, unknown)
    if bootstrap:
        notes += about_intervals(scores.structures, {key: found[key] for key in whole}, whole)
    result: dict[str, Any] = {
        "n": len(scores),
        "groups": int(groups.max()) + 1,
        "kind": "segmentation",
        "length_unit": scores.length_unit,
        "metrics": {key[0]: _entry(value, found[key]) for key, value in whole.items()},
        "per_class": {
            name: {"n": int(scores.in_truth[:, index].sum()), **_structure(averages, points, found, index)}
            for index, name in enumerate(scores.structures)
        },
        "notes": notes,
    }
    predictions = scores.predictions
    if predictions is not None:
        result["label"] = evaluate(predictions, bootstrap, seed)
        result["metrics"] |= result["label"]["metrics"]
    return result


def _averages(scores: MaskScores) -> dict[str, Average]:
    values = {name: scores.matrix(name.removeprefix("voxel_")) for name in MEANS[:9]}
    values["volume_error"] = scores.matrix("volume_error")
    # A case without the structure has no size of it: as a 0 it would pull the mean and the median down.
    values |= {name: np.where(scores.in_truth, scores.matrix(name), np.nan) for name in VOLUMES}
    values["absolute_volume_error"] = np.abs(values["volume_error"])
    values["lesion_false_positives"] = scores.matrix("lesions_false")
    made = {name: Average(np.nan_to_num(one), np.isfinite(one).astype(float)) for name, one in values.items()}
    made["lesion_sensitivity"] = Average(scores.matrix("lesions_found"), scores.matrix("lesions"))
    return {name: made[name] for name in (*MEANS, *VOLUMES)}


def _draws(averages: dict[str, Average], groups: np.ndarray, bootstrap: int, seed: int) -> dict[str, np.ndarray]:
    """(bootstrap, S) resampled values of each metric."""
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in averages}
    with step(_("Intervals"), bootstrap) as advance:
        for weights in group_weights(groups, bootstrap, seed):
            for name, average in averages.items():
                drawn[name].append(average.under(weights))
            advance(len(weights))
    return {name: np.concatenate(blocks) for name, blocks in drawn.items()}


def _points(averages: dict[str, Average]) -> dict[Key, float]:
    """Each metric of each structure, and the mean over the structures that have a value."""
    points: dict[Key, float] = {}
    for name, average in averages.items():
        values = average.under(np.ones((1, len(average.numerator))))[0]
        if name in MEANS:
            judged = values[np.isfinite(values)]
            points[name, None] = float(judged.mean()) if len(judged) else np.nan
        points |= {(name, index): float(value) for index, value in enumerate(values)}
    return points


def _interval(
    key: Key, points: dict[Key, float], draws: dict[str, np.ndarray], averages: dict[str, Average], groups: np.ndarray
) -> Interval:
    name, index = key
    value = points[key]
    if not draws or not np.isfinite(value):
        return Interval(None, "none")
    count = averages[name].numerator.shape[1]
    judged = [one for one in range(count) if np.isfinite(points[name, one])] if index is None else [index]
    # A resample without a case of one of the structures is undefined, so that every resample estimates the same thing.
    resampled = draws[name][:, judged].mean(axis=1)
    defined = resampled[np.isfinite(resampled)]
    dropped = 1 - len(defined) / len(resampled)
    if len(defined) >= FEWEST_RESAMPLES and np.ptp(defined) > NO_WIDTH:
        return Interval(percentile_bounds(defined), "bootstrap", dropped)
    if name == "lesion_sensitivity" and min(value, 1 - value) <= NO_WIDTH:
        having = averages[name].denominator[:, judged] > 0
        fewest = min(len(np.unique(groups[column])) for column in having.T)
        return Interval(clopper_pearson(round(value) * fewest, fewest), "exact", dropped, fewest)
    return Interval(None, "none", dropped)


def _entry(value: float, interval: Interval) -> dict[str, Any]:
    return {"value": plain(value), "ci95": interval.as_list()}


def _structure(
    averages: dict[str, Average], points: dict[Key, float], found: dict[Key, Interval], index: int
) -> dict[str, dict[str, Any]]:
    entries = {}
    for name, average in averages.items():
        cases = average.of_cases[:, index]
        cases = cases[np.isfinite(cases)]
        low, median, high = np.percentile(cases, [25, 50, 75]) if len(cases) else (np.nan, np.nan, np.nan)
        entries[name] = {
            **_entry(points[name, index], found[name, index]),
            "median": plain(median),
            "iqr": [float(low), float(high)] if len(cases) else None,
            "n": len(cases),
        }
    return entries
