"""Losses of classifiers, on logits of either output form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import Training


def cross_entropy(
    logits: Tensor, targets: Tensor, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Mean binary or categorical cross-entropy.

    Args:
        logits: (B, 1), the logit of the second of two classes, or (B, K).
        targets: (B,) int64 class index.
        class_weights: (K,) factor of each class; the mean is then over the weights, as in ``torch.nn.CrossEntropyLoss``.
        label_smoothing: share of the target spread evenly over all classes (Szegedy et al. 2016).
    """
    if logits.shape[1] > 1:
        return F.cross_entropy(logits.float(), targets, weight=class_weights, label_smoothing=label_smoothing)
    wanted = targets.float() * (1 - label_smoothing) + label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(logits[:, 0].float(), wanted, reduction="none")
    if class_weights is None:
        return losses.mean()
    weights = class_weights[targets]
    return (losses * weights).sum() / weights.sum()


def focal_loss(
    logits: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2.0,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean focal loss (Lin et al. 2017): each class's cross-entropy times alpha × (1 − its probability)^gamma.

    With gamma 0 it is cross-entropy weighted by alpha. Both output forms of two classes give the same.

    Args:
        logits: (B, 1), the logit of the second of two classes, or (B, K).
        targets: (B,) int64 class index.
        alpha: factor of the second of two classes, whose first has 1 − alpha. With more classes each has alpha, as in Keras: it
            then prefers none, and ``class_weights`` balance.
        gamma: how fast a case loses weight as its class's probability grows.
        class_weights: (K,) factor of each sample by its class, times alpha's; the mean is over these weights, as in
            :func:`cross_entropy`. Alpha and gamma are no part of what the sum is divided by.
        label_smoothing: share of the target spread evenly over all classes; each class's focal term counts by its share of the
            target. Samples are weighted by their true class.
    """
    z = logits.float()
    log_p = torch.cat([F.logsigmoid(-z), F.logsigmoid(z)], dim=1) if z.shape[1] == 1 else F.log_softmax(z, dim=1)
    classes = log_p.shape[1]
    factors = log_p.new_tensor([1 - alpha, alpha] if classes == 2 else [alpha] * classes)
    wanted = F.one_hot(targets, classes) * (1 - label_smoothing) + label_smoothing / classes
    # held above 0, where the slope of a power below 1 has no end
    missing = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
    losses = -(wanted * factors * missing.pow(gamma) * log_p).sum(dim=1)
    if class_weights is None:
        return losses.mean()
    weights = class_weights[targets]
    return (losses * weights).sum() / weights.sum()


def classification_loss(
    logits: Tensor,
    targets: Tensor,
    training: Training,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss that the recipe's section names; see :func:`cross_entropy` and :func:`focal_loss`."""
    if training.loss == "focal":
        return focal_loss(logits, targets, training.focal_alpha, training.focal_gamma, class_weights, label_smoothing)
    return cross_entropy(logits, targets, class_weights, label_smoothing)


def balanced_weights(targets: Tensor, classes: int) -> Tensor:
    """(K,) weights n / (K × n_k), so that every class counts the same; a class without samples gets 0."""
    counts = torch.bincount(targets, minlength=classes).float()
    return torch.where(counts > 0, len(targets) / (classes * counts.clamp(min=1)), torch.zeros_like(counts))
