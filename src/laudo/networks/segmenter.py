"""From pixels or prepared volumes to the logits of masks, and of a class where there is a head for it."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from laudo.networks.head import ClassifierHead
from laudo.networks.mask_network import MaskNetwork
from laudo.networks.precision import channels_last, memory_format

WHITE = 255.0
"""What a white pixel of an image counts; networks are given 1 for it."""


class MaskLogits(NamedTuple):
    """A segmenter's answer, in single precision.

    Attributes:
        mask: (B, K, *S) logits on the grid of the input.
        deeper: (B, K, *s) logits on coarser grids over the same space, finest first; only in training with deep supervision.
        label: (B, C) logits of the classes; None without a head.
    """

    mask: Tensor
    deeper: tuple[Tensor, ...] = ()
    label: Tensor | None = None


class Segmenter(nn.Module):
    """A network that outlines structures. Scaling of pixels is part of it; prepared volumes are taken as they are.

    Inputs of any size are taken: zeros are added at the far end of each axis as the network needs them, and what it says of them is
    cut off.

    Args:
        network: of the same number of axes as the input.
        head: on the mean of the network's deepest features, for the class; None: there is none.

    Attributes:
        axes: 2 (images) or 3 (volumes).
    """

    def __init__(self, network: MaskNetwork, head: ClassifierHead | None = None) -> None:
        super().__init__()
        self.axes = network.axes
        self.network = network
        self.head = head
        self.to(memory_format=memory_format(self.axes))

    def forward(self, x: Tensor) -> MaskLogits:
        """Answer to (B, C, H, W) pixels of 0 to 255 of any type, or (B, C, X, Y, Z) prepared volumes.

        Raises:
            ValueError: the input has another number of axes.
        """
        if x.ndim != 2 + self.axes:
            raise ValueError(f"the network takes (B, C) and {self.axes} axes, and was given the shape {tuple(x.shape)}")
        size = x.shape[2:]
        x = x.float()
        if self.axes == 2:
            x = x / WHITE
        maps = self.network(channels_last(self._padded(x)))
        masks = [_cut(logits, size, self._padded_size(size)).float() for logits in maps.masks]
        label = None
        if self.head is not None:
            label = self.head(maps.deepest.float().mean(dim=tuple(range(2, maps.deepest.ndim))))
        return MaskLogits(masks[0], tuple(masks[1:]), label)

    def deepest(self, x: Tensor) -> Tensor:
        """(B, D, *s) features of the coarsest grid, of the input that :meth:`forward` takes."""
        x = x.float()
        if self.axes == 2:
            x = x / WHITE
        found: Tensor = self.network(channels_last(self._padded(x))).deepest
        return found

    def _padded_size(self, size: torch.Size) -> list[int]:
        """Sides that the network can take: multiples, so many that its coarsest grid has two voxels to normalise over."""
        multiple = self.network.multiple
        cells = [-(-n // step) for n, step in zip(size, multiple, strict=True)]
        if max(cells) == 1:
            cells[-1] = 2
        return [n * step for n, step in zip(cells, multiple, strict=True)]

    def _padded(self, x: Tensor) -> Tensor:
        missing = [wanted - n for wanted, n in zip(self._padded_size(x.shape[2:]), x.shape[2:], strict=True)]
        if not any(missing):
            return x
        return F.pad(x, [end for n in reversed(missing) for end in (0, n)])


def mask_probabilities(logits: Tensor, overlapping: bool) -> Tensor:
    """(B, K, *S) float32 probabilities of (B, K, *S) logits.

    Args:
        logits: of a segmenter.
        overlapping: each output is a question of its own (sigmoid); else a voxel is one of them (softmax).
    """
    logits = logits.float()
    return torch.sigmoid(logits) if overlapping else torch.softmax(logits, dim=1)


def _cut(logits: Tensor, size: torch.Size, padded: list[int]) -> Tensor:
    """The part of the map that belongs to the input before padding, on the map's own grid."""
    for axis, (n, whole) in enumerate(zip(size, padded, strict=True), start=2):
        logits = logits.narrow(axis, 0, -(-n * logits.shape[axis] // whole))
    return logits
