"""Drawing of a whole brain without skull, in three dimensions: implicit shapes whose depth is known everywhere.

Coordinates are as in :mod:`laudo.sources.phantom_volume`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from laudo.sources.phantom_anatomy import Array, Waves
from laudo.sources.phantom_field import ramp, smooth_field

Point: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """Where the voxels lie: x, y, z (mm), and the side of a voxel (mm)."""

    x: Array
    y: Array
    z: Array
    spacing: float

    @classmethod
    def of(cls, shape: tuple[int, int, int], spacing: float, box: tuple[slice, slice, slice]) -> Grid:
        """Voxels in the ``box`` of a volume of this shape, whose middle is the origin."""
        axes = [
            ((np.arange(part.start, part.stop) + 0.5 - length / 2) * spacing).astype(np.float32)
            for length, part in zip(shape, box, strict=True)
        ]
        x, y, z = np.meshgrid(*axes, indexing="ij")
        return cls(x, y, z, spacing)


@dataclass(frozen=True)
class Tissues:
    """What each voxel is made of.

    Attributes:
        covers: tissue → part of each voxel, in the order in which they are painted over the fluid.
        white: part of each voxel that is white matter in the end.
        brain: what is left when the skull is removed.
        surface_mm: depth below the brain's surface.
    """

    covers: dict[str, Array]
    white: Array
    brain: NDArray[np.bool_]
    surface_mm: Array


def draw_brain(rng: np.random.Generator, grid: Grid) -> Tissues:
    """A brain of random size, folds and ventricles."""
    shape = grid.x.shape
    size = rng.normal(1, 0.035, 3).clip(0.92, 1.08)
    wide = 1 + np.float32(0.03) * smooth_field(rng, shape, (4, 4, 4))
    x, y, z = (
        axis * wide / np.float32(scale) + np.float32(1.8) * smooth_field(rng, shape, (7, 7, 7))
        for axis, scale in zip((grid.x, grid.y, grid.z), size, strict=True)
    )
    u = np.abs(x)
    hemispheres = np.minimum(_ellipsoid((x, y, z), (0, 0, 6), (67, 86, 60)), z + np.float32(26) + np.float32(0.04) * y)
    temporal = _ellipsoid((u, y, z), (43, -10, -22), (22, 46, 20))
    cerebellum = _ellipsoid((u, y, z), (22, 52, -38), (31, 28, 21))
    stem = np.maximum(
        _capsule((x, y, z), (0, 10, -12, 12), (0, 24, -66, 10)), _ellipsoid((x, y, z), (0, 10, -36), (17, 14, 14))
    )
    cerebrum = np.maximum(hemispheres, temporal)
    parts = np.stack([hemispheres, temporal, cerebellum, stem]) * np.float32(1 / 5)
    hull = np.float32(5) * np.log(np.exp(np.clip(parts, -12, 12)).sum(axis=0)) - np.float32(0.5)
    soft = max(grid.spacing, 1.0)
    fold = _fold_distance(rng, (x, y, z), grid.spacing)
    reach = np.float32(17) + np.float32(5) * smooth_field(rng, shape, (6, 6, 6))
    ribbon = fold + np.clip(cerebrum - reach, 0, None)
    apart = np.maximum(np.maximum(z - np.float32(25), -y - np.float32(46)), np.minimum(y - np.float32(38), z + 5))
    ribbon = np.minimum(ribbon, u + np.clip(-apart, 0, None) - np.float32(1))
    inner = np.minimum(cerebrum, ribbon)
    cortex = ramp(inner - np.float32(0.6), soft)
    white = ramp(inner - np.float32(3.8), soft)
    folia = np.abs(np.sin(np.float32(0.5) * z + np.float32(0.05) * y)) * np.float32(6)
    hind = ramp(cerebellum, soft)
    hind_white = ramp(np.minimum(cerebellum - 7, folia - 2), soft)
    pons = ramp(stem, soft)
    deep = np.zeros_like(x)
    for centre, axes in (((10, 9, 8), (9, 15, 10)), ((14, -17, 11), (6, 12, 9)), ((25, -5, 4), (7, 17, 10))):
        deep = np.maximum(deep, ramp(_ellipsoid((u, y, z), centre, axes), soft + 1))
    fluid = ramp(_ventricles((x, y, z), rng.lognormal(0, 0.35, 2)), soft)
    covers = {"gm": np.maximum(cortex, hind), "wm": np.maximum(np.maximum(white, hind_white), pons), "deep": deep}
    covers["csf"] = fluid
    pure = np.maximum(white, pons) * (1 - deep) * (1 - fluid)
    return Tissues(covers, pure, hull > 0, hull)


def _fold_distance(rng: np.random.Generator, place: tuple[Array, Array, Array], spacing: float) -> Array:
    """Distance to the nearest sulcus: zero surfaces of waves over the brain's surface, drawn straight inwards."""
    x, y, z = place
    out = np.sqrt((x / 67) ** 2 + (y / 86) ** 2 + ((z - 6) / 60) ** 2) + np.float32(0.15)
    waves = Waves.draw(rng, 9, 0.17, 0.30)
    field = waves(x / out, y / out, z / out)
    slopes = np.gradient(field, np.float32(spacing))
    steepness = np.sqrt(sum(slope * slope for slope in slopes))
    distance: Array = np.abs(field) / (steepness + np.float32(0.06))
    return distance


