"""The 2D U-Net of system S2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from laudo.networks.encoder_decoder import EncoderDecoder
from laudo.networks.up_convolution import UpConvolution

FILTERS = (32, 64, 128, 256, 512)
MOMENTUM, EPS = 0.01, 1e-3
"""Of batch normalisation, as Keras has it."""


class UNet2D(EncoderDecoder):
    """U-Net (Ronneberger et al. 2015) as system S2 published it: 8,641,186 trained parameters for grey images and two outputs.

    Down: two 3 × 3 convolutions with ReLU and batch normalisation after them, max pooling in between. Up: 3 × 3 transposed
    convolution, the way down's features beside it, two 3 × 3 convolutions with ReLU; at the end one more and a 1 × 1 convolution.
    Weights start as Keras starts them. The publication counts two dropout layers too, but does not say where and how much; there
    are none here.

    Args:
        channels: of the images.
        outputs: maps of logits.
        filters: channels of each level.
        deep_supervision: whether coarser levels of the way up have a map of logits each, in training.
    """

    axes = 2

    def __init__(
        self, channels: int, outputs: int, filters: Sequence[int] = FILTERS, deep_supervision: bool = False
    ) -> None:
        super().__init__()
        self.multiple = (2 ** (len(filters) - 1),) * 2
        self.deepest_channels = filters[-1]
        self.pool = nn.MaxPool2d(2)
        inner = zip((channels, *filters), filters, strict=False)
        self.down = nn.ModuleList(
            nn.Sequential(*_convolutions(before, width), nn.BatchNorm2d(width, EPS, MOMENTUM))
            for before, width in inner
        )
        self.up = nn.ModuleList(_Up(below, width) for below, width in zip(filters[:0:-1], filters[-2::-1], strict=True))
        first = filters[0]
        self.last = nn.Sequential(nn.Conv2d(first, first, 3, padding=1), nn.ReLU(inplace=True))
        coarser = filters[1:-1] if deep_supervision else ()
        self.maps = nn.ModuleList(nn.Conv2d(width, outputs, 1) for width in (first, *coarser))
        self.apply(_initialise)


class _Up(nn.Module):
    """From one level to the next finer one."""

    def __init__(self, below: int, width: int) -> None:
        super().__init__()
        self.enlarge = UpConvolution(below, width, (3, 3), (2, 2))
        self.convolutions = nn.Sequential(*_convolutions(2 * width, width))

    def forward(self, deeper: Tensor, skip: Tensor) -> Tensor:
        features: Tensor = self.convolutions(torch.cat((self.enlarge(deeper), skip), dim=1))
        return features


def _convolutions(channels: int, width: int) -> list[nn.Module]:
    return [
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.ReLU(inplace=True),
    ]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
