"""Depth, strides and kernels of a U-Net from the size of its patches, as nnU-Net plans them (Isensee et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from laudo.core.errors import RecipeError
from laudo.core.messages import _

SMALLEST_EDGE = 4
"""Voxels that a side of the coarsest grid keeps at least, unless more levels are asked for."""
FIRST_FILTERS = 32
MOST_FILTERS = {2: 512, 3: 320}
COARSER = 2.0
"""An axis whose voxels are at least this many times as long as the finest axis' is neither halved nor convolved along."""


@dataclass(frozen=True)
class UNetPlan:
    """A plan, one entry a level, finest first.

    Attributes:
        strides: of the level's first convolution, an entry an axis; of the first level 1.
        kernels: of the level's convolutions, an entry an axis; of the coarsest level 3 along all.
        filters: channels.
    """

    strides: tuple[tuple[int, ...], ...]
    kernels: tuple[tuple[int, ...], ...]
    filters: tuple[int, ...]

    @property
    def multiple(self) -> tuple[int, ...]:
        """Of what each side of an image must be a multiple."""
        return tuple(math.prod(steps) for steps in zip(*self.strides, strict=True))


def plan_unet(
    patch: Sequence[int],
    filters: Sequence[int] = (),
    spacing_mm: Sequence[float] | None = None,
    fewest_levels: int = 2,
) -> UNetPlan:
    """Plan a U-Net.

    An axis is halved while that leaves it :data:`SMALLEST_EDGE` voxels and its voxels are less than twice as long as the finest
    ones; the last axis that is left is halved only down to half as much again. Where that gives fewer levels than asked for, axes
    are halved down to one voxel.

    Args:
        patch: voxels along each axis.
        filters: channels of each level, which also says how many levels there are; without them, 32 and doubled from level to
            level, at most 512 (images) or 320 (volumes), on as many levels as the patch gives.
        spacing_mm: of the patch; None: the same along all axes.
        fewest_levels: that there must be.

    Raises:
        RecipeError: the patch is too small for so many levels.
    """
    axes = len(patch)
    spacing = [1.0] * axes if spacing_mm is None else [float(step) for step in spacing_mm]
    size = list(patch)
    strides, kernels = [(1,) * axes], [_kernel(spacing)]
    wanted = len(filters) or fewest_levels
    while not filters or len(strides) < wanted:
        halved = _halved(size, spacing, SMALLEST_EDGE)
        if not halved and len(strides) < wanted:
            halved = _halved(size, spacing, 1)
        if not halved:
            break
        step = tuple(2 if axis in halved else 1 for axis in range(axes))
        size = [math.ceil(n / k) for n, k in zip(size, step, strict=True)]
        spacing = [mm * k for mm, k in zip(spacing, step, strict=True)]
        strides.append(step)
        kernels.append(tuple(max(pair) for pair in zip(_kernel(spacing), kernels[-1], strict=True)))
    if len(strides) < wanted:
        raise RecipeError(
            _("The patch is too small for so many levels of the network."),
            found=_("{levels} levels, patch {patch}").format(levels=wanted, patch=" × ".join(map(str, patch))),
            expected=_("at most {levels} levels").format(levels=len(strides)),
            cure=_("Enlarge training.patch.size_voxels, or name fewer levels in network.filters."),
        )
    kernels[-1] = (3,) * axes
    own = tuple(min(FIRST_FILTERS * 2**level, MOST_FILTERS[axes]) for level in range(len(strides)))
    return UNetPlan(tuple(strides), tuple(kernels), tuple(filters) or own)


def _halved(size: Sequence[int], spacing: Sequence[float], edge: int) -> list[int]:
    """Axes that are halved next."""
    long_enough = [axis for axis, n in enumerate(size) if n >= 2 * edge]
    if not long_enough:
        return []
    finest = min(spacing[axis] for axis in long_enough)
    chosen = [axis for axis in long_enough if spacing[axis] / finest < COARSER]
    if len(chosen) == 1 and size[chosen[0]] < 3 * edge:
        return []
    return chosen


def _kernel(spacing: Sequence[float]) -> tuple[int, ...]:
    """3 along axes of about the finest spacing, 1 along the others."""
    return tuple(3 if step / min(spacing) < COARSER else 1 for step in spacing)
