"""Compare runs that outlined the same structures of the same cases: paired differences, tests, effect sizes.

Differences are the run given later minus the one given earlier. Intervals come from the same resamples of the groups in all
runs; the test and the effect sizes take one difference a group, the mean over its cases, because cases of a group are no
independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from laudo.core.mask_scores import BEST
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.evaluate.classification import plain
from laudo.evaluate.holm import holm
from laudo.evaluate.intervals import FEWEST_RESAMPLES, NO_WIDTH, group_weights, percentile_bounds
from laudo.evaluate.paired_verdict import verdict
from laudo.evaluate.ranking import ratio
from laudo.evaluate.same_cases import SameCases
from laudo.evaluate.signed_rank import DECIMALS, cohens_dz, detectable, signed_rank, smallest_p

COMPARED: tuple[str, ...] = (
    "accuracy",
    "precision",
    "sensitivity",
    "specificity",
    "iou",
    "dice",
    "nsd",
    "hd95_mm",
    "assd_mm",
)
LOWER_IS_BETTER = frozenset({"hd95_mm", "assd_mm"})
PRIMARY = "dice"
"""The metric that is tested; of the others intervals, effect sizes and uncorrected p values are given."""

FEW_GROUPS = 20
"""With fewer, percentile intervals are too narrow: of normal differences they cover 0.84 with 5 groups and 0.90 with 10."""

Cell = dict[str, Any]


class _Table:
    """Values of every run, and of every resample of the groups.

    Attributes:
        values: (R, n, M, S), NaN where some run has none.
        judged: (S,) structures that some case has, in the truth or in a prediction.
        points: (R, M, S + 1) means over the cases; last, the mean over the structures.
        draws: (B, R, M, S + 1) the same of each resample.
    """

    def __init__(self, cases: SameCases, metrics: Sequence[str], bootstrap: int, seed: int) -> None:
        stacked = [
            np.stack([one.matrix(name, both_empty_is_best=True) for name in metrics], axis=1) for one in cases.scores
        ]
        self.values = np.stack(stacked)
        absent = np.all([one.both_empty.all(axis=0) for one in cases.scores], axis=0)
        self.judged = ~absent
        self.values[..., absent] = np.nan
        self.values[:, ~np.isfinite(self.values).all(axis=0)] = np.nan
        self.counted = np.isfinite(self.values[0])
        self.groups = cases.groups
        self.points = self._under(np.ones((1, len(cases))))[0]
        drawn = []
        with step(_("Intervals"), bootstrap) as advance:
            for weights in group_weights(cases.groups, bootstrap, seed) if bootstrap else ():
                drawn.append(self._under(weights))
                advance(len(weights))
        self.draws = np.concatenate(drawn) if drawn else np.empty((0, *self.points.shape))

    def _under(self, weights: np.ndarray) -> np.ndarray:
        """(r, R, M, S + 1) means under (r, n) weights."""
        n = len(self.counted)
        flat = np.nan_to_num(self.values).reshape(len(self.values), n, -1)
        below = weights @ self.counted.astype(float).reshape(n, -1)
        means = np.stack([ratio(weights @ one, below) for one in flat], axis=1)
        means = means.reshape(len(weights), len(flat), *self.counted.shape[1:])
        over = self.counted.any(axis=0)  # (M, S): a resample without a case of one of these is undefined
        sums = np.where(over, means, 0).sum(axis=-1)
        return np.concatenate([means, ratio(sums, np.broadcast_to(over.sum(axis=-1), sums.shape))[..., None]], axis=-1)

    def differences(self, a: int, b: int, metric: int, place: int | None) -> np.ndarray:
        """(n,) run ``b`` minus run ``a``, case by case; NaN where there is none. ``place`` None: mean over structures."""
        found = self.values[b, :, metric] - self.values[a, :, metric]
        if place is not None:
            return np.asarray(found[:, place])
        counted = self.counted[:, metric]
        return ratio(np.where(counted, found, 0).sum(axis=1), counted.sum(axis=1))

    def of_groups(self, differences: np.ndarray) -> np.ndarray:
        """(g,) mean of each group that has a difference."""
        known = np.isfinite(differences)
        sums = np.bincount(self.groups[known], weights=differences[known])
        counts = np.bincount(self.groups[known])
        return np.asarray(sums[counts > 0] / counts[counts > 0])


def compare_masks(
    cases: SameCases, metrics: Sequence[str] = COMPARED, bootstrap: int = 2000, seed: int = 0
) -> dict[str, Any]:
    """Everything that compare.json says of the figures.

    A structure that is in neither truth nor prediction counts with the value of :data:`laudo.core.mask_scores.BEST`, so
    that a case which only one run leaves rightly empty is not lost; a structure that no case has at all is left out.

    Args:
        cases: aligned scores.
        metrics: of :data:`COMPARED`, :data:`PRIMARY` among them.
        bootstrap: resamples of the groups; 0: no intervals.
        seed: of the resamples.

    Returns:
        ``n, groups, structures`` (those judged), ``primary, values`` ({metric: {"mean", "per_structure"}}, each a list with
        ``value, ci95`` of every run), ``pairs``, ``family, notes``. A pair has ``a, b`` (indices of the runs), ``metrics`` in
        the same form, each a cell (see below), and ``verdict`` (see :func:`laudo.evaluate.paired_verdict.verdict`).

        A cell: ``value`` (mean difference), ``ci95, n, groups, p, method, zeros, rank_biserial, dz, better, equal, worse``
        (cases); of the primary metric also ``p_holm``.
    """
    table = _Table(cases, metrics, bootstrap, seed)
    structures = [(index, name) for index, name in enumerate(cases.structures) if table.judged[index]]
    places: list[tuple[int | None, str]] = [(None, ""), *structures]
    pairs: list[dict[str, Any]] = []
    for a, b in combinations(range(len(cases.scores)), 2):
        cells = {
            name: _by_place(places, [_cell(table, (a, b), name, metric, place) for place, _name in places])
            for metric, name in enumerate(metrics)
        }
        pairs.append({"a": a, "b": b, "metrics": cells})
    tests = _correct(pairs, [name for _index, name in structures])
    for pair in pairs:
        units = table.of_groups(table.differences(pair["a"], pair["b"], list(metrics).index(PRIMARY), None))
        able = detectable(units, tests) if len(units) else None
        pair["verdict"] = verdict(pair["metrics"][PRIMARY]["mean"], PRIMARY, tests, smallest_p(len(units)), able)
    return {
        "n": len(cases),
        "groups": int(cases.groups.max()) + 1,
        "structures": [name for _index, name in structures],
        "primary": PRIMARY,
        "values": {
            name: _by_place(places, [_estimates(table, metric, place) for place, _name in places])
            for metric, name in enumerate(metrics)
        },
        "pairs": pairs,
        "family": {"metric": PRIMARY, "tests": tests, "method": "holm"},
        "notes": _notes(cases, table),
    }


def _by_place(places: Sequence[tuple[int | None, str]], cells: Sequence[Any]) -> dict[str, Any]:
    mean, *others = cells
    return {"mean": mean, "per_structure": {name: one for (_place, name), one in zip(places[1:], others, strict=True)}}


def _column(place: int | None) -> int:
    return -1 if place is None else place


def _estimates(table: _Table, metric: int, place: int | None) -> list[Cell]:
    column = _column(place)
    return [
        {"value": plain(table.points[run, metric, column]), "ci95": _bounds(table.draws[:, run, metric, column])}
        for run in range(len(table.points))
    ]


def _bounds(draws: np.ndarray) -> list[float] | None:
    defined = draws[np.isfinite(draws)]
    if len(defined) < FEWEST_RESAMPLES or np.ptp(defined) <= NO_WIDTH:
        return None
    return list(percentile_bounds(defined))


def _cell(table: _Table, pair: tuple[int, int], name: str, metric: int, place: int | None) -> Cell:
    a, b = pair
    column = _column(place)
    differences = table.differences(a, b, metric, place)
    known = np.round(differences[np.isfinite(differences)], DECIMALS)
    if not len(known):
        return {"value": None, "ci95": None, "n": 0, "groups": 0, "p": None, "method": None}
    units = table.of_groups(differences)
    tested = signed_rank(units)
    gains = -known if name in LOWER_IS_BETTER else known
    bounds = _bounds(table.draws[:, b, metric, column] - table.draws[:, a, metric, column])
    return {
        "value": plain(table.points[b, metric, column] - table.points[a, metric, column]),
        "ci95": [0.0, 0.0] if not known.any() else bounds,
        "n": len(known),
        "groups": len(units),
        "p": tested.p,
        "method": tested.method,
        "zeros": tested.zeros,
        "rank_biserial": tested.rank_biserial,
        "dz": cohens_dz(units),
        "better": int((gains > 0).sum()),
        "equal": int((gains == 0).sum()),
        "worse": int((gains < 0).sum()),
    }


def _correct(pairs: Sequence[dict[str, Any]], structures: Sequence[str]) -> int:
    """Put ``p_holm`` into the cells of the primary metric; the number of tests.

    The family: each pair of runs, and of each the mean over the structures and every structure. Of one structure the mean
    is the same test.
    """
    cells = []
    for pair in pairs:
        primary = pair["metrics"][PRIMARY]
        cells += [primary["mean"], *(primary["per_structure"][name] for name in structures if len(structures) > 1)]
    cells = [cell for cell in cells if cell["p"] is not None]
    for cell, p in zip(cells, holm([cell["p"] for cell in cells]), strict=True):
        cell["p_holm"] = p
    if len(structures) == 1:
        for pair in pairs:
            primary = pair["metrics"][PRIMARY]
            primary["per_structure"][structures[0]]["p_holm"] = primary["mean"].get("p_holm")
    return len(cells)


def _notes(cases: SameCases, table: _Table) -> list[dict[str, Any]]:
    """What a reader must know of the figures, as ``{"id", …}``."""
    notes: list[dict[str, Any]] = []
    absent = [name for name, judged in zip(cases.structures, table.judged, strict=True) if not judged]
    if absent:
        notes.append({"id": "structure_absent", "classes": absent})
    empty = [int((one.both_empty & table.judged).sum()) for one in cases.scores]
    if any(empty):
        notes.append({"id": "rightly_empty", "n": empty, "metrics": sorted(BEST)})
    groups = int(cases.groups.max()) + 1
    if groups < FEW_GROUPS:
        notes.append({"id": "few_groups", "groups": groups})
    if cases.unknown_groups:
        notes.append({"id": "groups_unknown", "n": cases.unknown_groups})
    if cases.groups_differ:
        notes.append({"id": "groups_differ"})
    if any(cases.left_out):
        notes.append({"id": "left_out", "n": list(cases.left_out), "shared": len(cases)})
    return notes
