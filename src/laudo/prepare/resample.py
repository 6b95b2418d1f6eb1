"""Volumes on another grid: other spacing, other size. The first voxel's centre stays where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import ndimage

SAME = 1e-4
"""Relative difference of spacings below which a volume is left alone."""


def new_shape(shape: Sequence[int], spacing_mm: Sequence[float], wanted_mm: Sequence[float]) -> tuple[int, int, int]:
    """Voxels along each axis after resampling: as many as reach from the first centre to the last, rounded."""
    x, y, z = (
        max(1, round((side - 1) * own / wanted) + 1)
        for side, own, wanted in zip(shape, spacing_mm, wanted_mm, strict=True)
    )
    return x, y, z


def resample(volume: np.ndarray, ratio: Sequence[float], shape: Sequence[int], order: Literal[0, 1, 3]) -> np.ndarray:
    """A volume on a grid whose voxel ``i`` lies at ``i × ratio`` of the old one; beyond the edge the edge goes on.

    Args:
        volume: (X, Y, Z); float for order 1 and 3.
        ratio: new spacing / old spacing, axis by axis.
        shape: of the result.
        order: 0 nearest, 1 linear, 3 cubic spline.
    """
    out: np.ndarray = ndimage.affine_transform(
        volume, np.asarray(ratio, dtype=np.float64), output_shape=tuple(shape), order=order, mode="nearest"
    )
    return out


def resample_labels(labels: np.ndarray, ratio: Sequence[float], shape: Sequence[int], linear: bool) -> np.ndarray:
    """A label map on another grid, dtype kept; ``linear`` interpolates each label's membership and takes the largest."""
    if not linear:
        return resample(labels, ratio, shape, 0)
    values = np.unique(labels)
    best = np.full(tuple(shape), -1.0, dtype=np.float32)
    out = np.zeros(tuple(shape), dtype=labels.dtype)
    for value in values:  # rising: of two equal memberships the smaller label, background first, wins
        share = resample((labels == value).astype(np.float32), ratio, shape, 1)
        larger = share > best
        best[larger], out[larger] = share[larger], value
    return out


def resize_around_middle(volume: np.ndarray, size: Sequence[int], fill: float) -> tuple[np.ndarray, tuple[int, ...]]:
    """Pad or cut the last three axes to ``size`` around the middle.

    Returns:
        The volume, and where its first voxel lies now (negative: it was cut away).
    """
    lead = volume.ndim - 3
    out = np.full((*volume.shape[:lead], *size), fill, dtype=volume.dtype)
    shift, source, target = [], [slice(None)] * lead, [slice(None)] * lead
    for side, wanted in zip(volume.shape[lead:], size, strict=True):
        first = (wanted - side) // 2 if wanted >= side else -(side // 2 - wanted // 2)
        shift.append(first)
        length = min(side, wanted)
        source.append(slice(max(0, -first), max(0, -first) + length))
        target.append(slice(max(0, first), max(0, first) + length))
    out[tuple(target)] = volume[tuple(source)]
    return out, tuple(shift)
