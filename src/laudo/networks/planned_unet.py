"""The U-Net that nnU-Net trains (Isensee et al. 2021, its PlainConvUNet), planned from the patch, in laudo's own fast layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from laudo.networks.encoder_decoder import EncoderDecoder
from laudo.networks.fast_norms import FastInstanceNorm
from laudo.networks.unet_plan import UNetPlan
from laudo.networks.up_convolution import UpConvolution

SLOPE = 0.01
"""Of leaky ReLU below zero."""
CONVOLUTIONS: dict[int, type[nn.Conv2d | nn.Conv3d]] = {2: nn.Conv2d, 3: nn.Conv3d}


class PlannedUNet(EncoderDecoder):
    """Two convolutions a level, each with instance normalisation and leaky ReLU; levels are left by strides, not by pooling.

    Convolutions have no bias where normalisation follows, which would take it off again; nnU-Net's have one.

    Args:
        channels: of the images.
        outputs: maps of logits.
        plan: levels.
        deep_supervision: whether each level of the way up but the coarsest grid has its own map of logits, in training.
    """

    def __init__(self, channels: int, outputs: int, plan: UNetPlan, deep_supervision: bool = False) -> None:
        super().__init__()
        self.axes = len(plan.multiple)
        self.multiple = plan.multiple
        self.deepest_channels = plan.filters[-1]
        down: list[nn.Module] = []
        for width, kernel, stride in zip(plan.filters, plan.kernels, plan.strides, strict=True):
            down.append(nn.Sequential(Block(channels, width, kernel, stride), Block(width, width, kernel)))
            channels = width
        self.pool, self.last = nn.Identity(), nn.Identity()
        self.down = nn.ModuleList(down)
        levels = range(len(plan.filters) - 1)
        self.up = nn.ModuleList(Up(plan, level) for level in reversed(levels))
        with_map = levels if deep_supervision else levels[:1]
        convolution = CONVOLUTIONS[self.axes]
        self.maps = nn.ModuleList(convolution(plan.filters[level], outputs, 1) for level in with_map)
        self.apply(_initialise)


class Block(nn.Sequential):
    """Convolution, instance normalisation, leaky ReLU; sides stay as they are or are divided by the stride."""

    def __init__(self, channels: int, filters: int, kernel: Sequence[int], stride: Sequence[int] | int = 1) -> None:
        convolution = CONVOLUTIONS[len(kernel)]
        super().__init__(
            convolution(channels, filters, kernel, stride, padding=[k // 2 for k in kernel], bias=False),  # type: ignore[arg-type]
            FastInstanceNorm(filters),
            nn.LeakyReLU(SLOPE, inplace=True),
        )


class Up(nn.Module):
    """Transposed convolution to a level's grid, the way down's features beside it, two convolutions."""

    def __init__(self, plan: UNetPlan, level: int) -> None:
        super().__init__()
        width, kernel, stride = plan.filters[level], plan.kernels[level], plan.strides[level + 1]
        self.enlarge = UpConvolution(plan.filters[level + 1], width, stride, stride)
        self.blocks = nn.Sequential(Block(2 * width, width, kernel), Block(width, width, kernel))

    def forward(self, deeper: Tensor, skip: Tensor) -> Tensor:
        """Features of this level from those of the next coarser one and those of the way down."""
        features: Tensor = self.blocks(torch.cat((self.enlarge(deeper), skip), dim=1))
        return features


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
