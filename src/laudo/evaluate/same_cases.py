"""Scores of the masks of several runs, of the same structures of the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from laudo.core.errors import DataError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.evaluate.aligned import Aligned, align

SAME_VOLUME = 1e-5
"""Relative difference of two true volumes that are the same: sums of the same voxels by other roads."""


@dataclass(frozen=True)
class SameCases(Aligned):
    """Scores of several runs, row by row of the same cases.

    Attributes:
        scores: of each run; samples and structures in the same order.
    """

    scores: tuple[MaskScores, ...]

    @property
    def structures(self) -> tuple[str, ...]:
        """Names of the structures."""
        return self.scores[0].structures


def same_cases(names: Sequence[str], scores: Sequence[MaskScores], shared: bool = False) -> SameCases:
    """Align the scores of one run or more.

    Args:
        names: of the runs.
        scores: of each run.
        shared: leave out cases that a run does not have; else that is an error.

    Raises:
        DataError: the runs did not outline the same structures of the same cases, or their truths differ.
    """
    for name, one in zip(names, scores, strict=True):
        if set(one.structures) != set(scores[0].structures):
            raise DataError(
                _("The runs did not outline the same structures."),
                expected=f"{names[0]}: {', '.join(scores[0].structures)}",
                found=f"{name}: {', '.join(one.structures)}",
                cure=_("By what is marked at all: --any-structure"),
            )
    common = align(names, [one.table for one in scores], shared)
    aligned = tuple(
        MaskScores(
            one.table.assign(sample=one.table["sample"].astype(str)).iloc[rows].reset_index(drop=True),
            scores[0].structures,
        )
        for one, rows in zip(scores, common.rows, strict=True)
    )
    for name, one in zip(names[1:], aligned[1:], strict=True):
        _same_truth(names[0], aligned[0], name, one)
    return SameCases(**vars(common), scores=aligned)


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
