"""What people are shown of an image that was prepared for a network."""

from __future__ import annotations

import numpy as np

from laudo.core.recipe import Prepare


def shown(pixels: np.ndarray, prepare: Prepare) -> np.ndarray:
    """(…, H, W, 1 or 3) to look at, of prepared (…, H, W, C) pixels: of planes the image's, in grey; else the pixels themselves."""
    plane = prepare.image_plane
    return pixels if plane is None else pixels[..., plane : plane + 1]
