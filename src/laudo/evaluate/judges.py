"""What is said of sides: single runs by the tests of their kind, recipes with several seeds by what seeds and cases do together."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from laudo.evaluate.classification import plain
from laudo.evaluate.compared_table import Cell, ComparedTable
from laudo.evaluate.over_seeds import SeedsTest, seeds_apart, seeds_paired, splits_paired
from laudo.evaluate.resampled import Place
from laudo.evaluate.resampled import bounds as percentile_bounds
from laudo.evaluate.sides import Seeds, Side, are_paired, common_seeds
from laudo.evaluate.signed_rank import DECIMALS, LEVEL, POWER


class Judge(ABC):
    """Gives the cells of compare.json.

    Attributes:
        table: that says which metrics and places there are; of several, the first.
        sides: what is compared.
    """

    table: ComparedTable
    sides: Sequence[Side]

    @abstractmethod
    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run."""

    @abstractmethod
    def cell(self, a: Side, b: Side, metric: str, place: Place) -> Cell:
        """Difference of side ``b`` minus side ``a``."""

    @abstractmethod
    def detectable(self, a: Side, b: Side, cell: Cell, metric: str, tests: int) -> float | None:
        """Difference of the whole that would have been found in four of five such samples."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Cases and groups in all."""

    @property
    @abstractmethod
    def samples(self) -> list[str]:
        """Identifiers of the cases, sorted."""

    @abstractmethod
    def notes(self) -> list[dict[str, Any]]:
        """What a reader must know."""

    def spread(self, side: Side, metric: str, place: Place) -> Cell:
        """``mean, sd, lowest, highest`` of a side's runs; sd None of one run."""
        values = np.array([self.estimate(run, metric, place)["value"] for run in side.runs], dtype=float)
        if not np.isfinite(values).all():
            return {"mean": None, "sd": None, "lowest": None, "highest": None}
        return {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if side.several else None,
            "lowest": float(values.min()),
            "highest": float(values.max()),
        }


class OneTable(Judge):
    """All runs were judged on the same cases."""

    def __init__(self, table: ComparedTable, sides: Sequence[Side]) -> None:
        self.table, self.sides = table, sides

    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run."""
        return self.table.estimate(run, metric, place)

    def cell(self, a: Side, b: Side, metric: str, place: Place) -> Cell:
        """By the kind's own test, or over seeds."""
        if not (a.several or b.several):
            return self.table.cell(a.runs[0], b.runs[0], metric, place)
        found, groups = self.table.resampled, self.table.resampled.groups
        pairs = _pairs(a, b)
        if are_paired(a, b):
            runs = ([one for one, _other in pairs], [other for _one, other in pairs])
            points = np.stack([found.values(own, metric, place) for own in runs])
            draws = np.stack([found.drawn(own, metric, place) for own in runs], axis=1)
            test = seeds_paired(points, draws, groups)
            fixed = (draws[:, 1] - draws[:, 0]).mean(axis=1)
        else:
            points_a, points_b = found.values(a.runs, metric, place), found.values(b.runs, metric, place)
            draws_a, draws_b = found.drawn(a.runs, metric, place), found.drawn(b.runs, metric, place)
            test = seeds_apart(points_a, points_b, draws_a, draws_b, groups)
            fixed = draws_b.mean(axis=1) - draws_a.mean(axis=1)
        values = {run: float(found.values([run], metric, place)[0]) for side in (a, b) for run in side.runs}
        counts = self.table.counted(metric, place)
        lower = metric in self.table.lower_is_better
        return _seeds_cell(test, [(values[one], values[other]) for one, other in pairs], counts, lower) | {
            "ci95_cases": percentile_bounds(fixed)
        }

    def detectable(self, a: Side, b: Side, cell: Cell, metric: str, tests: int) -> float | None:
        """By the kind's own rule, or from the standard error over seeds."""
        if not (a.several or b.several):
            return self.table.detectable(a.runs[0], b.runs[0], metric, tests)
        return _detectable(cell, tests)

    @property
    def size(self) -> tuple[int, int]:
        """Cases and groups."""
        return len(self.table.aligned), self.table.aligned.n_groups

    @property
    def samples(self) -> list[str]:
        """Those of the table."""
        return self.table.aligned.samples

    def notes(self) -> list[dict[str, Any]]:
        """Those of the table."""
        return self.table.notes()


