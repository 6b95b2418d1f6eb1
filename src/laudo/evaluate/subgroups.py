"""The same figures in subgroups of the cases (sex, age, scanner …), each beside all other cases, with intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.evaluate.bands import Band, Column
from laudo.evaluate.cases import Cases
from laudo.evaluate.classification import Key, headline_keys, plain, point_values, score
from laudo.evaluate.intervals import FEWEST_RESAMPLES, NO_WIDTH, Interval, group_weights, intervals, percentile_bounds
from laudo.evaluate.label_cases import LabelCases

TWO_CLASSES = ("accuracy", "sensitivity", "specificity", "auc_roc")
MORE_CLASSES = ("accuracy", "balanced_accuracy")
OF_LABELS = ("hamming_accuracy", "f1_macro", "auc_roc")
OVER_CLASSES = frozenset({"balanced_accuracy", "f1_macro"})
"""Means over the classes that occur: comparable only where the same ones do."""


class Judged(ABC):
    """Cases whose figures can be worked out for some of them.

    Attributes:
        groups: (n,) codes 0 … G-1 of what is resampled together.
        names: of the metrics.
    """

    groups: np.ndarray
    names: tuple[str, ...]

    @abstractmethod
    def own(self, where: np.ndarray, bootstrap: int, seed: int) -> dict[str, tuple[float, Interval]]:
        """Value and interval of each metric in the cases of a (n,) mask."""

    @abstractmethod
    def comparable(self, where: np.ndarray) -> dict[str, bool]:
        """Whether each metric speaks of the same thing in these cases and in the others."""

    @abstractmethod
    def under(self, where: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """(R,) values of each metric in these cases under (R, n) weights of all, no row without one of these cases."""


class JudgedCases(Judged):
    """Cases of which a class, or labels, were named.

    Args:
        cases: all of them.
    """

    def __init__(self, cases: Cases | LabelCases) -> None:
        self.cases = cases
        self.groups = cases.groups
        self.names = OF_LABELS if isinstance(cases, LabelCases) else _names(cases)

    def own(self, where: np.ndarray, bootstrap: int, seed: int) -> dict[str, tuple[float, Interval]]:
        """See :meth:`Judged.own`."""
        part = _subset(self.cases, where)
        values = point_values(part, headline_keys(self.names))
        found = intervals(part, values, bootstrap, seed)
        return {key[0]: (values[key], found[key]) for key in values}

    def comparable(self, where: np.ndarray) -> dict[str, bool]:
        """See :meth:`Judged.comparable`."""
        here, there = _subset(self.cases, where), _subset(self.cases, ~where)
        same = np.array_equal(here.present, there.present)
        averaged = OVER_CLASSES | ({"auc_roc"} if isinstance(self.cases, LabelCases) else set())
        return {name: same or name not in averaged for name in self.names}

    def under(self, where: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """See :meth:`Judged.under`."""
        found: dict[Key, np.ndarray] = score(_subset(self.cases, where), weights[:, where], headline_keys(self.names))
        return {key[0]: values for key, values in found.items()}


@dataclass(frozen=True)
class _Row:
    column: str
    band: Band
    draws: dict[str, list[np.ndarray]]


def subgroup_table(
    judged: Judged, columns: Sequence[Column], bootstrap: int = 2000, seed: int = 0
) -> dict[str, Any] | None:
    """``subgroups`` of metrics.json.

    Args:
        judged: the cases.
        columns: of the manifest, with the bands of these cases.
        bootstrap: resamples of the groups; 0: no intervals.
        seed: of the draws.

    Returns:
        ``columns``: for each ``meaning`` and ``rows`` of ``kind, value, low, below, n, groups, metrics``, where each metric has
        ``value, ci95`` and ``difference``, this subgroup minus all other cases, with ``value, ci95`` from resamples of all groups;
        None where it is undefined. ``constant``: columns in which all cases are alike. ``comparisons``: differences that have an
        interval, those of a column with two rows once; ``beyond_zero``: how many of those intervals do not hold 0. None without
        any column.
    """
    if not columns:
        return None
    constant = [column.name for column in columns if len(column.bands) < 2]
    shown = [column for column in columns if len(column.bands) > 1]
    rows = [
        _Row(column.name, band, {metric: [] for metric in judged.names}) for column in shown for band in column.bands
    ]
    if bootstrap and rows:
        with step(_("Intervals"), bootstrap) as advance:
            for weights in group_weights(judged.groups, bootstrap, seed):
                for row in rows:
                    _draw(judged, row, weights)
                advance(len(weights))
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.column, []).append(_entry(judged, row, bootstrap, seed))
    once = [entry for entries in found.values() for entry in entries[: 1 if len(entries) == 2 else None]]
    ends = [one["difference"]["ci95"] for entry in once for one in entry["metrics"].values()]
    known = [pair for pair in ends if pair is not None]
    return {
        "columns": {column.name: {"meaning": column.meaning, "rows": found[column.name]} for column in shown},
        "constant": constant,
        "comparisons": len(known),
        "beyond_zero": sum(low > 0 or high < 0 for low, high in known),
    }


def _draw(judged: Judged, row: _Row, weights: np.ndarray) -> None:
    """Add the differences of a block of resamples; those that lost one of the two sides say nothing."""
    where = row.band.where
    kept = weights[weights[:, where].any(axis=1) & weights[:, ~where].any(axis=1)]
    if not len(kept):
        return
    here, there = judged.under(where, kept), judged.under(~where, kept)
    for name, draws in row.draws.items():
        draws.append(here[name] - there[name])


def _entry(judged: Judged, row: _Row, bootstrap: int, seed: int) -> dict[str, Any]:
    where = row.band.where
    own = judged.own(where, bootstrap, seed)
    ones = np.ones((1, len(where)))
    here, there, comparable = judged.under(where, ones), judged.under(~where, ones), judged.comparable(where)
    metrics = {}
    for name in judged.names:
        value, interval = own[name]
        difference = float(here[name][0] - there[name][0]) if comparable[name] else np.nan
        metrics[name] = {
            "value": plain(value),
            "ci95": interval.as_list(),
            "difference": {"value": plain(difference), "ci95": _ends(difference, row.draws[name])},
        }
    return {
        **row.band.as_dict(),
        "n": int(where.sum()),
        "groups": len(np.unique(judged.groups[where])),
        "metrics": metrics,
    }


def _ends(difference: float, draws: list[np.ndarray]) -> list[float] | None:
    if not np.isfinite(difference) or not draws:
        return None
    defined = np.concatenate(draws)
    defined = defined[np.isfinite(defined)]
    if len(defined) < FEWEST_RESAMPLES or np.ptp(defined) <= NO_WIDTH:
        return None
    return list(percentile_bounds(defined))


def _names(cases: Cases) -> tuple[str, ...]:
    return TWO_CLASSES if cases.n_classes == 2 else MORE_CLASSES


def _subset(cases: Cases | LabelCases, where: np.ndarray) -> Cases | LabelCases:
    """The cases of a mask, their groups numbered anew."""
    _known, codes = np.unique(cases.groups[where], return_inverse=True)
    return type(cases)(cases.probabilities[where], cases.truth[where], cases.decided[where], codes)
