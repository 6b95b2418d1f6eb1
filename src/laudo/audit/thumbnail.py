"""The small grey picture by which copies are found: one layout for pictures and volumes, 9 KB an image."""

from __future__ import annotations

import numpy as np
from PIL import Image

from laudo.read.content import content_box

FINE_SIDE = 96
"""Side in pixels."""
NEAR_UNIFORM = 0.02
"""Share of the range below which the middle 98 % of the pixels are taken for one level: such images match nothing."""
GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Luma of ITU-R BT.601."""
BRIGHT = 0.12
"""Share of the 99th percentile from which a voxel belongs to the content."""


def grey_picture(array: np.ndarray) -> np.ndarray:
    """(H, W) float32 of a picture, (H, W) or (H, W, 3), or of the middle slice of a volume's content, (X, Y, Z)."""
    if array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        return np.asarray(array.astype(np.float32) @ GREY_WEIGHTS)
    if array.ndim == 3:
        array = np.rot90(array[:, :, middle_slice(array)])
    return np.nan_to_num(array.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def middle_slice(volume: np.ndarray) -> int:
    """Number of the axial slice in the middle of an (X, Y, Z) volume's content."""
    profile = np.nan_to_num(np.abs(volume[::4, ::4, :].astype(np.float32))).sum(axis=(0, 1))
    bright = np.flatnonzero(profile > BRIGHT * np.percentile(profile, 99))
    return int(bright[len(bright) // 2]) if len(bright) else volume.shape[2] // 2


def fine_thumbnail(grey: np.ndarray) -> np.ndarray:
    """(FINE_SIDE, FINE_SIDE) uint8 picture of an (H, W) image without its border, stretched to the whole range.

    All zero for a picture without contrast. The stretch keeps dim pictures apart; correlations do not see it.
    """
    part = grey[content_box(grey)].astype(np.float32)
    image = Image.fromarray(part).resize((FINE_SIDE, FINE_SIDE), Image.Resampling.BILINEAR)
    small = np.asarray(image)
    low, high = float(small.min()), float(small.max())
    if high - low <= 1e-3 * max(1.0, abs(high)):
        return np.zeros((FINE_SIDE, FINE_SIDE), dtype=np.uint8)
    return np.asarray(((small - low) * (255.0 / (high - low))).round().astype(np.uint8))


def is_near_uniform(grey: np.ndarray, full_range: float) -> bool:
    """Whether all but the odd pixel of an image have about one level."""
    low, high = np.percentile(grey, (1.0, 99.0))
    return bool(high - low < NEAR_UNIFORM * full_range)
