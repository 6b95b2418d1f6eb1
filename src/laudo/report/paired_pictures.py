"""Small pictures of one case: what is true, and what each run outlined, all on the slice where the runs differ most."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from laudo.core.errors import LaudoError
from laudo.core.structures import Structures
from laudo.read.table import read_image
from laudo.report.case_picture import jpeg, named_colours, paint, planes
from laudo.report.compared_run import ComparedRun
from laudo.report.outlined_case import OutlinedCase, case_of, inside, structures_in, with_prediction

SIDE = 220
"""Longest side in pixels."""

BUDGET_BYTES = 3_000_000
"""Most bytes of data URIs in one page."""


@dataclass(frozen=True)
class CasePictures:
    """Pictures of one case as data URIs.

    Attributes:
        truth: the image with the true outline.
        answers: of each run that was asked for, the same with what it outlined as an area.
        slice_number: of a volume, from 1; None of a picture.
        slices: how many the volume has.
    """

    truth: str
    answers: tuple[str, ...]
    slice_number: int | None
    slices: int


class Painter:
    """Draws cases of some runs, as long as their files are where they were and the budget lasts.

    Args:
        runs: whose masks are drawn.
        budget: most bytes that are given out in all.
    """

    def __init__(self, runs: Sequence[ComparedRun], budget: int = BUDGET_BYTES) -> None:
        self._runs = tuple(runs)
        self._structures = _structures(runs[0])
        self._masks = [
            dict(zip(map(str, run.scores.table["sample"]), map(str, run.scores.table["mask"]), strict=True))
            for run in runs
        ]
        self._left = budget

    @property
    def legend(self) -> list[dict[str, str]]:
        """Name and colour of each structure, as the pictures have them; empty where nothing says which there are."""
        return named_colours(() if self._structures is None else self._structures.names)

    def draw(self, sample: str, runs: Sequence[int] | None = None) -> CasePictures | None:
        """Draw a case as some runs outlined it; None when a file of it is gone or can not be read, or the budget is spent.

        Args:
            sample: the case.
            runs: which of them, by their place; None: all.
        """
        if self._structures is None or self._left <= 0:
            return None
        try:
            case, answers = self._read(sample, range(len(self._runs)) if runs is None else runs)
        except (LaudoError, OSError, ValueError, KeyError):
            return None
        depth = case.truth.shape[2] if case.is_volume else 1
        number = _telling_slice(case.truth, answers) if case.is_volume else None
        box = replace(case, predicted=np.maximum.reduce(answers)).content()
        if number is not None:
            box = (*box[:2], slice(number, number + 1))
        uris = [_drawn(replace(case, predicted=one).cut(box)) for one in (None, *answers)]
        self._left -= sum(map(len, uris))
        return CasePictures(uris[0], tuple(uris[1:]), None if number is None else number + 1, depth)

    def _read(self, sample: str, chosen: Sequence[int]) -> tuple[OutlinedCase, list[np.ndarray]]:
        """The case with its truth, and what each run outlined, on the same grid."""
        assert self._structures is not None
        manifest = self._runs[chosen[0]].manifest
        row = manifest.table["sample"].astype(str).tolist().index(sample)
        case = case_of(read_image(manifest.paths[row]), manifest, row, self._structures)
        answers = []
        for place in chosen:
            run, masks = self._runs[place], self._masks[place]
            path = inside(run.run.folder, masks[sample])
            if path is None:
                raise ValueError("no file of the run")
            predicted = with_prediction(case, path, self._structures).predicted
            assert predicted is not None
            answers.append(predicted)
        return case, answers


def _structures(run: ComparedRun) -> Structures | None:
    """What the run's masks are made of, as its model says."""
    try:
        return structures_in(run.trainings[0].optional_json("model") or {})
    except LaudoError:
        return None


def _telling_slice(truth: np.ndarray, answers: Sequence[np.ndarray]) -> int:
    """Axial slice in which the answers differ most; of equals the one with most of the truth, then the middle one."""
    differing = np.zeros(truth.shape[2], dtype=np.int64)
    for one in answers[1:]:
        differing += (one != answers[0]).sum(axis=(0, 1))
    marked = (truth != 0).sum(axis=(0, 1))
    middle = -np.abs(np.arange(truth.shape[2]) - truth.shape[2] // 2)
    return int(np.lexsort((middle, marked, differing))[-1])


def _drawn(case: OutlinedCase) -> str:
    """A volume of one axial slice, or a picture, as a data URI."""
    plane = planes(case, (0, 0, 0))[0]
    grey, _truth, _predicted, (height, width) = plane
    scale = SIDE / max(grey.shape[0] * height, grey.shape[1] * width)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(paint(plane, scale))).decode("ascii")
