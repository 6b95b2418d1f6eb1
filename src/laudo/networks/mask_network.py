"""What a network that outlines structures is: an image in, maps of logits and its deepest features out."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn


class MaskMaps(NamedTuple):
    """What a network makes of (B, C, *S) images.

    Attributes:
        masks: (B, K, *S) logits, then those of coarser grids, finest first; coarser ones only in training.
        deepest: (B, D, *s) features of the coarsest grid.
    """

    masks: tuple[Tensor, ...]
    deepest: Tensor


class MaskNetwork(nn.Module):
    """A network that outlines structures in scaled images or prepared volumes.

    Attributes:
        axes: 2 or 3.
        multiple: of what each side of the input must be a multiple; along one axis at least twice as much, so that the coarsest
            grid has something to normalise over.
        deepest_channels: channels of the deepest features.
    """

    axes: int
    multiple: tuple[int, ...]
    deepest_channels: int

    def levels(self) -> list[nn.Module]:
        """The parts whose insides can be computed twice rather than kept, in order."""
        raise TypeError(f"{type(self).__name__} defines no levels")

    def forward(self, x: Tensor) -> MaskMaps:
        """Maps of (B, C, *S) images."""
        raise TypeError(f"{type(self).__name__} defines no maps")
