"""The classifier on top of pooled features: dense layers as in system S3, or none for a linear model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from laudo.core.recipe import Head


class Standardise(nn.Module):
    """Features minus mean, over deviation; both are fitted on the training part and stored with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def fit(self, features: Tensor) -> None:
        """Take mean and deviation of (n, size) training features; constant features are left as they are."""
        exact = (
            features.double()
        )  # a large feature that hardly varies has a deviation of rounding errors in single precision
        self.mean.copy_(exact.mean(dim=0))
        deviation = exact.std(dim=0, unbiased=False)
        self.std.copy_(torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation)))

    def forward(self, features: Tensor) -> Tensor:
        """(B, size) → (B, size)."""
        return (features - self.mean) / self.std


class ClassifierHead(nn.Module):
    """Dense layers with ReLU and dropout, then one logit (sigmoid) or one a class (softmax).

    Weights start as Keras starts them: Glorot uniform kernels, zero biases.

    Args:
        size: length of the feature vector.
        outputs: number of logits.
        settings: widths, dropout, penalty.
        multilabel: every logit is a label's own (sigmoid), whatever the others are.
    """

    def __init__(self, size: int, outputs: int, settings: Head, multilabel: bool = False) -> None:
        super().__init__()
        self.multilabel = multilabel
        self.l2 = settings.l2
        self.l2_on_last = settings.l2_on == "all"
        self.standardise = Standardise(size) if settings.normalise else nn.Identity()
        layers: list[nn.Module] = []
        if not settings.hidden and settings.dropout:
            layers.append(nn.Dropout(settings.dropout))
        for width in settings.hidden:
            layers += [nn.Linear(size, width), nn.ReLU(), nn.Dropout(settings.dropout)]
            size = width
        layers.append(nn.Linear(size, outputs))
        self.layers = nn.Sequential(*layers)
        for layer in self.dense:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    @property
    def dense(self) -> list[nn.Linear]:
        """The dense layers, first to last."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    def penalty(self) -> Tensor:
        """l2 × sum of squared kernels, as Keras' ``kernel_regularizer=l2(…)`` adds to the loss."""
        layers = self.dense if self.l2_on_last or len(self.dense) == 1 else self.dense[:-1]
        total: Tensor = sum((layer.weight.square().sum() for layer in layers), torch.zeros(()).to(self.dense[0].weight))
        return self.l2 * total

    def forward(self, features: Tensor) -> Tensor:
        """(B, size) → (B, outputs) logits."""
        logits: Tensor = self.layers(self.standardise(features.float()))
        return logits
