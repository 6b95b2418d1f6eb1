"""Every block that can stand between feature map and pooling, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from laudo.core.recipe import BlockName
from laudo.networks.pyramid_dilated import PyramidDilated
from laudo.networks.squeeze_excitation import SqueezeExcitation

BLOCKS: dict[BlockName, type[PyramidDilated] | type[SqueezeExcitation]] = {
    "pdf": PyramidDilated,
    "se": SqueezeExcitation,
}
"""Built with the channels of the map that they get; ``map_channels`` says how many they give."""


def build_blocks(names: Sequence[BlockName], channels: int) -> tuple[nn.Sequential, int]:
    """Blocks one after another, as a recipe names them, and the channels of the last one's map.

    Args:
        names: in order; none gives a sequence that leaves the map as it is.
        channels: of the backbone's feature map.
    """
    blocks = []
    for name in names:
        block = BLOCKS[name](channels)
        channels = block.map_channels
        blocks.append(block)
    return nn.Sequential(*blocks), channels
