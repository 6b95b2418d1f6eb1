"""Pyramid of dilated convolutions ("PDF block" of system S4): one feature map seen at four scales at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

KERNELS = (1, 3, 5, 7)
DILATIONS = (1, 2, 3, 4)
CHANNELS = 512


class DilatedConvolution(nn.Conv2d):
    """A convolution that keeps the map's size (zero padding), and leaves out the taps that see nothing but padding.

    A tap farther from the middle than the map is wide never meets the map: on a 7×7 map 40 of the 49 taps of the 7×7 kernel with
    dilation 4. They add nothing and get no gradient, so the result is that of the whole kernel.
    """

    def __init__(self, channels: int, outputs: int, kernel: int, dilation: int) -> None:
        super().__init__(channels, outputs, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
        nn.init.xavier_uniform_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) → (B, outputs, h, w)."""
        middle, step = self.kernel_size[0] // 2, self.dilation[0]
        tall, wide = (min(middle, (side - 1) // step) for side in x.shape[2:])
        kernel = self.weight[:, :, middle - tall : middle + tall + 1, middle - wide : middle + wide + 1]
        return F.conv2d(x, kernel, self.bias, padding=(tall * step, wide * step), dilation=step)


class PyramidDilated(nn.Module):
    """Parallel 1×1, 3×3, 5×5 and 7×7 convolutions with dilation 1, 2, 3 and 4, ReLU, side by side, and 1×1 with ReLU.

    Weights start as Keras starts them: Glorot uniform kernels, zero biases.

    Args:
        channels: of the feature map.
        width: channels of each branch, and of the block's output; as published 512.

    Attributes:
        map_channels: channels of the block's output.
    """

    def __init__(self, channels: int, width: int = CHANNELS) -> None:
        super().__init__()
        self.map_channels = width
        self.branches = nn.ModuleList(
            DilatedConvolution(channels, width, kernel, dilation)
            for kernel, dilation in zip(KERNELS, DILATIONS, strict=True)
        )
        self.project = DilatedConvolution(width * len(KERNELS), width, 1, 1)

    def forward(self, feature_map: Tensor) -> Tensor:
        """(B, C, h, w) → (B, width, h, w)."""
        if feature_map.device.type == "cpu":
            feature_map = (
                feature_map.contiguous()
            )  # oneDNN's dilated convolutions in bfloat16 are slow with the channels last
        seen = torch.cat([F.relu(branch(feature_map)) for branch in self.branches], dim=1)
        return F.relu(self.project(seen))
