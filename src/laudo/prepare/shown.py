"""What people are shown of an image that was prepared for a network."""

from __future__ import annotations

import numpy as np

from laudo.core.recipe import Prepare

BEST_SEEN = ("image", "whole", "mask")
"""Planes in the order in which one of them stands for all."""


def shown(pixels: np.ndarray, prepare: Prepare) -> np.ndarray:
    """(…, H, W, 1 or 3) to look at, of prepared (…, H, W, C) pixels: of planes the image's, in grey; else the pixels themselves."""
    if not prepare.planes:
        return pixels
    plane = prepare.planes.index(next(name for name in BEST_SEEN if name in prepare.planes))
    return pixels[..., plane : plane + 1]
