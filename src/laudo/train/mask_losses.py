"""Losses of networks that outline structures: cross-entropy, soft Dice, their sum, focal, Tversky, generalised Dice."""

from __future__ import annotations

import torch
from torch import Tensor

from laudo.core.errors import RecipeError
from laudo.core.messages import _
from laudo.core.recipe import MaskLoss
from laudo.train.voxel_sums import VoxelSums, voxel_sums


def mask_loss(logits: Tensor, targets: Tensor, settings: MaskLoss, overlapping: bool) -> Tensor:
    """The loss that the recipe's section names, in single precision whatever the logits' type.

    Outputs are weighed by ``class_weights``, and the mean is over these weights: doubling them all changes nothing. See
    :func:`cross_entropy_of`, :func:`dice_loss`, :func:`tversky_loss` and :func:`generalised_dice_loss`. ``focal`` is cross-entropy
    with each voxel times (1 − probability of its right answer)^gamma (Lin et al. 2017); the power is no part of what the sum is
    divided by.

    Args:
        logits: (B, K, *S).
        targets: exclusive outputs: (B, *S) integer number of the output, background 0; overlapping ones: (B, K, *S), 0 or 1.
        settings: name of the loss and its settings.
        overlapping: whether each output is a question of its own: sigmoid and binary cross-entropy in place of softmax.

    Returns:
        A scalar; its gradient is finite for finite logits.

    Raises:
        RecipeError: class weights that do not fit the outputs.
        ValueError: shapes that do not fit, or a target that is no output's number.
    """
    weights = output_weights(settings, logits.shape[1], overlapping).to(logits.device)
    name = settings.name
    gamma = {"cross_entropy": 0.0, "cross_entropy+dice": 0.0, "focal": settings.gamma}.get(name)
    sums = voxel_sums(logits, targets, overlapping, settings.squared, gamma)
    if name in ("cross_entropy", "focal"):
        return cross_entropy_of(sums, weights, _voxels(targets, overlapping))
    counted, weights_counted = _counted(sums, weights, settings, overlapping)
    if name == "tversky":
        return tversky_loss(counted, weights_counted, settings.alpha, settings.beta, settings.smooth)
    if name == "generalised_dice":
        return generalised_dice_loss(counted, weights_counted, settings.smooth)
    overlap = dice_loss(counted, weights_counted, settings.smooth)
    if name == "dice":
        return overlap
    entropy = cross_entropy_of(sums, weights, _voxels(targets, overlapping))
    return settings.weights[0] * entropy + settings.weights[1] * overlap


def cross_entropy_of(sums: VoxelSums, weights: Tensor, voxels: int | None) -> Tensor:
    """Mean cross-entropy of the voxels of a batch.

    Exclusive outputs: each voxel counts the weight of the output that it should have, as in ``torch.nn.CrossEntropyLoss``; where no
    voxel has any weight, the loss is 0. Overlapping ones: the mean over voxels of binary cross-entropy, then over the outputs.

    Args:
        sums: of the batch.
        weights: (K,), not all 0.
        voxels: of the batch, with overlapping outputs; None: outputs are exclusive.
    """
    counts = sums.true.sum(dim=0) if voxels is None else torch.full_like(sums.true[0], voxels)
    below = (weights * counts).sum().clamp(min=torch.finfo(counts.dtype).tiny)
    return (weights * sums.entropy.sum(dim=0)).sum() / below


def dice_loss(sums: VoxelSums, weights: Tensor, smooth: float) -> Tensor:
    """1 − soft Dice (Milletari et al. 2016): (2 Σ p t + smooth) / (Σ p + Σ t + smooth), averaged over outputs, then samples.

    An output without a voxel in the target (of the batch, or of the sample) has the Dice smooth / (Σ p + smooth): 1 if it is
    predicted nowhere, and near 0 as soon as Σ p is well above ``smooth``. Its loss is then about 1, which hardly any change of one
    voxel moves: its slope is smooth / (Σ p + smooth)², and cross-entropy has to say where it should not be.

    Args:
        sums: (n, K) sums; ``predicted`` may be of squares, as in that paper.
        weights: (K,), not all 0.
        smooth: above 0.
    """
    return _mean(1 - (2 * sums.hit + smooth) / (sums.predicted + sums.true + smooth), weights)


