"""Runs that outlined the same structures of the same cases: paired differences, signed-rank tests, effect sizes.

Differences are the run given later minus the one given earlier. Intervals come from the same resamples of the groups in all
runs; the test and the effect sizes take one difference a group, the mean over its cases, because cases of a group are no
independent evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from laudo.core.mask_scores import BEST
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.evaluate.classification import plain
from laudo.evaluate.compared_table import Cell, Claim, ComparedTable
from laudo.evaluate.intervals import group_weights
from laudo.evaluate.ranking import ratio
from laudo.evaluate.resampled import Place, Resampled, bounds
from laudo.evaluate.same_cases import SameCases
from laudo.evaluate.signed_rank import DECIMALS, cohens_dz, detectable, signed_rank

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


class MaskTable(ComparedTable):
    """A structure that is in neither truth nor prediction counts with the value of :data:`laudo.core.mask_scores.BEST`, so that
    a case which only one run leaves rightly empty is not lost; a structure that no case has at all is left out.

    Args:
        cases: aligned scores.
        metrics: of :data:`COMPARED`, :data:`PRIMARY` among them.
        bootstrap: resamples of the groups; 0: no intervals.
        seed: of the resamples.
    """

    kind = "segmentation"
    per = "per_structure"
    primary = PRIMARY
    lower_is_better = LOWER_IS_BETTER

    def __init__(self, cases: SameCases, metrics: Sequence[str], bootstrap: int, seed: int) -> None:
        self.aligned = self._cases = cases
        values = np.stack(
            [np.stack([one.matrix(name, both_empty_is_best=True) for name in metrics], axis=1) for one in cases.scores]
        )
        judged = ~np.all([one.both_empty.all(axis=0) for one in cases.scores], axis=0)
        self._judged = judged
        self._values = values[..., judged]  # (R, n, M, S), NaN where some run has none
        self._values[:, ~np.isfinite(self._values).all(axis=0)] = np.nan
        self._counted = np.isfinite(self._values[0])
        points = self._under(np.ones((1, len(cases))))[0]
        drawn = []
        with step(_("Intervals"), bootstrap) as advance:
            for weights in group_weights(cases.groups, bootstrap, seed) if bootstrap else ():
                drawn.append(self._under(weights))
                advance(len(weights))
        draws = np.concatenate(drawn) if drawn else np.empty((0, *points.shape))
        names = tuple(name for name, there in zip(cases.structures, judged, strict=True) if there)
        self.resampled = Resampled(tuple(metrics), (None, *names), points, draws, cases.n_groups)

    def _under(self, weights: np.ndarray) -> np.ndarray:
        """(r, R, M, 1 + S) means under (r, n) weights: over the structures, and of each."""
        n = len(self._counted)
        flat = np.nan_to_num(self._values).reshape(len(self._values), n, -1)
        below = weights @ self._counted.astype(float).reshape(n, -1)
        means = np.stack([ratio(weights @ one, below) for one in flat], axis=1)
        means = means.reshape(len(weights), len(flat), *self._counted.shape[1:])
        over = self._counted.any(axis=0)  # (M, S): a resample without a case of one of these is undefined
        sums = np.where(over, means, 0).sum(axis=-1)
        whole = ratio(sums, np.broadcast_to(over.sum(axis=-1), sums.shape))
        return np.concatenate([whole[..., None], means], axis=-1)

    @property
    def structures(self) -> tuple[str, ...]:
        """Those that are judged."""
        return tuple(place for place in self.places if place is not None)

    @property
    def families(self) -> tuple[tuple[Claim, ...], ...]:
        """The primary metric: the mean over the structures and, of several, every structure."""
        each = self.structures if len(self.structures) > 1 else ()
        return (((PRIMARY, None), *((PRIMARY, name) for name in each)),)

    @property
    def metrics_of_places(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self.metrics)

    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run."""
        found = self.resampled
        return {
            "value": plain(found.values([run], metric, place)[0]),
            "ci95": bounds(found.drawn([run], metric, place)[:, 0]),
        }

    def differences(self, a: int, b: int, metric: str, place: Place) -> np.ndarray:
        """(n,) run ``b`` minus run ``a``, case by case; NaN where there is none. ``place`` None: mean over structures."""
        index = self.metrics.index(metric)
        found = self._values[b, :, index] - self._values[a, :, index]
        if place is not None:
            return np.asarray(found[:, self.structures.index(place)])
        counted = self._counted[:, index]
        return ratio(np.where(counted, found, 0).sum(axis=1), counted.sum(axis=1))

    def _of_groups(self, differences: np.ndarray) -> np.ndarray:
        """(g,) mean of each group that has a difference."""
        known = np.isfinite(differences)
        sums = np.bincount(self.aligned.groups[known], weights=differences[known])
        counts = np.bincount(self.aligned.groups[known])
        return np.asarray(sums[counts > 0] / counts[counts > 0])

    def counted(self, metric: str, place: Place) -> tuple[int, int]:
        """Cases and groups that have a value in every run."""
        there = self._counted[:, self.metrics.index(metric)]
        rows = there.any(axis=1) if place is None else there[:, self.structures.index(place)]
        return int(rows.sum()), len(np.unique(self.aligned.groups[rows]))

    def cell(self, a: int, b: int, metric: str, place: Place) -> Cell:
        """Difference, with the signed-rank test over groups."""
        differences = self.differences(a, b, metric, place)
        known = np.round(differences[np.isfinite(differences)], DECIMALS)
        if not len(known):
            return {"value": None, "ci95": None, "n": 0, "groups": 0, "p": None, "method": None}
        units = self._of_groups(differences)
        tested = signed_rank(units)
        gains = -known if metric in LOWER_IS_BETTER else known
        points, draws = self.resampled.values([a, b], metric, place), self.resampled.drawn([a, b], metric, place)
        return {
            "value": plain(points[1] - points[0]),
            "ci95": [0.0, 0.0] if not known.any() else bounds(draws[:, 1] - draws[:, 0]),
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

    def detectable(self, a: int, b: int, metric: str, tests: int) -> float | None:
        """By the spread of the groups' differences."""
        units = self._of_groups(self.differences(a, b, metric, None))
        return detectable(units, tests) if len(units) else None

    def facts(self) -> dict[str, Any]:
        """The structures that are judged."""
        return {"structures": list(self.structures)}

    def own_notes(self) -> list[dict[str, Any]]:
        """Structures that no case has, and those that were rightly left empty."""
        notes: list[dict[str, Any]] = []
        absent = [name for name, there in zip(self._cases.structures, self._judged, strict=True) if not there]
        if absent:
            notes.append({"id": "structure_absent", "classes": absent})
        empty = [int((one.both_empty & self._judged).sum()) for one in self._cases.scores]
        if any(empty):
            notes.append({"id": "rightly_empty", "n": empty, "metrics": sorted(BEST)})
        return notes
