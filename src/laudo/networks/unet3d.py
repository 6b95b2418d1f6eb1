"""The 3D U-Net of system S0."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from laudo.networks.encoder_decoder import EncoderDecoder
from laudo.networks.up_convolution import UpConvolution

FILTERS = (64, 128, 256, 512)


class UNet3D(EncoderDecoder):
    """3D U-Net (Çiçek et al. 2016): two 3 × 3 × 3 convolutions a level, channels doubled before each pooling.

    Each convolution has batch normalisation and ReLU; 2 × 2 × 2 transposed convolutions keep the number of channels, so that the
    way up begins each level with theirs and the way down's together. The publication's 19,069,955 parameters, which leave out
    normalisation's, are those of three channels and three outputs. Its convolutions lose a border; here borders are padded, so that
    the mask is as large as the volume.

    Args:
        channels: of the volumes.
        outputs: maps of logits.
        filters: channels of each level's second convolution; the first one of the way down has half as many.
        deep_supervision: whether coarser levels of the way up have a map of logits each, in training.
    """

    axes = 3

    def __init__(
        self, channels: int, outputs: int, filters: Sequence[int] = FILTERS, deep_supervision: bool = False
    ) -> None:
        super().__init__()
        self.multiple = (2 ** (len(filters) - 1),) * 3
        self.deepest_channels = filters[-1]
        self.pool = nn.MaxPool3d(2)
        self.down = nn.ModuleList(
            nn.Sequential(*_block(before, width // 2), *_block(width // 2, width))
            for before, width in zip((channels, *filters), filters, strict=False)
        )
        self.up = nn.ModuleList(_Up(below, width) for below, width in zip(filters[:0:-1], filters[-2::-1], strict=True))
        self.last = nn.Identity()
        with_map = filters[:-1] if deep_supervision else filters[:1]
        self.maps = nn.ModuleList(nn.Conv3d(width, outputs, 1) for width in with_map)
        self.apply(_initialise)


class _Up(nn.Module):
    """From one level to the next finer one."""

    def __init__(self, below: int, width: int) -> None:
        super().__init__()
        self.enlarge = UpConvolution(below, below, (2, 2, 2), (2, 2, 2), bias=False)
        self.blocks = nn.Sequential(*_block(below + width, width), *_block(width, width))

    def forward(self, deeper: Tensor, skip: Tensor) -> Tensor:
        features: Tensor = self.blocks(torch.cat((self.enlarge(deeper), skip), dim=1))
        return features


def _block(channels: int, width: int) -> list[nn.Module]:
    return [nn.Conv3d(channels, width, 3, padding=1), nn.BatchNorm3d(width), nn.ReLU(inplace=True)]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
