"""A case in the form that the slice viewer of the report reads: one sheet of grey slices, and the masks as runs.

The viewer is a plain script inside the page (``templates/slices.js``); it needs no WebGL and asks for nothing. A volume is cut to
what it shows, thinned out where it is too large, and its axial slices are laid side by side on one JPEG, row by row; of these the
script makes the other planes. Masks must be exact, so they are not in that picture: for every voxel the pair of truth and
prediction is one whole number, ``truth × (structures + 1) + prediction``, and runs of the same number are written as number and
length, each with seven bits a byte and the eighth bit set on all bytes but the last (LEB128), in base64. Voxels come slice by slice
(head last), within a slice row by row (front last), within a row right last.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

import numpy as np

from laudo.prepare.crop import Box, mask_box
from laudo.report.case_picture import jpeg
from laudo.report.outlined_case import OutlinedCase

MOST_VOXELS = 1_600_000
"""Voxels of one case: of more, every second (third …) one is kept along the axes whose voxels are smallest."""

FAR_TOO_LARGE = 4
"""Of how many times as many voxels only the surroundings of what is marked are kept."""

MARGIN_MM = 30.0
"""Kept around it then."""

MOST_SIDE_PX = 900
"""Longest side of a picture."""

JPEG_QUALITY = 80


@dataclass(frozen=True)
class Slices:
    """What the page holds of a case.

    Attributes:
        shape: voxels along right, front and head; of a picture its width, its height, and 1.
        spacing: of these voxels.
        columns: slices in a row of the sheet.
        sheet: JPEG file.
        runs: masks in base64.
        places: slice across each axis that is shown first.
        step: 1 when every voxel is there, along each axis.
        start: voxel of the file that the first one is, along each axis, from 0.
        total: voxels of the file along each axis.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    columns: int
    sheet: bytes
    runs: str
    places: tuple[int, int, int]
    step: tuple[int, int, int]
    start: tuple[int, int, int]
    total: tuple[int, int, int]


def make_slices(case: OutlinedCase, structures: int, most_voxels: int = MOST_VOXELS) -> Slices:
    """Prepare a case for the viewer.

    Args:
        case: with its prediction.
        structures: how many there are.
        most_voxels: more are thinned out.
    """
    return _volume(case, structures, most_voxels) if case.is_volume else _picture(case, structures)


