"""Volumes with their axes to the patient's right, front and head (RAS+)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MAX_SPACING_MM, MIN_SPACING_MM


def check_affine(affine: np.ndarray, path: Path) -> tuple[float, float, float]:
    """Spacing in mm along each voxel axis of a (4, 4) affine.

    Raises:
        UnreadableImageError: a number is not finite, a spacing is absurd, or the axes lie in one plane.
    """
    spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)) if np.isfinite(affine).all() else np.full(3, np.nan)
    sound = bool(np.all((spacing >= MIN_SPACING_MM) & (spacing <= MAX_SPACING_MM)))
    if sound:
        sound = bool(abs(np.linalg.det(affine[:3, :3] / spacing)) > 0.01 and np.abs(affine[:3, 3]).max() < 1e6)
    if not sound:
        raise UnreadableImageError(
            _("The image's place in space is absurd."),
            file=path,
            expected=_("a finite affine with a spacing between {low} and {high} mm").format(
                low=MIN_SPACING_MM, high=f"{MAX_SPACING_MM:g}"
            ),
            found=" ".join(f"{value:g}" for value in affine[:3].ravel()),
            cure=_("Convert the image again from its source, or leave it out with --set data.unreadable=skip."),
        )
    return float(spacing[0]), float(spacing[1]), float(spacing[2])


def to_ras(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Reorder and flip the axes of an (I, J, K) array so that they run to right, front and head; nothing is resampled.

    Returns:
        The (X, Y, Z) array, contiguous; its (4, 4) affine; the axes as they were, such as ``LPS``.
    """
    from nibabel import orientations as typed

    orientations: Any = typed  # its functions carry no types
    turns = orientations.io_orientation(affine)
    before = "".join(str(letter) for letter in orientations.ornt2axcodes(turns))
    turned = np.require(orientations.apply_orientation(array, turns), requirements=["C", "W"])
    return turned, np.asarray(affine @ orientations.inv_ornt_aff(turns, array.shape), dtype=np.float64), before