def tversky_loss(sums: VoxelSums, weights: Tensor, alpha: float, beta: float, smooth: float) -> Tensor:
    """1 − Tversky index (Salehi et al. 2017): overlap over overlap + alpha × false positives + beta × false negatives.

    ``smooth`` is added above and below. With alpha and beta 0.5 it is :func:`dice_loss` with twice the ``smooth``; an absent output
    is treated alike.

    Args:
        sums: (n, K) sums.
        weights: (K,), not all 0.
        alpha: weight of what is predicted by mistake.
        beta: weight of what is missed.
        smooth: above 0.
    """
    extra, missed = sums.predicted - sums.hit, sums.true - sums.hit
    return _mean(1 - (sums.hit + smooth) / (sums.hit + alpha * extra + beta * missed + smooth), weights)


def generalised_dice_loss(sums: VoxelSums, weights: Tensor, smooth: float) -> Tensor:
    """1 − generalised Dice (Sudre et al. 2017): overlaps and sizes are added up over the outputs, each by 1 / its size².

    An absent output counts like the smallest that is there. Weights are divided by the largest of them, so that ``smooth`` means
    the same for structures of any size (else it would outweigh structures of more than some 1 / √smooth voxels).

    Args:
        sums: (n, K) sums; the mean is over the n.
        weights: (K,) factors on top, not all 0.
        smooth: above 0.
    """
    smallest = torch.where(sums.true > 0, sums.true, torch.inf).amin(dim=1, keepdim=True)
    factors = torch.where(sums.true > 0, (smallest / sums.true) ** 2, 1.0) * weights
    above = 2 * (factors * sums.hit).sum(dim=1) + smooth
    below = (factors * (sums.predicted + sums.true)).sum(dim=1) + smooth
    return (1 - above / below).mean()


def output_weights(settings: MaskLoss, outputs: int, overlapping: bool) -> Tensor:
    """(K,) float32 weight of each output.

    Raises:
        RecipeError: not one weight an output, or none of those that the loss counts is above 0.
    """
    if settings.class_weights is None:
        return torch.ones(outputs)
    weights = torch.tensor(settings.class_weights)
    needed = _("{count} numbers, not all 0, in the order of the outputs: background first, unless structures overlap")
    counted = weights[_first_counted(settings, overlapping) :]
    if len(weights) != outputs or float(weights.sum()) == 0 or float(counted.sum()) == 0:
        raise RecipeError(
            _("training.mask_loss.class_weights do not fit the structures"),
            expected=needed.format(count=outputs),
            found=str(list(settings.class_weights)),
        )
    return weights


def _first_counted(settings: MaskLoss, overlapping: bool) -> int:
    """Number of the first output that a Dice-like loss counts."""
    of_overlap = settings.name not in ("cross_entropy", "focal")
    return 1 if of_overlap and not overlapping and not settings.background else 0


def _counted(sums: VoxelSums, weights: Tensor, settings: MaskLoss, overlapping: bool) -> tuple[VoxelSums, Tensor]:
    """Sums that a Dice-like loss is made of, (1 or B, the outputs that count), and the weights of these outputs."""
    first = _first_counted(settings, overlapping)
    over = [x.sum(dim=0, keepdim=True) if settings.dice_over == "batch" else x for x in sums]
    return VoxelSums(*(x[:, first:] for x in over)), weights[first:]


def _mean(losses: Tensor, weights: Tensor) -> Tensor:
    """Mean of (n, K) losses by (K,) weights."""
    return (losses * weights).sum(dim=1).mean() / weights.sum()


def _voxels(targets: Tensor, overlapping: bool) -> int | None:
    """Number of voxels of all samples, where outputs overlap."""
    return targets.numel() // targets.shape[1] if overlapping else None
