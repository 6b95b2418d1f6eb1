"""Where the planes of a DICOM volume lie: sorted by position, never by number, and refused when one is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MAX_SPACING_MM, MIN_SPACING_MM

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SAME_DIRECTION = 0.01
"""Largest difference of two orientation vectors that are the same but for rounding."""
SAME_DISTANCE_MM = 0.11
"""Positions are often rounded to a tenth of a mm, so that two distances may differ by as much."""
TILT_DEGREES = 0.5
"""Smaller tilts are rounding."""


@dataclass(frozen=True)
class Plane:
    """One slice or frame in the patient's coordinates (to the left, back and head, in mm, as DICOM counts).

    Attributes:
        position: (3,) of the centre of the first pixel.
        along_row: (3,) unit vector in which the columns are counted.
        along_column: (3,) unit vector in which the rows are counted.
        spacing_mm: distance of rows, then of columns.
        shape: rows, columns.
        name: what an error calls it.
    """

    position: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    name: str


@dataclass(frozen=True)
class Stack:
    """Planes in their order, and the (4, 4) affine from (column, row, plane) to RAS+ millimetres."""

    order: list[int]
    affine: np.ndarray
    tilt_degrees: float


def plane_of(position: Any, orientation: Any, spacing: Any, shape: tuple[int, int], name: str) -> Plane | None:
    """A plane from the values of its elements; None when one is missing, not a number or absurd."""
    try:
        place, directions, distances = (
            np.array([float(one) for one in value]) for value in (position, orientation, spacing)
        )
    except (TypeError, ValueError):
        return None
    if place.shape != (3,) or directions.shape != (6,) or distances.shape != (2,):
        return None
    if not np.isfinite(np.concatenate([place, directions, distances])).all() or np.abs(place).max() > 1e6:
        return None
    row, column = directions[:3], directions[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(length - 1) for length in lengths) > 0.05 or abs(row @ column) > 0.05:
        return None
    if distances.min() < MIN_SPACING_MM or distances.max() > MAX_SPACING_MM:
        return None
    return Plane(place, row / lengths[0], column / lengths[1], (float(distances[0]), float(distances[1])), shape, name)


def planes_of_frames(dataset: Dataset) -> list[Plane] | None:
    """Planes of an enhanced multi-frame image; None when its frames have no place in the patient."""
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if len(frames) != int(dataset.get("NumberOfFrames") or 1):
        return None

    def value(frame: Any, group: str, keyword: str) -> Any:
        for holder in (frame, shared):
            items = holder.get(group) if holder is not None else None
            if items and items[0].get(keyword) is not None:
                return items[0].get(keyword)
        return None

    planes = []
    for number, frame in enumerate(frames):
        plane = plane_of(
            value(frame, "PlanePositionSequence", "ImagePositionPatient"),
            value(frame, "PlaneOrientationSequence", "ImageOrientationPatient"),
            value(frame, "PixelMeasuresSequence", "PixelSpacing"),
            (int(dataset.Rows), int(dataset.Columns)),
            _("frame {n}").format(n=number + 1),
        )
        if plane is None:
            return None
        planes.append(plane)
    return planes


def stack(planes: Sequence[Plane], path: Path) -> Stack:
    """Sort planes along their normal and check that they are evenly spaced.

    Tilted gantries give a sheared affine, from the positions alone. Positions may be rounded to a tenth of a mm or to a tenth of
    the distance of two planes.

    Raises:
        UnreadableImageError: planes of several sizes, spacings or orientations; two at one place; one missing; uneven distances.
    """
    first = planes[0]
    for what, same in (
        (_("The slices of the series have several sizes."), lambda one: one.shape == first.shape),
        (
            _("The slices of the series have several orientations."),
            lambda one: (
                max(np.abs(one.along_row - first.along_row).max(), np.abs(one.along_column - first.along_column).max())
                <= SAME_DIRECTION
            ),
        ),
        (
            _("The slices of the series have several pixel spacings."),
            lambda one: np.allclose(one.spacing_mm, first.spacing_mm, rtol=0.01),
        ),
    ):
        others = [one.name for one in planes if not same(one)]
        if others:
            agree = len(planes) - len(others)
            raise _refused(
                path,
                what,
                _("{n} like {name}, {other} others").format(n=agree, name=first.name, other=len(others)),
                others,
            )
    normal = np.cross(first.along_row, first.along_column)
    normal /= np.linalg.norm(normal)
    heights = np.array([one.position @ normal for one in planes])
    order = [int(index) for index in np.argsort(heights, kind="stable")]
    step = _step(planes, order, heights, path)
    tilt = math.degrees(math.atan2(float(step @ first.along_column), float(step @ normal)))
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing_mm[1]
    affine[:3, 1] = first.along_column * first.spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = planes[order[0]].position
    affine[:2] *= -1  # DICOM counts to the left and to the back
    return Stack(order, affine, tilt if abs(tilt) >= TILT_DEGREES else 0.0)


def _step(planes: Sequence[Plane], order: list[int], heights: np.ndarray, path: Path) -> np.ndarray:
    """(3,) vector from one plane to the next, after checking that it is the same everywhere."""
    gaps = np.diff(heights[order])
    usual = float(np.median(gaps))
    names = [planes[index].name for index in order]
    double = [f"{names[at]} = {names[at + 1]}" for at in np.flatnonzero(gaps < min(0.01, max(0.1 * usual, 1e-4)))]
    if double:
        raise _refused(path, _("Two slices of the series lie at the same place."), f"{len(double)}", double)
    tolerance = min(max(0.1 * usual, SAME_DISTANCE_MM), 0.45 * usual)
    wide = [int(at) for at in np.flatnonzero(np.abs(gaps - usual) > tolerance)]
    if wide:
        details = [f"{names[at]} – {names[at + 1]}: {gaps[at]:.2f} mm" for at in wide]
        ratios = gaps[wide] / usual
        if np.all((ratios > 1.5) & (np.abs(ratios - np.round(ratios)) <= np.round(ratios) * tolerance / usual)):
            number = int(np.round(ratios).sum()) - len(wide)
            raise _refused(path, _("Slices of the series are missing."), _("{n} missing").format(n=number), details)
        raise _refused(
            path,
            _("The distances of the slices of the series jump."),
            _("{low} to {high} mm, {usual} mm as a rule").format(
                low=f"{gaps.min():.2f}", high=f"{gaps.max():.2f}", usual=f"{usual:.2f}"
            ),
            details,
        )
    positions = np.array([planes[index].position for index in order])
    step: np.ndarray = (positions[-1] - positions[0]) / (len(order) - 1)
    strayed = np.abs(positions - positions[0] - np.arange(len(order))[:, None] * step).max(axis=1)
    stray = [names[at] for at in np.flatnonzero(strayed > max(tolerance, SAME_DISTANCE_MM))]
    if stray:
        raise _refused(
            path,
            _("The slices of the series do not lie evenly on a straight line."),
            _("up to {n} mm beside it").format(n=f"{strayed.max():.2f}"),
            stray,
        )
    return step


def _refused(path: Path, what: str, found: str, details: Sequence[str]) -> UnreadableImageError:
    return UnreadableImageError(
        what,
        file=path,
        found=found,
        details=tuple(details[:10]),
        cure=_("Export the series again, complete and once, or take the strange files out of the folder."),
    )
