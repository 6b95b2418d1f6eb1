"""Losses of classifiers, on logits of either output form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import Training
from laudo.train.label_losses import label_terms, label_weights, positive_weights

Terms = tuple[Tensor, Tensor]
"""(B,) what each sample adds to the sum, and (B,) what it adds to the number that the sum is divided by."""


def cross_entropy_terms(
    logits: Tensor, targets: Tensor, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> Terms:
    """Terms of :func:`cross_entropy`."""
    weights = sample_weights(targets, class_weights)
    if logits.shape[1] > 1:
        losses = F.cross_entropy(
            logits.float(), targets, weight=class_weights, label_smoothing=label_smoothing, reduction="none"
        )
        return losses, weights
    wanted = targets.float() * (1 - label_smoothing) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[:, 0].float(), wanted, reduction="none") * weights, weights


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
    return mean(cross_entropy_terms(logits, targets, class_weights, label_smoothing))


def focal_terms(
    logits: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2.0,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Terms:
    """Terms of :func:`focal_loss`."""
    z = logits.float()
    log_p = torch.cat([F.logsigmoid(-z), F.logsigmoid(z)], dim=1) if z.shape[1] == 1 else F.log_softmax(z, dim=1)
    classes = log_p.shape[1]
    factors = log_p.new_tensor([1 - alpha, alpha] if classes == 2 else [alpha] * classes)
    wanted = F.one_hot(targets, classes) * (1 - label_smoothing) + label_smoothing / classes
    # held above 0, where the slope of a power below 1 has no end
    missing = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
    weights = sample_weights(targets, class_weights)
    return -(wanted * factors * missing.pow(gamma) * log_p).sum(dim=1) * weights, weights


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
    return mean(focal_terms(logits, targets, alpha, gamma, class_weights, label_smoothing))


def loss_terms(
    logits: Tensor,
    targets: Tensor,
    training: Training,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Terms:
    """Terms of the loss that the recipe's section names; a batch in pieces adds them up.

    With (B, K) targets, 1 for each label that a sample has, those of :func:`laudo.train.label_losses.label_terms`.
    """
    if targets.ndim == 2:
        return label_terms(logits, targets, training, class_weights, label_smoothing)
    if training.loss == "focal":
        return focal_terms(logits, targets, training.focal_alpha, training.focal_gamma, class_weights, label_smoothing)
    return cross_entropy_terms(logits, targets, class_weights, label_smoothing)


def classification_loss(
    logits: Tensor,
    targets: Tensor,
    training: Training,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """The loss that the recipe's section names; see :func:`cross_entropy` and :func:`focal_loss`."""
    return mean(loss_terms(logits, targets, training, class_weights, label_smoothing))


def mean(terms: Terms) -> Tensor:
    """The loss of a batch: what its samples add to the sum, over what they add to the number."""
    return terms[0].sum() / terms[1].sum()


def sample_weights(targets: Tensor, class_weights: Tensor | None) -> Tensor:
    """(B,) float32 weight of each sample in the mean: 1, or that of its class; of several labels, the mean of theirs."""
    if class_weights is None:
        return torch.ones(len(targets), device=targets.device)
    if targets.ndim == 2:
        return label_weights(targets, class_weights).mean(dim=1)
    return class_weights[targets]


def balanced_weights(targets: Tensor, classes: int) -> Tensor:
    """(K,) weights n / (K × n_k), so that every class counts the same; a class without samples gets 0.

    Of (n, K) targets, 1 for each label that a sample has: see :func:`laudo.train.label_losses.positive_weights`.
    """
    if targets.ndim == 2:
        return positive_weights(targets)
    counts = torch.bincount(targets, minlength=classes).float()
    return torch.where(counts > 0, len(targets) / (classes * counts.clamp(min=1)), torch.zeros_like(counts))