def _volume(case: OutlinedCase, structures: int, most_voxels: int) -> Slices:
    right, front, head = case.truth.shape
    box = viewed_box(case, most_voxels)
    case = case.cut(box)
    truth, predicted = case.truth, _predicted(case)
    steps = thinning(truth.shape, case.spacing_mm, most_voxels)
    kept = tuple(slice(step // 2, None, step) for step in steps)
    grey = _means(case.grey, steps, truth[kept].shape)
    truth, predicted = truth[kept], predicted[kept]
    x, y, z = truth.shape
    columns = max(1, math.ceil(math.sqrt(z * y / x)))
    sheet = np.zeros((math.ceil(z / columns) * y, columns * x), np.uint8)
    for number in range(z):
        row, column = divmod(number, columns)
        sheet[row * y : (row + 1) * y, column * x : (column + 1) * x] = grey[:, :, number].T
    i, j, k = (
        min(place // step, side - 1) for place, step, side in zip(case.places(), steps, truth.shape, strict=True)
    )
    first = [one.start + step // 2 for one, step in zip(box, steps, strict=True)]
    spacing = [own * step for own, step in zip(case.spacing_mm, steps, strict=True)]
    return Slices(
        (x, y, z),
        (spacing[0], spacing[1], spacing[2]),
        columns,
        jpeg(sheet, JPEG_QUALITY),
        encode_runs(truth.T, predicted.T, structures),
        (i, j, k),
        steps,
        (first[0], first[1], first[2]),
        (right, front, head),
    )


def _picture(case: OutlinedCase, structures: int) -> Slices:
    """A picture lies as it is seen: its first row is the first row of the slice."""
    height, width = case.truth.shape
    step = max(1, math.ceil(max(height, width) / MOST_SIDE_PX))
    kept = (slice(step // 2, None, step),) * 2
    truth, predicted = case.truth[kept], _predicted(case)[kept]
    rows, columns = truth.shape
    grey = np.stack([_means(one[:, :, None], (step, step, 1), (rows, columns, 1))[:, :, 0] for one in _channels(case)])
    pixels = grey[0] if len(grey) == 1 else np.ascontiguousarray(grey.transpose(1, 2, 0))
    down, across = case.spacing_mm
    return Slices(
        (columns, rows, 1),
        (across * step, down * step, 1.0),
        1,
        jpeg(pixels, JPEG_QUALITY),
        encode_runs(truth[None], predicted[None], structures),
        (0, 0, 0),
        (step, step, 1),
        (0, 0, 0),
        (width, height, 1),
    )


def _channels(case: OutlinedCase) -> list[np.ndarray]:
    return [case.grey] if case.grey.ndim == 2 else [case.grey[:, :, number] for number in range(3)]


def _predicted(case: OutlinedCase) -> np.ndarray:
    return np.zeros_like(case.truth) if case.predicted is None else case.predicted


def viewed_box(case: OutlinedCase, most_voxels: int) -> Box:
    """The part of a volume that is shown: all that is no background and all that is marked; of huge ones what is marked."""
    content, marked = case.content(), mask_box(case.marked)
    if marked is None or math.prod(one.stop - one.start for one in content) <= FAR_TOO_LARGE * most_voxels:
        return content
    margins = [math.ceil(MARGIN_MM / spacing) for spacing in case.spacing_mm]
    return tuple(
        slice(max(one.start, near.start - margin), min(one.stop, near.stop + margin))
        for one, near, margin in zip(content, marked, margins, strict=True)
    )


def thinning(shape: tuple[int, ...], spacing_mm: tuple[float, ...], most_voxels: int) -> tuple[int, int, int]:
    """Every how many-th voxel is kept along each axis: axes whose voxels are then smallest are thinned out first."""
    steps = [1, 1, 1]
    while math.prod(side // step for side, step in zip(shape, steps, strict=True)) > most_voxels:
        finest = min(range(3), key=lambda axis: (spacing_mm[axis] * steps[axis], -shape[axis]))
        steps[finest] += 1
    return steps[0], steps[1], steps[2]


def _means(grey: np.ndarray, steps: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Grey levels around each kept voxel, averaged; a block that the volume cuts off is averaged over what there is."""
    if max(steps) == 1:
        return grey
    missing = [(0, side * step - own) for side, step, own in zip(shape, steps, grey.shape, strict=True)]
    if min(after for _before, after in missing) < 0:  # a rest shorter than half a step has no voxel of its own
        grey = grey[tuple(slice(0, side * step) for side, step in zip(shape, steps, strict=True))]
        missing = [(0, max(0, after)) for _before, after in missing]
    padded = np.pad(grey, missing, mode="edge")
    blocks = padded.reshape([part for side, step in zip(shape, steps, strict=True) for part in (side, step)])
    return np.asarray(blocks.mean(axis=(1, 3, 5)).round().astype(np.uint8))


def encode_runs(truth: np.ndarray, predicted: np.ndarray, structures: int) -> str:
    """Both masks as runs in the order of their memory; see the top of this file."""
    numbers = truth.astype(np.int64).ravel() * (structures + 1) + predicted.ravel()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1]) if numbers.size else np.zeros(0, np.int64)
    lengths = np.diff(np.append(starts, numbers.size))
    written = np.stack([numbers[starts], lengths], axis=1).ravel()
    return base64.b64encode(leb128(written)).decode("ascii")


def leb128(numbers: np.ndarray) -> bytes:
    """(n,) whole numbers from 0 on, seven bits a byte, low bits first; the eighth bit says that more follow."""
    if not numbers.size:
        return b""
    groups = max(1, math.ceil(int(numbers.max()).bit_length() / 7))
    parts = (numbers[:, None] >> (7 * np.arange(groups))) & 127
    needed = np.maximum(1, -(-_bits(numbers) // 7))[:, None]
    place = np.arange(groups)[None]
    parts[place < needed - 1] |= 128
    return bytes(parts[place < needed].astype(np.uint8))


def _bits(numbers: np.ndarray) -> np.ndarray:
    """(n,) bits that each number needs; 0 of 0."""
    return np.where(numbers > 0, np.floor(np.log2(np.maximum(numbers, 1))).astype(np.int64) + 1, 0)
