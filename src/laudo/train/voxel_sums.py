"""Sums over voxels of which every loss on masks is made, with their gradient worked out by hand.

Softmax, the voxels' own losses and the overlaps are found in one walk through the logits, a piece that stays in the processor's
cache at a time. Nothing of the logits' size is kept for the way back, and the target is never spread out to a plane a class.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from laudo.networks.few_threads import few_threads

PIECE = 1 << 17
"""Logits that a thread of a processor looks at in one go."""


class VoxelSums(NamedTuple):
    """Sums over the voxels of each sample; each (B, K), single precision (double for double logits).

    Attributes:
        hit: the probability of the output, over the voxels that are its own.
        predicted: the probability of the output, or its square, over all voxels.
        entropy: the voxels' own losses: of exclusive outputs over the voxels of this one, of overlapping ones over all.
        true: number of the output's own voxels; has no gradient.
    """

    hit: Tensor
    predicted: Tensor
    entropy: Tensor
    true: Tensor


def voxel_sums(
    logits: Tensor, targets: Tensor, overlapping: bool, squared: bool = False, gamma: float | None = 0.0
) -> VoxelSums:
    """Sums of a batch, with their gradient.

    Args:
        logits: (B, K, *S) of any floating type.
        targets: exclusive outputs: (B, *S) integer number of the output; overlapping ones: (B, K, *S), 0 or 1.
        overlapping: whether each output is a question of its own (sigmoid), not one of K answers (softmax).
        squared: whether ``predicted`` adds up squares.
        gamma: a voxel's loss is cross-entropy × (1 − probability of the right answer)^gamma (Lin et al. 2017); None: ``entropy`` is
            not asked for, and is 0.

    Raises:
        ValueError: shapes do not fit, or (on a processor, where it is known at once) a target is no output's number.
    """
    wanted = logits.shape if overlapping else (logits.shape[0], *logits.shape[2:])
    if tuple(targets.shape) != tuple(wanted):
        raise ValueError(f"targets of shape {tuple(targets.shape)} to logits of shape {tuple(logits.shape)}")
    if targets.is_floating_point() and not overlapping:
        raise ValueError(f"targets of type {targets.dtype}, not whole numbers")
    last = torch.channels_last if logits.ndim == 4 else torch.channels_last_3d
    if not logits.is_contiguous() and not (logits.ndim in (4, 5) and logits.is_contiguous(memory_format=last)):
        logits = logits.contiguous()
    sums = VoxelSums(*_Sums.apply(logits, targets, overlapping, squared, gamma))
    if not overlapping and logits.device.type == "cpu" and int(sums.true.double().sum()) != targets.numel():
        raise ValueError(f"targets from {int(targets.min())} to {int(targets.max())} of {logits.shape[1]} outputs")
    return sums


class _Sums(torch.autograd.Function):
    """Forward and backward each walk through the pieces once; probabilities are worked out anew on the way back."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, targets: Tensor, overlapping: bool, squared: bool, gamma: float | None
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(logits, targets)
        ctx.settings = overlapping, squared, gamma
        sums = torch.zeros(4, *logits.shape[:2], dtype=_number_type(logits), device=logits.device)
        add_up = _add_up_overlapping if overlapping else _add_up_exclusive
        with few_threads() as threads:
            for sample, piece, own, _ in _pieces(logits, targets, overlapping, logits, PIECE * threads):
                sums[:, sample] += torch.stack(add_up(piece, own, squared, gamma))
        hit, predicted, entropy, true = sums.unbind()
        ctx.mark_non_differentiable(true)
        return hit, predicted, entropy, true

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, hit: Tensor, predicted: Tensor, entropy: Tensor, true: Tensor) -> tuple[Tensor | None, ...]:
        logits, targets = ctx.saved_tensors
        overlapping, squared, gamma = ctx.settings
        slope = torch.empty_like(logits)
        go_back = _slope_overlapping if overlapping else _slope_exclusive
        factors = torch.stack([hit, 2 * predicted if squared else predicted, entropy])[..., None]
        with few_threads() as threads:
            for sample, piece, own, out in _pieces(logits, targets, overlapping, slope, PIECE * threads):
                go_back(piece, own, factors[:, sample], squared, gamma, out)
        return slope, None, None, None, None


