"""A map laid over its image."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from laudo.core.atomic import atomic_path

COLOURS = mpl.colormaps["inferno"]
"""Ordered in brightness, so that it reads the same in grey and for the colour-blind."""
STRENGTH = 0.65
"""Opacity where the map is 1."""


def overlay(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: the image in grey, the map in colour, as opaque as it is strong.

    Args:
        pixels: (H, W, 1 or 3) uint8.
        heat: (H, W) from 0 to 1.
    """
    grey = pixels.mean(axis=2, keepdims=True).repeat(3, axis=2)
    colour = np.asarray(COLOURS(heat))[..., :3] * 255.0
    opacity = (STRENGTH * heat)[..., None]
    blended: np.ndarray = (grey * (1 - opacity) + colour * opacity).round().astype(np.uint8)
    return blended


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write (H, W), (H, W, 1) or (H, W, 3) uint8 as PNG."""
    image = Image.fromarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels)
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", optimize=True)
