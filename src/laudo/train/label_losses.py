"""Losses of samples that may have several labels or none: each label is a question of its own, with yes or no for an answer."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import Training


def label_terms(
    logits: Tensor,
    targets: Tensor,
    training: Training,
    positive_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """What each sample adds to the sum of the loss, and to the number that the sum is divided by.

    Binary cross-entropy of each label, or with ``training.loss: focal`` the binary focal loss (Lin et al. 2017): a label that is
    there counts alpha, one that is not 1 − alpha, each times (1 − probability of the right answer)^gamma. The mean is over labels
    and samples.

    Args:
        logits: (B, K), one a label.
        targets: (B, K), 1 for each label that a sample has, else 0; shares between them where images are mixed.
        training: loss, alpha and gamma.
        positive_weights: (K,) factor of each label where it is there; the mean is then over these weights.
        label_smoothing: each answer is taken for certain to 1 − this / 2 only.

    Returns:
        (B,) and (B,) float32.
    """
    z, has = logits.float(), targets.float()
    wanted = has * (1 - label_smoothing) + label_smoothing / 2
    log_yes, log_no = F.logsigmoid(z), F.logsigmoid(-z)
    if training.loss == "focal":
        alpha, gamma = training.focal_alpha, training.focal_gamma
        # held above 0, where the slope of a power below 1 has no end
        smallest = torch.finfo(z.dtype).tiny
        log_yes = alpha * torch.sigmoid(-z).clamp(min=smallest).pow(gamma) * log_yes
        log_no = (1 - alpha) * torch.sigmoid(z).clamp(min=smallest).pow(gamma) * log_no
    weights = torch.ones_like(z) if positive_weights is None else label_weights(has, positive_weights)
    losses = -(wanted * log_yes + (1 - wanted) * log_no) * weights
    return losses.mean(dim=1), weights.mean(dim=1)


def label_weights(targets: Tensor, positive_weights: Tensor) -> Tensor:
    """(B, K) weight of each answer in the mean: that of its label where it is there, else 1."""
    return 1 + targets.float() * (positive_weights - 1)


def positive_weights(targets: Tensor) -> Tensor:
    """(K,) weights n without / n with, so that the samples with a label count as much as those without it.

    1 where no sample has the label, or all have it.

    Args:
        targets: (n, K), 1 or 0.
    """
    having = targets.float().sum(dim=0)
    lacking = len(targets) - having
    return torch.where((having > 0) & (lacking > 0), lacking / having.clamp(min=1), torch.ones_like(having))


def right_answers(probabilities: Tensor, targets: Tensor) -> Tensor:
    """(B,) bool: the largest of (B, K) probabilities is the class; with (B, K) targets, all labels are right, cut at 0.5."""
    if targets.ndim == 2:
        return ((probabilities >= 0.5) == (targets >= 0.5)).all(dim=1)
    return probabilities.argmax(dim=1) == targets
