"""95 % intervals by resampling groups (patients, clusters of copies): images of one group are not independent evidence.

Percentile bootstrap (Efron and Tibshirani 1993, chapter 13) of whole groups (Davison and Hinkley 1997, section 3.8).
A drawn group's multiplicity becomes the weight of its samples, so that one sort serves every resample.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import step
from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.classification import Key, headline_keys, plain, point_values, score
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.perfect_mean import lowest_mean

LEVEL = 0.95
CHUNK = 500_000
"""Weights held at once (4 MB, what a processor's cache holds); every temporary array is about as large."""

FEWEST_RESAMPLES = 20
"""With fewer resamples in which a metric is defined there is no interval."""

NO_WIDTH = 1e-12

MEANS_OF_TWO = frozenset({"balanced_accuracy", "f1_macro"})
MEANS_OF_SEVERAL = MEANS_OF_TWO | {"precision", "sensitivity", "f1"}
"""Metrics that are means over classes of rates, each of which counts the class's own groups when all are right."""


@dataclass(frozen=True)
class Interval:
    """An interval and how it was found.

    Attributes:
        bounds: low and high; None when there is none.
        kind: bootstrap, exact (Clopper-Pearson, because no resample differed), exact_mean (the same of a mean over classes, see
            :func:`laudo.evaluate.perfect_mean.lowest_mean`) or none.
        dropped: share of resamples in which the metric is undefined.
        groups: n of an exact interval; of a mean, that of the rarest class.
    """

    bounds: tuple[float, float] | None
    kind: Literal["bootstrap", "exact", "exact_mean", "none"]
    dropped: float = 0.0
    groups: int | None = None

    def as_list(self) -> list[float] | None:
        """For metrics.json."""
        return None if self.bounds is None else [float(bound) for bound in self.bounds]


def group_weights(groups: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Blocks of (r, n) weights, ``resamples`` rows in all: how often the group of each sample was drawn.

    Args:
        groups: (n,) codes 0 … G-1.
        resamples: number of resamples; each draws G groups with replacement.
        seed: the same seed, groups and number give the same weights.
    """
    generator = np.random.default_rng(seed)
    n_groups = int(groups.max()) + 1
    rows = max(1, CHUNK // len(groups))
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        drawn = generator.integers(0, n_groups, size=(block, n_groups)) + n_groups * np.arange(block)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=block * n_groups).reshape(block, n_groups)
        yield counts.astype(float)[:, groups]


def bootstrap_draws(
    samples: Sequence[Cases | LabelCases], keys: Sequence[Key], resamples: int, seed: int
) -> list[dict[Key, np.ndarray]]:
    """(resamples,) values of each metric, for one or more sets of cases that are resampled together.

    Args:
        samples: cases with the same groups in the same order.
        keys: metrics.
        resamples: number of resamples.
        seed: of the draws.
    """
    found: list[dict[Key, list[np.ndarray]]] = [{key: [] for key in keys} for _cases in samples]
    with step(_("Intervals"), resamples) as advance:
        for weights in group_weights(samples[0].groups, resamples, seed):
            for cases, values in zip(samples, found, strict=True):
                for key, drawn in score(cases, weights, keys).items():
                    values[key].append(drawn)
            advance(len(weights))
    return [{key: np.concatenate(values[key]) for key in keys} for values in found]


def intervals(
    cases: Cases | LabelCases, values: dict[Key, float], bootstrap: int = 2000, seed: int = 0
) -> dict[Key, Interval]:
    """Interval of each metric.

    Args:
        cases: what was scored.
        values: the metrics' values on it, NaN where undefined.
        bootstrap: number of resamples; 0: no intervals.
        seed: of the draws.
    """
    none = Interval(None, "none")
    keys = [key for key, value in values.items() if np.isfinite(value)]
    if bootstrap == 0 or not keys:
        return dict.fromkeys(values, none)
    draws = bootstrap_draws([cases], keys, bootstrap, seed)[0]
    found = {key: interval_of(cases, key, values[key], draws[key]) for key in keys}
    return {key: found.get(key, none) for key in values}


def interval_of(cases: Cases | LabelCases, key: Key, value: float, draws: np.ndarray) -> Interval:
    """Interval of one metric from its (B,) resampled values."""
    defined = draws[np.isfinite(draws)]
    dropped = 1 - len(defined) / len(draws)
    if len(defined) >= FEWEST_RESAMPLES and np.ptp(defined) > NO_WIDTH:
        low, high = percentile_bounds(defined)
        if key[0] == "ece":
            # A mean of absolute gaps grows by resampling noise: every resample adds to it. The interval is moved back
            # by that much, else it could lie wholly above the value.
            shift = float(defined.mean()) - value
            low, high = max(0.0, low - shift), min(1.0, high - shift)
        return Interval((low, high), "bootstrap", dropped)
    groups = groups_behind(cases, key)
    of_classes = _groups_of_classes(cases, key)
    if of_classes and abs(1 - value) <= NO_WIDTH:
        return Interval((lowest_mean(of_classes), 1.0), "exact_mean", dropped, groups)
    if groups is not None and min(abs(value), abs(1 - value)) <= NO_WIDTH:
        return Interval(clopper_pearson(round(value) * groups, groups), "exact", dropped, groups)
    return Interval(None, "none", dropped)


def percentile_bounds(draws: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of (n,) finite draws."""
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """Exact 95 % interval of a proportion (Clopper and Pearson 1934)."""
    interval = binomtest(successes, n).proportion_ci(LEVEL, method="exact")
    return float(interval.low), float(interval.high)


def groups_behind(cases: Cases | LabelCases, key: Key) -> int | None:
    """Count the groups in a metric's denominator; None for a metric that is not a proportion.

    Ranks and means over classes have no single denominator: theirs is the rarest side, which makes the interval wider,
    never narrower.
    """
    name, index = key
    if name in {"brier", "log_loss", "ece"}:
        return None
    if name in {"accuracy", "hamming_accuracy"}:
        return cases.n_groups
    if isinstance(cases, LabelCases):
        return _groups_behind_label(cases, name, index)
    if index is None and cases.n_classes == 2 and name not in MEANS_OF_TWO:
        index = POSITIVE
    if index is None:
        return min(_groups(cases, cases.truth == k) for k in cases.present)
    return _groups_of_rate(cases, name, cases.truth == index, cases.decided == index)


def _groups_of_classes(cases: Cases | LabelCases, key: Key) -> list[int]:
    """Groups of each class, for a mean over classes of rates; empty for every other metric."""
    name, index = key
    means = MEANS_OF_TWO if cases.n_classes == 2 else MEANS_OF_SEVERAL
    if isinstance(cases, LabelCases) or index is not None or name not in means:
        return []
    return [_groups(cases, cases.truth == k) for k in cases.present]


def _groups_behind_label(cases: LabelCases, name: str, index: int | None) -> int | None:
    truth, decided = cases.truth == 1, cases.decided == 1
    if index is not None:
        return _groups_of_rate(cases, name, truth[:, index], decided[:, index])
    if name == "f1_micro":
        return _groups(cases, (truth | decided).any(axis=1))
    sides = [_groups(cases, side) for k in cases.present for side in (truth[:, k], ~truth[:, k])]
    return min(sides, default=None)


def _groups_of_rate(cases: Cases | LabelCases, name: str, actual: np.ndarray, called: np.ndarray) -> int:
    if name in {"auc_roc", "auc_pr"}:
        return min(_groups(cases, actual), _groups(cases, ~actual))
    masks = {"precision": called, "sensitivity": actual, "specificity": ~actual, "f1": actual | called}
    return _groups(cases, masks[name])


def _groups(cases: Cases | LabelCases, mask: np.ndarray) -> int:
    return len(np.unique(cases.groups[mask]))


def paired_difference(
    predictions_a: Predictions,
    predictions_b: Predictions,
    names: Iterable[str],
    bootstrap: int = 2000,
    seed: int = 0,
) -> dict[str, dict[str, float | list[float] | None]]:
    """Difference a - b of metrics on the same samples, with intervals from the same resamples of groups in both.

    Args:
        predictions_a: one model's.
        predictions_b: the other's; rows may be in another order.
        names: metrics of the whole.
        bootstrap: number of resamples; 0: no intervals.
        seed: of the draws.

    Returns:
        ``{name: {"value", "ci95": [low, high]}}``; None where undefined.

    Raises:
        DataError: the two are not about the same samples with the same classes, labels and groups.
        UnknownNameError: there is no such metric.
    """
    keys = headline_keys(names)
    pair = _paired_cases(predictions_a, predictions_b)
    values = [point_values(cases, keys) for cases in pair]
    draws = bootstrap_draws(pair, keys, bootstrap, seed) if bootstrap else None
    found: dict[str, dict[str, float | list[float] | None]] = {}
    for key in keys:
        value = plain(values[0][key] - values[1][key])
        bounds = None
        if value is not None and draws is not None:
            bounds = difference_bounds(pair, key, value, draws[0][key] - draws[1][key])
        found[key[0]] = {"value": value, "ci95": None if bounds is None else list(bounds)}
    return found


def difference_bounds(
    pair: tuple[Cases | LabelCases, Cases | LabelCases], key: Key, value: float, draws: np.ndarray
) -> tuple[float, float] | None:
    """Interval of a difference from its (B,) resampled values; None where they say nothing.

    Args:
        pair: the cases of both models, whose order does not matter.
        key: the metric.
        value: of the difference.
        draws: of the difference, from the same resamples in both.
    """
    a, b = pair
    if np.array_equal(a.probabilities, b.probabilities) and np.array_equal(a.decided, b.decided):
        return 0.0, 0.0
    defined = draws[np.isfinite(draws)]
    if len(defined) >= FEWEST_RESAMPLES and np.ptp(defined) > NO_WIDTH:
        return percentile_bounds(defined)
    sizes = [groups_behind(cases, key) for cases in pair]
    if None in sizes or len(defined) < FEWEST_RESAMPLES:
        return None
    # No resample differs, although the models do: as many groups without a disagreement leave room for this many.
    room = clopper_pearson(0, min(size for size in sizes if size is not None))[1]
    return max(-1.0, value - room), min(1.0, value + room)


def _paired_cases(
    predictions_a: Predictions, predictions_b: Predictions
) -> tuple[Cases | LabelCases, Cases | LabelCases]:
    """Both as cases in the order of a's rows."""
    same_form = predictions_a.multilabel == predictions_b.multilabel
    if set(predictions_a.classes) != set(predictions_b.classes) or not same_form:
        raise DataError(
            _("The two sets of predictions are of different classes."),
            expected=", ".join(predictions_a.classes),
            found=", ".join(predictions_b.classes),
        )
    names, others = (part.table["sample"].tolist() for part in (predictions_a, predictions_b))
    if len(names) != len(set(names)) or sorted(names) != sorted(others):
        raise DataError(
            _("The two sets of predictions are not of the same samples."),
            expected=_("each sample once, in both"),
            found=_("samples: {a} and {b}, in common: {common}").format(
                a=len(names), b=len(others), common=len(set(names) & set(others))
            ),
        )
    row = {name: number for number, name in enumerate(others)}
    aligned = predictions_b.table.iloc[[row[name] for name in names]].reset_index(drop=True)
    # The order of a's classes: of two, the second is the positive one in both.
    kind = LabelCases if predictions_a.multilabel else Cases
    a = kind.from_predictions(predictions_a)
    b = kind.from_predictions(Predictions(aligned, predictions_a.classes))
    if not np.array_equal(a.truth, b.truth):
        raise DataError(_("The two sets of predictions do not agree on the labels."))
    if not np.array_equal(a.groups, b.groups):
        raise DataError(_("The two sets of predictions do not agree on the groups."))
    return a, b
