"""Bring the scores of several runs to the same cases in the same order, or say why they can not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from laudo.core.errors import DataError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.evaluate.cases import group_codes

SAME_VOLUME = 1e-5
"""Relative difference of two true volumes that are the same: sums of the same voxels by other roads."""


@dataclass(frozen=True)
class SameCases:
    """Scores of several runs, row by row of the same cases.

    Attributes:
        names: of the runs.
        scores: of each; samples and structures in the same order.
        groups: (n,) codes 0 … G-1 of what is resampled together.
        unknown_groups: cases without a group, which count as one of their own.
        groups_differ: the runs divided the cases into other groups: what either keeps together is together here.
        left_out: of each run, cases that some other run does not have.
    """

    names: tuple[str, ...]
    scores: tuple[MaskScores, ...]
    groups: np.ndarray
    unknown_groups: int
    groups_differ: bool
    left_out: tuple[int, ...]

    @property
    def samples(self) -> list[str]:
        """Their identifiers."""
        return [str(name) for name in self.scores[0].table["sample"]]

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of the structures."""
        return self.scores[0].structures

    def __len__(self) -> int:
        return len(self.scores[0])


def same_cases(names: Sequence[str], scores: Sequence[MaskScores], shared: bool = False) -> SameCases:
    """Align the scores of two or more runs.

    Args:
        names: of the runs.
        scores: of each run.
        shared: leave out cases that a run does not have; else that is an error.

    Raises:
        DataError: the runs did not outline the same structures of the same cases, or their truths differ.
        ValueError: fewer than two runs.
    """
    if len(scores) < 2:
        raise ValueError("a comparison needs two runs")
    first = scores[0]
    for name, one in zip(names, scores, strict=True):
        _each_sample_once(name, one)
        if set(one.structures) != set(first.structures):
            raise DataError(
                _("The runs did not outline the same structures."),
                expected=f"{names[0]}: {', '.join(first.structures)}",
                found=f"{name}: {', '.join(one.structures)}",
            )
    common = _common_samples(names, scores, shared)
    aligned = tuple(_rows(one, common, first.structures) for one in scores)
    for name, one in zip(names[1:], aligned[1:], strict=True):
        _same_truth(names[0], aligned[0], name, one)
    groups, unknown, differ = _joint_groups(aligned)
    left_out = tuple(len(one) - len(common) for one in scores)
    return SameCases(tuple(names), aligned, groups, unknown, differ, left_out)


def _each_sample_once(name: str, scores: MaskScores) -> None:
    twice = scores.table["sample"][scores.table["sample"].duplicated()].tolist()
    if twice:
        raise DataError(
            _("A case stands twice among the scores of a run."), file=name, found=", ".join(map(str, twice[:5]))
        )


def _common_samples(names: Sequence[str], scores: Sequence[MaskScores], shared: bool) -> list[str]:
    """Samples that all runs have, in the order of their names, whichever run comes first."""
    sets = [set(map(str, one.table["sample"])) for one in scores]
    common = sorted(set.intersection(*sets))
    if all(len(one) == len(common) for one in sets) or (shared and common):
        return common
    counts = ", ".join(f"{name}: {len(one)}" for name, one in zip(names, sets, strict=True))
    raise DataError(
        _("The runs were not judged on the same cases."),
        expected=_("the same cases in each run"),
        found=_("{counts}; in common: {common}").format(counts=counts, common=len(common)),
        cure=_("Compare them on the cases that they share with --shared.") if common else None,
    )


def _rows(scores: MaskScores, samples: Sequence[str], structures: tuple[str, ...]) -> MaskScores:
    table = scores.table.assign(sample=scores.table["sample"].astype(str)).set_index("sample", drop=False)
    return MaskScores(table.loc[list(samples)].reset_index(drop=True), structures)


def _same_truth(name: str, scores: MaskScores, other_name: str, other: MaskScores) -> None:
    """Compare the true volumes of every structure of every case."""
    volumes, others = scores.matrix("true_volume_mm3"), other.matrix("true_volume_mm3")
    same = np.isclose(volumes, others, rtol=SAME_VOLUME, atol=1e-6, equal_nan=True)
    if same.all():
        return
    row, column = (int(place) for place in np.argwhere(~same)[0])
    raise DataError(
        _("The runs were not judged against the same truth."),
        expected=f"{name}: {volumes[row, column]:g}",
        found=f"{other_name}: {others[row, column]:g}",
        details=(
            _("{sample}, structure {structure}: the true volumes differ; so in {n} cases.").format(
                sample=scores.table["sample"].iloc[row],
                structure=scores.structures[column],
                n=int((~same).any(axis=1).sum()),
            ),
        ),
    )


def _joint_groups(scores: Sequence[MaskScores]) -> tuple[np.ndarray, int, bool]:
    """Codes of the groups, how many cases have none, and whether the runs divided the cases differently."""
    coded = [group_codes(one.table["group"].where(~one.table["group"].isna(), "").tolist()) for one in scores]
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
