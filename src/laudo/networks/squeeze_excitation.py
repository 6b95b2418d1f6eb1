"""Squeeze-and-excitation (Hu et al. 2018): each channel of a feature map is weighted by what the whole map shows."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REDUCTION = 16


class SqueezeExcitation(nn.Module):
    """Mean of each channel → dense with a 16th of the units (at least 1) and ReLU → dense and sigmoid → factor of each channel.

    Weights start as Keras starts them: Glorot uniform kernels, zero biases.

    Args:
        channels: of the feature map.

    Attributes:
        map_channels: channels of the block's output: those of its input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.map_channels = channels
        widths = (channels, max(1, channels // REDUCTION), channels)
        self.squeeze, self.excite = (nn.Linear(size, width) for size, width in pairwise(widths))
        for layer in (self.squeeze, self.excite):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(B, C, h, w) → (B, C, h, w)."""
        factors = torch.sigmoid(self.excite(F.relu(self.squeeze(feature_map.mean(dim=(2, 3))))))
        return feature_map * factors[:, :, None, None]
