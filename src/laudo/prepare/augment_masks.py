"""Label maps of pictures, moved as the pictures were."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.prepare.augment import Changes, mirrored, movement


@torch.no_grad()
def move_masks(masks: Tensor, changes: Changes) -> Tensor:
    """Flip, turn, scale and shift masks exactly as :func:`laudo.prepare.augment.apply_changes` does images.

    Args:
        masks: (B, H, W) integer labels, or (B, R, H, W) overlapping regions, 0 or 1; labels below 2^24.
        changes: those of the images.

    Returns:
        Of the same shape and type: each pixel has the label nearest to where it came from, 0 where that is outside.
    """
    planes = mirrored(masks if masks.ndim == 4 else masks[:, None], changes)
    with torch.autocast(masks.device.type, enabled=False):
        grid = movement(changes, planes.shape, planes.device)
        if grid is not None:
            moved = F.grid_sample(planes.float(), grid, mode="nearest", padding_mode="zeros", align_corners=False)
            planes = moved.to(masks.dtype)
    return planes.view(masks.shape)
