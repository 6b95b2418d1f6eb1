"""Every block that can stand between feature map and pooling, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import nn

from laudo.core.recipe import BlockName
from laudo.networks.pyramid_dilated import CHANNELS, PyramidDilated
from laudo.networks.squeeze_excitation import SqueezeExcitation

BLOCKS: dict[BlockName, Callable[[int, int], PyramidDilated | SqueezeExcitation]] = {
    "pdf": PyramidDilated,
    "se": lambda channels, _width: SqueezeExcitation(channels),
}
"""Built with the channels of the map that they get, and the width that a recipe gives to `pdf`; ``map_channels`` says how many
they give."""


def build_blocks(names: Sequence[BlockName], channels: int, pdf_channels: int = CHANNELS) -> tuple[nn.Sequential, int]:
    """Blocks one after another, as a recipe names them, and the channels of the last one's map.

    Args:
        names: in order; none gives a sequence that leaves the map as it is.
        channels: of the backbone's feature map.
        pdf_channels: width of `pdf`.
    """
    blocks = []
    for name in names:
        block = BLOCKS[name](channels, pdf_channels)
        channels = block.map_channels
        blocks.append(block)
    return nn.Sequential(*blocks), channels