def _pieces(
    logits: Tensor, targets: Tensor, overlapping: bool, out: Tensor, size: int
) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """Number of the sample; (K, n) of the logits; (K, n) 0 or 1, each output's own voxels; (K, n) of what lies like the logits."""
    outputs = logits.shape[1]
    numbers = torch.arange(outputs, device=logits.device, dtype=targets.dtype)[:, None]
    sides = logits.flatten(2), targets.flatten(2 if overlapping else 1), out.flatten(2)
    for sample, (ours, theirs, written) in enumerate(zip(*sides, strict=True)):
        voxels = ours.shape[1]
        step = max(size // outputs, 1) if logits.device.type == "cpu" else voxels
        for start in range(0, voxels, step):
            place = slice(start, start + step)
            piece, wanted = ours[:, place], theirs[..., place]
            own = torch.empty(piece.shape, dtype=_number_type(logits), device=logits.device)
            # written as numbers at once: truth values would have to be turned into them, which takes eight times as long
            own.copy_(wanted) if overlapping else torch.eq(wanted, numbers, out=own)
            yield sample, piece, own, written[:, place]


def _add_up_exclusive(piece: Tensor, own: Tensor, squared: bool, gamma: float | None) -> list[Tensor]:
    """(K,) sums of a piece, in the order of :class:`VoxelSums`."""
    true = own.sum(dim=1)
    if gamma is None:
        p, entropy = torch.softmax(piece, dim=0, dtype=own.dtype), torch.zeros_like(true)
    else:
        p = torch.log_softmax(piece, dim=0, dtype=own.dtype)
        right = p * own
        if gamma == 0:
            entropy = -right.sum(dim=1)
        else:
            loss = -right.sum(dim=0)
            entropy = (own * (_missing(loss).pow(gamma) * loss)).sum(dim=1)
        p.exp_()
    predicted = (p * p if squared else p).sum(dim=1)
    return [p.mul_(own).sum(dim=1), predicted, entropy, true]


def _slope_exclusive(
    piece: Tensor, own: Tensor, factors: Tensor, squared: bool, gamma: float | None, out: Tensor
) -> None:
    """Write the gradient by the logits: that by their logarithmic softmax, less its sum's share of each output."""
    of_hit, of_predicted, of_entropy = factors
    if not gamma:
        p = torch.softmax(piece, dim=0, dtype=own.dtype)
        by_log = p * of_hit
        by_log -= of_entropy
    else:
        p = torch.log_softmax(piece, dim=0, dtype=own.dtype)
        focus = _focus(-(p * own).sum(dim=0), gamma)
        by_log = p.exp_() * of_hit
        by_log -= of_entropy * focus
    by_log *= own
    rest = p * of_predicted
    by_log += rest.mul_(p) if squared else rest
    torch.addcmul(by_log, p, by_log.sum(dim=0), value=-1, out=out)


def _add_up_overlapping(piece: Tensor, own: Tensor, squared: bool, gamma: float | None) -> list[Tensor]:
    """(K,) sums of a piece, in the order of :class:`VoxelSums`."""
    z = piece.to(own.dtype)
    p, true = torch.sigmoid(z), own.sum(dim=1)
    predicted, entropy = (p * p if squared else p).sum(dim=1), torch.zeros_like(true)
    if gamma is not None:
        loss = F.binary_cross_entropy_with_logits(z, own, reduction="none")
        entropy = (_missing(loss).pow(gamma) * loss if gamma else loss).sum(dim=1)
    return [p.mul_(own).sum(dim=1), predicted, entropy, true]


def _slope_overlapping(
    piece: Tensor, own: Tensor, factors: Tensor, squared: bool, gamma: float | None, out: Tensor
) -> None:
    """Write the gradient by the logits."""
    of_hit, of_predicted, of_entropy = factors
    z = piece.to(own.dtype)
    p = torch.sigmoid(z)
    by_p = own * of_hit
    by_p += of_predicted * p if squared else of_predicted
    by_loss = p - own
    if gamma:
        by_loss *= _focus(F.binary_cross_entropy_with_logits(z, own, reduction="none"), gamma)
    by_loss *= of_entropy
    torch.addcmul(by_loss, by_p, p.mul_(1 - p), out=out)


def _missing(loss: Tensor) -> Tensor:
    """1 − probability of the right answer; held above 0, where the slope of a power below 1 has no end."""
    return (-torch.expm1(-loss)).clamp_(min=torch.finfo(loss.dtype).tiny)


def _focus(loss: Tensor, gamma: float) -> Tensor:
    """Slope of a voxel's focal loss over the slope of its cross-entropy."""
    missing = _missing(loss)
    return missing.pow(gamma) + gamma * missing.pow(gamma - 1) * torch.exp(-loss) * loss


def _number_type(logits: Tensor) -> torch.dtype:
    """What is counted in: single precision, whatever the network runs in."""
    return torch.float64 if logits.dtype == torch.float64 else torch.float32
