"""Checks of geometry: do a sample's images, and its mask, lie in one place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected
from laudo.audit.seen import Seen
from laudo.audit.usable import channels_fit

SPACING_SHARE = 0.01
"""Relative difference of spacings that is still taken for rounding."""
AFFINE_MM = 0.5
"""Distance of the same corner in two files that is still taken for rounding, in mm."""
COARSER = 5.0
"""How many times coarser than the finest image of the set the coarsest may be, each by its coarsest axis."""


def channels_agree(seen: Seen) -> Finding | None:
    """The images of a sample have one shape and lie in one place."""
    if not seen.where(lambda image: len(image.channels) > 1):
        return None
    torn = seen.where(lambda image: not channels_fit(image) or not _agree(_geometries(image)))
    return seen.about("channels_agree", "fail", torn)


def mask_geometry(seen: Seen) -> Finding | None:
    """A mask has the spacing and the place of its image."""
    both = seen.where(lambda image: bool(image.mask and not image.mask.error and image.mask.spacing_mm))
    if not both:
        return None
    torn = [row for row in both if not _agree([*_geometries(seen.images[row])[:1], _mask_geometry(seen.images[row])])]
    return seen.about("mask_geometry", "fail", torn)


def spacing(seen: Seen) -> Finding | None:
    """Images are of about one spacing: pixels of other sizes show organs of other sizes."""
    rows = seen.where(lambda image: image.channels[0].spacing_mm is not None)
    if not rows:
        return None
    coarse = np.array([max(seen.images[row].channels[0].spacing_mm or (1.0,)) for row in rows])
    fine = np.array([min(seen.images[row].channels[0].spacing_mm or (1.0,)) for row in rows])
    facts = {"finest_mm": float(fine.min()), "coarsest_mm": float(coarse.max())}
    if coarse.max() <= COARSER * max(1e-9, float(coarse.min())):
        return Finding("spacing", "pass", facts=facts)
    usual = max(1e-9, float(np.median(coarse)))
    far = [
        row
        for row, one in zip(rows, coarse, strict=True)
        if not COARSER**-0.5 <= max(1e-9, one) / usual <= COARSER**0.5
    ]
    return seen.about("spacing", "warn", far, **facts)


Geometry = tuple[tuple[int, ...], tuple[float, ...] | None, tuple[float, ...] | None]
"""Shape, spacing and affine."""


def _geometries(image: Inspected) -> list[Geometry]:
    return [(channel.shape, channel.spacing_mm, channel.affine) for channel in image.channels]


def _mask_geometry(image: Inspected) -> Geometry:
    assert image.mask is not None
    return image.mask.shape, image.mask.spacing_mm, image.mask.affine


def _agree(geometries: Sequence[Geometry]) -> bool:
    shape, spacing_mm, affine = geometries[0]
    for _other_shape, other_spacing, other_affine in geometries[1:]:
        if spacing_mm and other_spacing:
            if len(spacing_mm) != len(other_spacing):
                return False
            if not np.allclose(spacing_mm, other_spacing, rtol=SPACING_SHARE, atol=0):
                return False
        if affine and other_affine and _corner_distance_mm(shape, affine, other_affine) > AFFINE_MM:
            return False
    return True


def _corner_distance_mm(shape: Sequence[int], one: Sequence[float], other: Sequence[float]) -> float:
    """Largest distance of a corner of the volume under both affines."""
    corners = np.array([[*place, 1.0] for place in np.ndindex(2, 2, 2)]) * [*shape, 1.0]
    moved = corners @ (np.reshape(one, (4, 4)) - np.reshape(other, (4, 4))).T
    return float(np.linalg.norm(moved[:, :3], axis=1).max())
