"""Random changes of a whole batch on the device that trains: draw the parameters first, then apply them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import Augment


@dataclass(frozen=True)
class Changes:
    """What happens to each image of a batch. All tensors are (B,) float32."""

    flip_horizontal: Tensor  # 0 or 1
    flip_vertical: Tensor
    rotation_radians: Tensor
    scale: Tensor  # 1: unchanged
    shift_x: Tensor  # share of the width
    shift_y: Tensor
    brightness: Tensor  # added, as a share of the range
    contrast: Tensor  # 1: unchanged


def draw_changes(batch: int, augment: Augment, generator: torch.Generator) -> Changes:
    """Draw the changes of ``batch`` images; always the same number of draws, so that one setting never moves another's."""

    def uniform(largest: float) -> Tensor:
        return (torch.rand(batch, generator=generator) * 2 - 1) * largest

    def coin(probability: float) -> Tensor:
        return (torch.rand(batch, generator=generator) < probability).float()

    return Changes(
        flip_horizontal=coin(augment.horizontal_flip),
        flip_vertical=coin(augment.vertical_flip),
        rotation_radians=uniform(math.radians(augment.rotation_degrees)),
        scale=1 + uniform(augment.scale),
        shift_x=uniform(augment.translation),
        shift_y=uniform(augment.translation),
        brightness=uniform(augment.brightness),
        contrast=1 + uniform(augment.contrast),
    )


def apply_changes(images: Tensor, changes: Changes) -> Tensor:
    """Apply changes to (B, C, H, W) images of range 0 to 255; what comes in from outside is black.

    Returns:
        float32 of the same shape and range, on the same device. Flips alone move pixels without interpolation.
    """
    images = images.float()
    device = images.device
    images = _flip(images, changes.flip_horizontal.to(device), dim=3)
    images = _flip(images, changes.flip_vertical.to(device), dim=2)
    moved = (changes.rotation_radians != 0) | (changes.scale != 1) | (changes.shift_x != 0) | (changes.shift_y != 0)
    if bool(moved.any()):
        grid = F.affine_grid(_matrices(changes, images.shape).to(device), list(images.shape), align_corners=False)
        images = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    contrast = changes.contrast.to(device).view(-1, 1, 1, 1)
    brightness = changes.brightness.to(device).view(-1, 1, 1, 1) * 255.0
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * contrast + mean + brightness).clamp(0.0, 255.0)


def _flip(images: Tensor, chosen: Tensor, dim: int) -> Tensor:
    return torch.where(chosen.view(-1, 1, 1, 1) > 0, images.flip(dim), images)


def _matrices(changes: Changes, shape: torch.Size) -> Tensor:
    """(B, 2, 3) maps from output to input in normalised coordinates; rotation keeps its angle on images that are not square."""
    height, width = shape[2], shape[3]
    cos, sin = torch.cos(changes.rotation_radians), torch.sin(changes.rotation_radians)
    matrix = torch.zeros(len(cos), 2, 3)
    matrix[:, 0, 0] = cos / changes.scale
    matrix[:, 0, 1] = -sin / changes.scale * (height / width)
    matrix[:, 1, 0] = sin / changes.scale * (width / height)
    matrix[:, 1, 1] = cos / changes.scale
    matrix[:, 0, 2] = -2 * changes.shift_x
    matrix[:, 1, 2] = -2 * changes.shift_y
    return matrix
