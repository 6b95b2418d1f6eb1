"""Smooth random fields that every synthetic image is made uneven with: cubic B-splines over random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from laudo.sources.phantom_anatomy import Array


def smooth_field(rng: np.random.Generator, shape: Sequence[int], cells: Sequence[int]) -> Array:
    """Random field with mean 0 and standard deviation 1 at every point, as smooth as ``cells`` are few.

    The random numbers stand on a grid that does not depend on ``shape``: the same generator gives the same field at any
    resolution.

    Args:
        rng: where the numbers come from; (cells + 3) of them an axis are drawn.
        shape: shape of the result, any number of axes.
        cells: spans of the spline along each axis.

    Returns:
        float32 array of ``shape``.
    """
    values = rng.standard_normal([count + 3 for count in cells], np.float32)
    for axis, (length, count) in enumerate(zip(shape, cells, strict=True)):
        values = np.moveaxis(np.tensordot(_basis(length, count), values, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(values)


@lru_cache(maxsize=128)
def _basis(length: int, cells: int) -> Array:
    """(length, cells + 3) weights of the cubic B-splines at the middles of ``length`` pixels, rows of unit length."""
    at = (np.arange(length) + 0.5) * (cells / length)
    away = np.abs(at[:, None] - np.arange(-1, cells + 2)[None])
    weights = np.where(away < 1, 2 / 3 - away**2 + away**3 / 2, np.clip(2 - away, 0, None) ** 3 / 6)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    basis: Array = weights.astype(np.float32)
    return basis


def between(low: float, high: float, part: float) -> float:
    """``low`` when ``part`` is 0, ``high`` when it is 1."""
    return low + (high - low) * part


def ramp(depth: Array, width: float) -> Array:
    """Part of a pixel that a shape covers: 0 to 1 over ``width`` around its border, ``depth`` being positive inside."""
    cover: Array = np.clip(depth * np.float32(1 / width) + np.float32(0.5), 0, 1)
    return cover
