"""Depthwise convolutions that a processor trains in single precision, while the rest of the network computes in half."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DepthwiseConvolution(nn.Conv2d):
    """A convolution of each channel by itself, whose gradients a processor computes in single precision.

    oneDNN has no fast kernel for its gradients in bfloat16: with them EfficientNet-B0 trains slower than in single precision. Where
    no gradient is wanted, on a GPU and without autocast it is the plain layer.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C × multiplier, h, w), in autocast's number format if there is one."""
        learns = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        if not learns or x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            y = super().forward(x.float())
        return y.to(torch.get_autocast_dtype("cpu"))


def mark_depthwise(network: nn.Module) -> int:
    """Make every depthwise convolution of a network a :class:`DepthwiseConvolution`; names and weights stay.

    Layers of other classes that are convolutions too, such as those that pad by themselves, are left as they are.

    Returns:
        Number of layers.
    """
    found = [
        module
        for module in network.modules()
        if type(module) is nn.Conv2d and module.groups == module.in_channels and module.groups > 1
    ]
    for module in found:
        module.__class__ = DepthwiseConvolution
    return len(found)
