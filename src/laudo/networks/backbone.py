"""What a backbone is: pixels in, a feature map and a pooled vector out, and how its input must be scaled."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from laudo.core.recipe import InputScaling

IMAGENET_SCALING = InputScaling(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Scaling of torchvision's ImageNet weights."""


@dataclass(frozen=True)
class BackboneSpec:
    """Everything needed to build a backbone again without its pretrained weights.

    Attributes:
        name: name in the recipe.
        options: arguments of its constructor that its weights ask for.
        scaling: input scaling that belongs to its weights.
        weights_from: where the weights came from, for the report; "random" when they did not.
        weights_sha256: hash of the weights file; empty when random.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    scaling: InputScaling = IMAGENET_SCALING
    weights_from: str = "random"
    weights_sha256: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For model.json."""
        return {
            "name": self.name,
            "options": dict(self.options),
            "scaling": self.scaling.model_dump(mode="json"),
            "weights_from": self.weights_from,
            "weights_sha256": self.weights_sha256,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> BackboneSpec:
        """From model.json."""
        return cls(**{**value, "scaling": InputScaling(**value["scaling"])})


class Backbone(nn.Module):
    """A feature extractor.

    Attributes:
        map_channels: channels of the feature map.
        vector_size: length of the pooled vector.
        convolutional: whether the vector is pooled from the feature map, so that class-activation maps make sense.
        smallest_px: height and width that an image must have at least.
        exact_px: height and width that an image must have, where the network knows places of one size only; None: any.
        cam_layer: dotted name of the module whose output class-activation maps are drawn on; empty: the feature map.
        form: what decides its answer and shows neither in its name nor in its weights, such as a number of heads.
    """

    map_channels: int
    vector_size: int
    convolutional: bool = True
    smallest_px: int = 1
    exact_px: tuple[int, int] | None = None
    cam_layer: str = ""
    form: str = ""

    def feature_map(self, x: Tensor) -> Tensor:
        """Last feature map (B, C, h, w) of scaled images (B, 3, H, W)."""
        raise TypeError(f"{type(self).__name__} defines no feature map")

    def pool(self, feature_map: Tensor) -> Tensor:
        """(B, vector_size) vector of a feature map, pooled as the backbone was trained to be."""
        return feature_map.mean(dim=(2, 3))

    def map_size(self, height_px: int, width_px: int) -> tuple[int, int]:
        """(h, w) of the feature map of images of this size; found on shapes alone, nothing is computed."""
        shape = (
            copy.deepcopy(self)
            .to("meta")
            .eval()
            .feature_map(torch.zeros(1, 3, height_px, width_px, device="meta"))
            .shape
        )
        return int(shape[2]), int(shape[3])

    def forward(self, x: Tensor) -> Tensor:
        """(B, vector_size) vector of scaled images (B, 3, H, W)."""
        return self.pool(self.feature_map(x))


class Scaling(nn.Module):
    """Pixels of 0 to 255, grey or colour, to a network's input: (B, 1 or 3, H, W) → (B, 3, H, W)."""

    mean: Tensor
    std: Tensor

    def __init__(self, scaling: InputScaling) -> None:
        super().__init__()
        self.factor = scaling.range / 255.0
        self.register_buffer("mean", torch.tensor(scaling.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(scaling.std).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scale; grey images are repeated."""
        if pixels.shape[1] != 3 or not pixels.is_contiguous(memory_format=torch.channels_last):
            return (pixels.float() * self.factor - self.mean) / self.std
        # in whole rows of an image: three numbers at a time take a processor more than twice as long
        width = pixels.shape[3]
        mean, std = self.mean.flatten().repeat(width), self.std.flatten().repeat(width)
        last = pixels.permute(0, 2, 3, 1)
        rows: Tensor = last.flatten(2).float() * self.factor
        return rows.sub_(mean).div_(std).reshape(last.shape).permute(0, 3, 1, 2)
