"""Losses of classifiers, on logits of either output form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


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


def balanced_weights(targets: Tensor, classes: int) -> Tensor:
    """(K,) weights n / (K × n_k), so that every class counts the same; a class without samples gets 0."""
    counts = torch.bincount(targets, minlength=classes).float()
    return torch.where(counts > 0, len(targets) / (classes * counts.clamp(min=1)), torch.zeros_like(counts))
