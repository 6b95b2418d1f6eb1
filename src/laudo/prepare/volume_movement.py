"""Turning, scaling and mirroring patches of volumes, with their masks, out of larger patches so that nothing is missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Size = tuple[int, int, int]
MoveMask = Literal["linear", "nearest"]


def turns(radians: Tensor, spacing_mm: Sequence[float]) -> Tensor:
    """(n, 3, 3) maps of voxel offsets that turn about the first, then the second, then the third axis by (n, 3) angles.

    Angles hold in millimetres: voxels that are no cubes are not sheared.
    """
    turned = torch.eye(3, dtype=torch.float64).expand(len(radians), 3, 3)
    for axis in range(3):
        cos, sin = torch.cos(radians[:, axis].double()), torch.sin(radians[:, axis].double())
        one, other = [other for other in range(3) if other != axis]
        step = torch.eye(3, dtype=torch.float64).repeat(len(radians), 1, 1)
        step[:, one, one] = step[:, other, other] = cos
        step[:, one, other], step[:, other, one] = -sin, sin
        turned = step @ turned
    spacing = torch.tensor(spacing_mm, dtype=torch.float64)
    return turned * spacing / spacing[:, None]


def reach(maps: Tensor, size: Sequence[int]) -> Tensor:
    """(n, 3) how far, in voxels from the middle, patches of ``size`` look along each axis, by (n, 3, 3) maps of offsets."""
    half = (torch.tensor(size, dtype=torch.float64) - 1) / 2
    return (maps.abs() * half).sum(dim=2)


def widest_turn(size: Sequence[int], largest_radians: Sequence[float], spacing_mm: Sequence[float]) -> Tensor:
    """(3,) the farthest reach of all rotations up to these angles, found on a grid of 33 angles an axis."""
    angles = [torch.linspace(-most, most, 33).tolist() if most > 0 else [0.0] for most in largest_radians]
    return reach(turns(torch.tensor(list(product(*angles))), spacing_mm), size).amax(dim=0)


def crop(volume: Tensor, size: Sequence[int]) -> Tensor:
    """The middle of (…, X, Y, Z), as a view."""
    starts = [(have - want) // 2 for have, want in zip(volume.shape[-3:], size, strict=True)]
    x, y, z = (slice(start, start + want) for start, want in zip(starts, size, strict=True))
    return volume[..., x, y, z]


def move(
    volume: Tensor, mask: Tensor | None, offsets: Tensor, size: Size, move_mask: MoveMask
) -> tuple[Tensor, Tensor | None]:
    """Look at a patch through a map of offsets from its middle.

    Where the map would look beyond what was read, it looks at a smaller part: nothing comes in from outside.

    Args:
        volume: (C, X, Y, Z), what was read; its middle is the patch, as :func:`crop` finds it.
        mask: (X, Y, Z) integer labels from 0 on, or (R, X, Y, Z) regions.
        offsets: (3, 3) map from offsets in the patch to offsets in the volume, in voxels.
        size: of the patch.
        move_mask: `linear` interpolates each label and takes the largest (regions: from one half on), or `nearest`.

    Returns:
        (C, *size) float32 and the mask of that size, of its own type.
    """
    read = volume.shape[-3:]
    middle = torch.tensor([(have - want) // 2 + (want - 1) / 2 for have, want in zip(read, size, strict=True)])
    room = torch.minimum(middle, torch.tensor(read) - 1 - middle).double().clamp(min=0.5)
    far = reach(offsets[None], size)[0]
    held = max(1.0, float((far / room).max()))
    offsets, far = offsets / held, far / held
    low = torch.floor(middle - far).clamp(min=0).long().tolist()
    high = (torch.ceil(middle + far).long() + 1).tolist()
    x, y, z = (slice(first, last) for first, last in zip(low, high, strict=True))
    seen = volume[:, x, y, z].float()
    grid = _grid(offsets, middle - torch.tensor(low), size, seen.shape[1:]).to(volume.device)
    if mask is None:
        return _look(seen, grid, "bilinear"), None
    marked = mask[..., x, y, z]
    if move_mask == "nearest":
        moved = _look(marked.reshape(-1, *seen.shape[1:]).float(), grid, "nearest")
        return _look(seen, grid, "bilinear"), moved.reshape(*mask.shape[:-3], *size).to(mask.dtype)
    regions = marked if mask.ndim == 4 else _planes(marked)
    both = _look(torch.cat([seen, regions.float()]), grid, "bilinear")
    shares = both[len(seen) :]
    if mask.ndim == 4:
        return both[: len(seen)], (shares >= 0.5).to(mask.dtype)
    if len(shares) < 2:
        return both[: len(seen)], (shares >= 0.5).any(dim=0).to(mask.dtype)
    most = shares.max(dim=0)
    inside = most.values >= 1 - shares.sum(dim=0)
    return both[: len(seen)], ((most.indices + 1) * inside).to(mask.dtype)


def _planes(labels: Tensor) -> Tensor:
    """(L, X, Y, Z) bool, one plane for each label from 1 to the largest."""
    numbers = torch.arange(1, int(labels.max()) + 1, device=labels.device, dtype=labels.dtype)
    return labels == numbers.view(-1, 1, 1, 1)


def _grid(offsets: Tensor, middle: Tensor, size: Size, seen: Sequence[int]) -> Tensor:
    """(X, Y, Z, 3) float32 where to look, as ``grid_sample`` wants it: last axis first, -1 and 1 being the outer borders."""
    sides = [torch.arange(side, dtype=torch.float64) - (side - 1) / 2 for side in size]
    grid = torch.empty(*size, 3)
    for axis, have in enumerate(seen):
        x, y, z = (offsets[axis, other] * side * (2 / have) for other, side in enumerate(sides))
        first = x + (2 * float(middle[axis]) + 1) / have - 1
        plane = (first[:, None] + y).float()
        torch.add(plane[:, :, None], z.float(), out=grid[..., 2 - axis])
    return grid


def _look(volume: Tensor, grid: Tensor, mode: str) -> Tensor:
    """(C, *size) what a grid shows of (C, X, Y, Z).

    A processor works on the patches of a batch side by side: the patch is given to it as one slab a thread.
    """
    slabs = math.gcd(len(grid), torch.get_num_threads()) if grid.device.type == "cpu" else 1
    parts = grid.view(slabs, -1, *grid.shape[1:])
    whole = volume.expand(slabs, *volume.shape)
    shown = F.grid_sample(whole, parts, mode=mode, padding_mode="border", align_corners=False)
    return shown.transpose(0, 1).reshape(len(volume), *grid.shape[:3])
