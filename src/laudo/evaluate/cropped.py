"""Two label maps of one case, cut to the box that holds everything marked in either."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _


@dataclass(frozen=True)
class CroppedPair:
    """What is marked, without the empty rest of the image.

    Attributes:
        truth: (*B) label map within the box, in C order; of size 0 when nothing is marked in either.
        predicted: (*B) the same of the prediction.
        spacing_mm: distance of neighbouring voxels along each axis of the box.
        voxels: number of voxels of the whole image.
        diagonal_mm: diagonal of the whole image: no distance in it is longer.
        voxel_mm3: volume of a voxel; of an image with two axes its area in mm².
    """

    truth: np.ndarray
    predicted: np.ndarray
    spacing_mm: tuple[float, ...]
    voxels: int
    diagonal_mm: float
    voxel_mm3: float


def crop_pair(truth: np.ndarray, predicted: np.ndarray, spacing_mm: Sequence[float]) -> CroppedPair:
    """Check two label maps and cut them to what is marked.

    Args:
        truth: (*S) label map with two or three axes; 0 is background. An axis of length one is taken away: a volume of one
            slice is a slice, whose surface is its outline.
        predicted: the same of the prediction.
        spacing_mm: distance of neighbouring voxels along each axis.

    Raises:
        DataError: shapes disagree, there are not two or three axes, or the spacing is none.
    """
    truth, predicted, spacing = np.asarray(truth), np.asarray(predicted), tuple(float(one) for one in spacing_mm)
    _check(truth, predicted, spacing)
    shape = truth.shape
    kept = [axis for axis, length in enumerate(shape) if length > 1]
    if truth.ndim == 3 and len(kept) == 2:
        truth, predicted = (
            truth.reshape([shape[axis] for axis in kept]),
            predicted.reshape([shape[axis] for axis in kept]),
        )
        near = tuple(spacing[axis] for axis in kept)
    else:
        near = spacing
    # NIfTI files are in Fortran order. Every score is the same with the axes turned round, and memory is read in a row.
    if truth.flags.f_contiguous and not truth.flags.c_contiguous:
        truth, predicted, near = truth.T, predicted.T, near[::-1]
    boxes = [box for box in (foreground_box(truth), foreground_box(predicted)) if box is not None]
    within = tuple(
        slice(min(one.start for one in sides), max(one.stop for one in sides)) for sides in zip(*boxes, strict=True)
    ) or (slice(0, 0),)
    return CroppedPair(
        np.ascontiguousarray(truth[within]),
        np.ascontiguousarray(predicted[within]),
        near,
        math.prod(shape),
        math.sqrt(sum((length * step) ** 2 for length, step in zip(shape, spacing, strict=True) if length > 1)),
        math.prod(spacing),
    )


def foreground_box(label_map: np.ndarray) -> tuple[slice, ...] | None:
    """Smallest box that holds every voxel that is not 0; None when there is none."""
    if label_map.flags.f_contiguous and not label_map.flags.c_contiguous:
        turned = foreground_box(label_map.T)
        return None if turned is None else turned[::-1]
    if label_map.dtype.kind not in "bui":
        label_map = label_map != 0
    # From both ends, slab by slab; what lies between is laid on one slab for the other axes.
    first = next((number for number, slab in enumerate(label_map) if np.count_nonzero(slab)), None)
    if first is None:
        return None
    last = next(number for number in range(len(label_map) - 1, -1, -1) if np.count_nonzero(label_map[number]))
    side = slice(first, last + 1)
    if label_map.ndim == 1:
        return (side,)
    rest = foreground_box(np.bitwise_or.reduce(label_map[side], axis=0))
    return None if rest is None else (side, *rest)


def _check(truth: np.ndarray, predicted: np.ndarray, spacing_mm: tuple[float, ...]) -> None:
    if truth.shape != predicted.shape:
        raise DataError(
            _("The predicted mask and the true one differ in shape."),
            expected=" × ".join(map(str, truth.shape)),
            found=" × ".join(map(str, predicted.shape)),
        )
    if truth.ndim not in (2, 3) or 0 in truth.shape:
        raise DataError(
            _("A mask can not be scored."),
            expected=_("two or three axes"),
            found=" × ".join(map(str, truth.shape)) or "–",
        )
    if len(spacing_mm) != truth.ndim or not all(math.isfinite(one) and one > 0 for one in spacing_mm):
        raise DataError(
            _("The spacing does not fit the mask."),
            expected=_("a positive number of millimetres for each axis ({n})").format(n=truth.ndim),
            found=", ".join(f"{one:g}" for one in spacing_mm) or "–",
        )