class TableOfEachSeed(Judge):
    """Every seed drew a split of its own, and so the cases that judge: runs of one seed were judged on the same ones.

    Args:
        tables: of each seed, over the runs of all sides that have it, in the order of the sides.
        sides: of which each has every seed once.
        size: cases and groups in all.
        ratio: of the number of cases that judge to that of those that train.
    """

    def __init__(
        self, tables: dict[Seeds, ComparedTable], sides: Sequence[Side], size: tuple[int, int], ratio: float
    ) -> None:
        self._tables, self.sides, self._size, self._ratio = tables, sides, size, ratio
        self.table = next(iter(tables.values()))
        self._of_run = {
            side.run_of(seeds): (tables[seeds], number) for number, side in enumerate(sides) for seeds in side.seeds
        }

    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run, on the cases of its seed."""
        table, number = self._of_run[run]
        if place not in table.places:
            return {"value": None, "ci95": None}
        return table.estimate(number, metric, place)

    def cell(self, a: Side, b: Side, metric: str, place: Place) -> Cell:
        """Over the pairs of one seed."""
        pairs = [
            (self.estimate(one, metric, place)["value"], self.estimate(other, metric, place)["value"])
            for one, other in _pairs(a, b)
        ]
        known = [(one, other) for one, other in pairs if one is not None and other is not None]
        n, groups = self._size
        if len(known) < 2:
            return {"value": None, "ci95": None, "n": n, "groups": groups, "p": None, "method": None}
        test = splits_paired(np.array([other - one for one, other in known]), self._ratio)
        return _seeds_cell(test, known, self._size, metric in self.table.lower_is_better)

    def detectable(self, a: Side, b: Side, cell: Cell, metric: str, tests: int) -> float | None:
        """From the standard error over seeds."""
        return _detectable(cell, tests)

    @property
    def size(self) -> tuple[int, int]:
        """Cases and groups that some seed was judged on."""
        return self._size

    @property
    def samples(self) -> list[str]:
        """Those of any table."""
        return sorted({sample for table in self._tables.values() for sample in table.aligned.samples})

    def notes(self) -> list[dict[str, Any]]:
        """Those of any table, each once, and that the splits differ."""
        found: dict[str, dict[str, Any]] = {}
        for table in self._tables.values():
            for note in table.notes():
                found.setdefault(note["id"], note)
        found.pop("left_out", None)  # a table knows the runs of its own seed only
        return [{"id": "own_splits", "ratio": self._ratio}, *found.values()]


def _pairs(a: Side, b: Side) -> list[tuple[int, int]]:
    """Runs that are set against each other: those of one seed, or every one against every other."""
    if are_paired(a, b):
        return [(a.run_of(seeds), b.run_of(seeds)) for seeds in common_seeds(a, b)]
    return [(one, other) for one in a.runs for other in b.runs]


def _seeds_cell(test: SeedsTest, pairs: Sequence[tuple[float, float]], size: tuple[int, int], lower: bool) -> Cell:
    """Cell of a difference between recipes; ``better, equal, worse`` count pairs of runs."""
    gains = np.round([(one - other) if lower else (other - one) for one, other in pairs], DECIMALS)
    return {
        "value": plain(test.value),
        "ci95": None if test.ci95 is None else list(test.ci95),
        "n": size[0],
        "groups": size[1],
        "p": test.p,
        "method": test.method,
        "df": test.df,
        "standard_error": test.standard_error,
        "of_seeds": test.of_seeds,
        "of": len(pairs),
        "better": int((gains > 0).sum()),
        "equal": int((gains == 0).sum()),
        "worse": int((gains < 0).sum()),
    }


def _detectable(cell: Cell, tests: int) -> float | None:
    if not cell.get("standard_error") or cell.get("df") is None:
        return None
    df = float(cell["df"])
    quantiles = float(stats.t.ppf(1 - LEVEL / tests / 2, df)) + float(stats.t.ppf(POWER, df))
    return quantiles * float(cell["standard_error"])
