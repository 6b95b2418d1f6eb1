"""A backbone as its weights file has it, never trained: features for classical classifiers beside a trained network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from laudo.networks.backbone import Backbone, Scaling


class FrozenNetwork(nn.Module):
    """Average and maximum of the backbone's last feature map.

    Args:
        backbone: of which, when it has no feature map of convolutions, its own vector is taken.
        scaling: its input scaling.
        plane: the channel that is looked at, as a grey image; None looks at all.

    Attributes:
        size: number of features.
    """

    def __init__(self, backbone: Backbone, scaling: Scaling, plane: int | None = None) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.scaling = scaling
        self.plane = plane
        self.pooling = "average+max" if backbone.convolutional else "average"
        self.size = backbone.vector_size + (backbone.map_channels if backbone.convolutional else 0)

    def image_vector(self, pixels: Tensor) -> Tensor:
        """(B, D) features of (B, 1 or 3, H, W) pixels of 0 to 255."""
        if self.plane is not None:
            pixels = pixels[:, self.plane : self.plane + 1]
        x = self.scaling(pixels)
        if self.pooling == "average":
            vector: Tensor = self.backbone(x)
            return vector
        found = self.backbone.feature_map(x)
        return torch.cat([self.backbone.pool(found), found.amax(dim=(2, 3))], dim=1)