def _ventricles(place: tuple[Array, Array, Array], scales: Array) -> Array:
    """Depth inside the lateral, third and fourth ventricle."""
    x, y, z = place
    u = np.abs(x)
    track = [(10, -34, 12, 3.5), (9, -6, 20, 4.5), (13, 18, 20, 4.5), (22, 38, 10, 6), (20, 60, 6, 2)]
    horn = [(22, 38, 10, 5), (33, 20, -10, 2.5), (30, -4, -16, 2)]
    depth = np.full_like(x, -50)
    for start, end in [*pairwise(track), *pairwise(horn)]:
        depth = np.maximum(depth, _capsule((u, y, z), start, end))
    depth += (np.where(x < 0, np.float32(scales[0]), np.float32(scales[1])) - 1) * np.float32(2.5)
    third = np.minimum(np.float32(2) - u, _ellipsoid((x, y, z), (0, 6, 0), (9, 13, 9)))
    fourth = _ellipsoid((x, y, z), (0, 36, -36), (6, 5, 8))
    return np.maximum(depth, np.maximum(third, fourth))


def _ellipsoid(place: tuple[Array, Array, Array], centre: Point, axes: Point) -> Array:
    """Depth inside an ellipsoid, exact to first order at its surface."""
    scaled = [
        (axis - np.float32(middle)) * np.float32(1 / half)
        for axis, middle, half in zip(place, centre, axes, strict=True)
    ]
    first = np.sqrt(sum(part * part for part in scaled))
    second = np.sqrt(sum((part * np.float32(1 / half)) ** 2 for part, half in zip(scaled, axes, strict=True)))
    depth: Array = first * (1 - first) / np.maximum(second, np.float32(1e-4))
    return np.minimum(depth, np.float32(min(axes)))


def _capsule(
    place: tuple[Array, Array, Array], start: tuple[float, float, float, float], end: tuple[float, float, float, float]
) -> Array:
    """Depth inside a tapered capsule; each end is (x, y, z, radius)."""
    way = np.subtract(end[:3], start[:3])
    square = float(way @ way)
    away = [axis - np.float32(at) for axis, at in zip(place, start[:3], strict=True)]
    along = np.clip(sum(part * np.float32(step / square) for part, step in zip(away, way, strict=True)), 0, 1)
    rest = np.sqrt(sum((part - along * np.float32(step)) ** 2 for part, step in zip(away, way, strict=True)))
    depth: Array = np.float32(start[3]) + along * np.float32(end[3] - start[3]) - rest
    return depth
