"""The loss of a network that answers on coarser grids too while it learns."""

from __future__ import annotations

import torch
from torch import Tensor

from laudo.core.recipe import MaskLoss
from laudo.networks.segmenter import MaskLogits
from laudo.train.mask_losses import mask_loss


def deep_supervision_loss(logits: MaskLogits, targets: Tensor, settings: MaskLoss, overlapping: bool) -> Tensor:
    """Mean of the losses at each of a network's grids (Lee et al. 2015), each grid counting half of the next finer one.

    The weights add up to 1. Targets are brought to coarser grids by :func:`coarser_targets`.

    Args:
        logits: of the mask, and of the coarser grids; without any of these it is :func:`mask_loss`.
        targets: of the finest grid, as in :func:`mask_loss`.
        settings: the loss.
        overlapping: as in :func:`mask_loss`.
    """
    grids = (logits.mask, *logits.deeper)
    losses = [
        0.5**step * mask_loss(grid, coarser_targets(targets, grid.shape[2:]), settings, overlapping)
        for step, grid in enumerate(grids)
    ]
    return torch.stack(losses).sum() / sum(0.5**step for step in range(len(grids)))


def coarser_targets(targets: Tensor, size: torch.Size) -> Tensor:
    """Targets (…, *S) on a grid of ``size`` that covers the same space: of each coarse voxel, the fine one at its middle."""
    for dim, side in enumerate(size, start=targets.ndim - len(size)):
        fine = targets.shape[dim]
        if side != fine:
            places = (torch.arange(side, device=targets.device) * 2 + 1) * fine // (2 * side)
            targets = targets.index_select(dim, places)
    return targets
