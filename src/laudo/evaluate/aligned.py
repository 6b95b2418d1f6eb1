"""Bring the tables of several runs to the same cases in the same order, or say why they can not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.evaluate.cases import group_codes


@dataclass(frozen=True)
class Aligned:
    """Cases that several runs were judged on.

    Attributes:
        names: of the runs.
        samples: identifiers, in the order of their names, whichever run comes first.
        rows: of each run, (n,) the row of each sample in the run's own table.
        groups: (n,) codes 0 … G-1 of what is resampled together.
        unknown_groups: cases without a group, which count as one of their own.
        groups_differ: the runs divided the cases into other groups: what either keeps together is together here.
        left_out: of each run, cases that some other run does not have.
    """

    names: tuple[str, ...]
    samples: list[str]
    rows: tuple[np.ndarray, ...]
    groups: np.ndarray
    unknown_groups: int
    groups_differ: bool
    left_out: tuple[int, ...]

    @property
    def n_groups(self) -> int:
        """G."""
        return int(self.groups.max()) + 1

    def __len__(self) -> int:
        return len(self.samples)


def align(names: Sequence[str], tables: Sequence[pd.DataFrame], shared: bool = False) -> Aligned:
    """Find the cases that runs have in common.

    Args:
        names: of the runs.
        tables: of each run, with the columns ``sample`` and ``group``.
        shared: leave out cases that a run does not have; else that is an error.

    Raises:
        DataError: a sample stands twice in a table, or the runs do not have the same samples.
    """
    places = [_places(name, table) for name, table in zip(names, tables, strict=True)]
    common = _common_samples(names, places, shared)
    rows = tuple(np.array([own[sample] for sample in common], dtype=np.int64) for own in places)
    groups, unknown, differ = _joint_groups([table["group"].iloc[own] for table, own in zip(tables, rows, strict=True)])
    left_out = tuple(len(own) - len(common) for own in places)
    return Aligned(tuple(names), common, rows, groups, unknown, differ, left_out)


def _places(name: str, table: pd.DataFrame) -> dict[str, int]:
    """Row of each sample."""
    samples = table["sample"].astype(str)
    twice = samples[samples.duplicated()].tolist()
    if twice:
        raise DataError(_("A case stands twice among the results of a run."), file=name, found=", ".join(twice[:5]))
    return {sample: row for row, sample in enumerate(samples)}


def _common_samples(names: Sequence[str], places: Sequence[dict[str, int]], shared: bool) -> list[str]:
    """Samples that all runs have, sorted."""
    common = sorted(set.intersection(*(set(own) for own in places)))
    if all(len(own) == len(common) for own in places) or (shared and common):
        return common
    counts = ", ".join(f"{name}: {len(own)}" for name, own in zip(names, places, strict=True))
    kept = set(common)
    lone = [(name, sorted(set(own) - kept)) for name, own in zip(names, places, strict=True)]
    raise DataError(
        _("The runs were not judged on the same cases."),
        expected=_("the same cases in each run"),
        found=_("{counts}; in common: {common}").format(counts=counts, common=len(common)),
        details=tuple(
            _("{name} has {n} that are not in every run, such as {sample}").format(name=name, n=len(own), sample=own[0])
            for name, own in lone
            if own
        ),
        cure=_("Compare them on the cases that they share with --shared.") if common else None,
    )


def _joint_groups(groups: Sequence[pd.Series]) -> tuple[np.ndarray, int, bool]:
    """Codes of the groups, how many cases have none, and whether the runs divided the cases differently."""
    coded = [group_codes(one.where(~one.isna(), "").tolist()) for one in groups]
    first, unknown = coded[0]
    codes = first
    for other, _unknown in coded[1:]:
        codes = _joined(codes, other)
    differ = any(len(np.unique(codes)) != len(np.unique(one)) for one, _unknown in coded)
    return (codes if differ else first), unknown, differ


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n,) codes of the finest division that keeps together what either keeps together."""
    size = int(one.max()) + 1
    both = (size + int(other.max()) + 1,) * 2
    links = csr_array(
        (np.ones(len(one), dtype=np.float64), (one.astype(np.int64), size + other.astype(np.int64))), shape=both
    )
    return np.asarray(connected_components(links, directed=False)[1][one], dtype=np.int64)
