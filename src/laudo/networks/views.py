"""Views of an image over which an answer is averaged (test-time augmentation)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import View

CLOSER = 0.9
"""Share of each side that the view ``closer`` keeps."""


def seen(pixels: Tensor, view: View) -> Tensor:
    """One view of (B, C, H, W) pixels, in their shape and type.

    Turned by 90 or 270 degrees, counter-clockwise, an image must be square: a recipe that asks otherwise is refused when read.
    """
    if view == "plain":
        return pixels
    if view == "mirrored":
        return pixels.flip(3)
    if view == "upside_down":
        return pixels.flip(2)
    if view == "closer":
        return _closer(pixels)
    return pixels.rot90({"turned_90": 1, "turned_180": 2, "turned_270": 3}[view], dims=(2, 3))


def _closer(pixels: Tensor) -> Tensor:
    height, width = (int(side) for side in pixels.shape[2:])
    top, left = round(height * (1 - CLOSER) / 2), round(width * (1 - CLOSER) / 2)
    middle = pixels[:, :, top : height - top, left : width - left].float()
    larger = F.interpolate(middle, size=(height, width), mode="bilinear", align_corners=False)
    return larger if pixels.is_floating_point() else larger.round().clamp(0, 255).to(pixels.dtype)
