"""Backbone and head together: from 8-bit pixels to logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from laudo.core.recipe import BlockName, Head
from laudo.networks.backbone import Backbone, Scaling
from laudo.networks.blocks import build_blocks
from laudo.networks.head import ClassifierHead

Pooling = Literal["average", "max", "average+max", "flatten"]


class Classifier(nn.Module):
    """An image classifier whose input is pixels of 0 to 255; scaling is part of the network.

    Args:
        backbone: the feature extractor.
        scaling: its input scaling.
        head: settings of the dense layers.
        classes: number of classes.
        sigmoid: one logit for two classes instead of one a class.
        pooling: how the feature map becomes a vector.
        blocks: what stands between feature map and pooling; they change the map, so the mean is then plain, whatever the backbone
            does after its own.
        size_px: height and width of all images, for ``pooling: flatten``.

    Raises:
        ValueError: a sigmoid for other than two classes, or ``flatten`` without the images' size.
    """

    def __init__(
        self,
        backbone: Backbone,
        scaling: Scaling,
        head: Head,
        classes: int,
        sigmoid: bool,
        pooling: Pooling = "average",
        blocks: Sequence[BlockName] = (),
        size_px: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        if sigmoid and classes != 2:
            raise ValueError("a single sigmoid output separates two classes only")
        self.scaling = scaling
        self.backbone = backbone
        self.classes = classes
        self.sigmoid = sigmoid
        self.pooling: Pooling = pooling
        self.blocks, channels = build_blocks(blocks, backbone.map_channels)
        average = channels if len(self.blocks) else backbone.vector_size
        if pooling == "flatten":
            if size_px is None:
                raise ValueError("a flattened map has a length only when the images' size is known")
            height, width = backbone.map_size(*size_px)
            size = channels * height * width
        else:
            size = {"average": average, "max": channels, "average+max": average + channels}[pooling]
        self.head = ClassifierHead(size, 1 if sigmoid else classes, head)

    def embed(self, pixels: Tensor) -> Tensor:
        """(B, D) features of (B, 1 or 3, H, W) pixels."""
        x = self.scaling(pixels)
        if self.pooling == "average" and not len(self.blocks):
            vector: Tensor = self.backbone(x)
            return vector
        return self.pool(self.feature_map(x))

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, C, h, w) map that is pooled, of (B, 3, H, W) scaled images: the backbone's, after the blocks."""
        changed: Tensor = self.blocks(self.backbone.feature_map(x))
        return changed

    def pool(self, feature_map: Tensor) -> Tensor:
        """(B, D) features of a (B, C, h, w) feature map."""
        if self.pooling == "flatten":
            return feature_map.flatten(1)
        parts = []
        if self.pooling != "max":
            parts.append(feature_map.mean(dim=(2, 3)) if len(self.blocks) else self.backbone.pool(feature_map))
        if self.pooling != "average":
            parts.append(feature_map.amax(dim=(2, 3)))
        return torch.cat(parts, dim=1)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 1) or (B, K) logits."""
        logits: Tensor = self.head(self.embed(pixels))
        return logits


def class_probabilities(logits: Tensor) -> Tensor:
    """(B, K) float32 probabilities of (B, 1) or (B, K) logits; of one logit, its class is the second of two."""
    logits = logits.float()
    if logits.shape[1] == 1:
        positive = torch.sigmoid(logits)
        return torch.cat([1 - positive, positive], dim=1)
    return torch.softmax(logits, dim=1)


def class_score(logits: Tensor, target: int) -> Tensor:
    """(B,) logit that speaks for a class: of one logit, the first class's is its negative."""
    if logits.shape[1] == 1:
        return logits[:, 0] if target == 1 else -logits[:, 0]
    return logits[:, target]


def set_trainable(backbone: Backbone, share: float) -> int:
    """Let the last ``share`` of the backbone's layers be trained, freeze the others.

    A layer is a module with parameters of its own, counted in the order in which the network holds them.

    Returns:
        Number of layers that are trained.
    """
    layers = [module for module in backbone.modules() if any(True for _ in module.parameters(recurse=False))]
    trained = round(share * len(layers)) if share < 1 else len(layers)
    for index, layer in enumerate(layers):
        for parameter in layer.parameters(recurse=False):
            parameter.requires_grad_(index >= len(layers) - trained)
    return trained
