"""Backbone and head together: from 8-bit pixels to logits."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from laudo.core.recipe import Network
from laudo.networks.backbone import Backbone, Scaling
from laudo.networks.blocks import build_blocks
from laudo.networks.head import ClassifierHead, Standardise

Pooling = Literal["average", "max", "average+max", "flatten"]


class Classifier(nn.Module):
    """An image classifier whose input is pixels of 0 to 255; scaling is part of the network.

    Args:
        backbone: the feature extractor.
        scaling: its input scaling.
        network: the recipe's section: blocks, pooling, head and output. Blocks change the map, so the mean after them is plain,
            whatever the backbone does after its own.
        classes: number of classes.
        size_px: height and width of all images, for ``pooling: flatten``.
        descriptors: number of measured features beside the image; they are standardised and stand after the pooled vector.

    Attributes:
        places: of the map that ``pooling: flatten`` lays side by side; 1 where the map is pooled.
        beside: standardises the descriptors, once it was fitted on those of the training part; None without them.

    Raises:
        ValueError: a sigmoid for other than two classes, or ``flatten`` without the images' size.
    """

    def __init__(
        self,
        backbone: Backbone,
        scaling: Scaling,
        network: Network,
        classes: int,
        size_px: tuple[int, int] | None = None,
        descriptors: int = 0,
    ) -> None:
        super().__init__()
        self.sigmoid = network.output == "sigmoid"
        self.multilabel = network.output == "multilabel"
        if self.sigmoid and classes != 2:
            raise ValueError("a single sigmoid output separates two classes only")
        self.scaling = scaling
        self.backbone = backbone
        self.classes = classes
        self.pooling: Pooling = network.pooling
        self.blocks, channels = build_blocks(network.blocks, backbone.map_channels, network.pdf_channels)
        average = channels if len(self.blocks) else backbone.vector_size
        self.places = 1
        if self.pooling == "flatten":
            if size_px is None:
                raise ValueError("a flattened map has a length only when the images' size is known")
            height, width = backbone.map_size(*size_px)
            size, self.places = channels * height * width, height * width
        else:
            size = {"average": average, "max": channels, "average+max": average + channels}[self.pooling]
        self.beside = Standardise(descriptors) if descriptors else None
        outputs = 1 if self.sigmoid else classes
        self.head = ClassifierHead(size + descriptors, outputs, network.head, self.multilabel)

    def embed(self, pixels: Tensor, descriptors: Tensor | None = None) -> Tensor:
        """(B, D) features of (B, 1 or 3, H, W) pixels and, where there are any, of the (B, descriptors) measured beside them."""
        return self.join(self.image_vector(pixels), descriptors)

    def image_vector(self, pixels: Tensor) -> Tensor:
        """(B, D') pooled features of the image alone."""
        x = self.scaling(pixels)
        if self.pooling == "average" and not len(self.blocks):
            vector: Tensor = self.backbone(x)
            return vector
        return self.pool(self.feature_map(x))

    def averaged(self, vector: Tensor) -> Tensor:
        """(B, C) of (B, D') pooled features: of a flattened map the mean over its places, so that few numbers tell images apart."""
        mean: Tensor = vector.reshape(len(vector), -1, self.places).mean(dim=2)
        return mean

    def join(self, vector: Tensor, descriptors: Tensor | None) -> Tensor:
        """(B, D) features: the image's (B, D') pooled vector and, where the network has them, its standardised descriptors.

        Raises:
            ValueError: the network has descriptors beside the image and is not given them, or is given some and has none.
        """
        if (self.beside is None) != (descriptors is None):
            asked = 0 if self.beside is None else len(self.beside.mean)
            raise ValueError(f"the network looks at {asked} descriptors beside the image")
        if self.beside is None or descriptors is None:
            return vector
        return torch.cat([vector.float(), self.beside(descriptors.float())], dim=1)

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

    def forward(self, pixels: Tensor, descriptors: Tensor | None = None) -> Tensor:
        """(B, 1) or (B, K) logits."""
        logits: Tensor = self.head(self.embed(pixels, descriptors))
        return logits


def class_probabilities(logits: Tensor, multilabel: bool = False) -> Tensor:
    """(B, K) float32 probabilities of (B, 1) or (B, K) logits; of one logit, its class is the second of two.

    Args:
        logits: of a classifier.
        multilabel: each of the K logits is a label's own: probabilities do not add up to one.
    """
    logits = logits.float()
    if multilabel:
        return torch.sigmoid(logits)
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
