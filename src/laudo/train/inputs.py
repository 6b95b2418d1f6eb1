"""What a training reads: inputs by index, in an order that is a function of seed and epoch alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from laudo.prepare.cache import PreparedImages


class Inputs(Protocol):
    """Inputs of a network, by index."""

    def read(self, indices: Sequence[int] | np.ndarray) -> tuple[Tensor, ...]:
        """Arguments of the network's ``forward`` at these positions, first axis of each the batch."""


@dataclass(frozen=True)
class ImageInputs:
    """Prepared images, and measured features beside them.

    Attributes:
        images: all of them.
        descriptors: (n, D) float32 measured features of every image; None: the network is given none.
    """

    images: PreparedImages
    descriptors: Tensor | None = None

    def read(self, indices: Sequence[int] | np.ndarray) -> tuple[Tensor, ...]:
        """(B, C, H, W) uint8 pixels, and with descriptors (B, D) float32."""
        pixels = torch.from_numpy(self.images.read(indices)).permute(0, 3, 1, 2)
        if self.descriptors is None:
            return (pixels,)
        return pixels, self.descriptors[torch.as_tensor(np.asarray(indices))]


@dataclass(frozen=True)
class MirroredInputs:
    """Images whose positions from ``n`` on are the mirror images of the first ``n``."""

    inputs: ImageInputs
    n: int

    def read(self, indices: Sequence[int] | np.ndarray) -> tuple[Tensor, ...]:
        """(B, C, H, W) uint8 pixels, and descriptors where the images have them."""
        positions = np.asarray(indices)
        pixels, *beside = self.inputs.read(positions % self.n)
        turned = torch.from_numpy(positions >= self.n).view(-1, 1, 1, 1)
        return (torch.where(turned, pixels.flip(3), pixels), *beside)


@dataclass(frozen=True)
class FeatureInputs:
    """Features of a frozen backbone: (n, D) float32."""

    features: Tensor

    def read(self, indices: Sequence[int] | np.ndarray) -> tuple[Tensor, ...]:
        """(B, D)."""
        return (self.features[torch.as_tensor(np.asarray(indices))],)


@dataclass(frozen=True)
class Part:
    """Inputs and targets of one part of the split.

    Attributes:
        inputs: of all samples.
        indices: (n,) positions of this part.
        targets: (n,) int64 class of each.
    """

    inputs: Inputs
    indices: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)


Batch = tuple[tuple[Tensor, ...], Tensor]
"""Arguments of the network and targets."""


class _PartDataset(Dataset[Batch]):
    """Reads a whole batch at once: one look into the memory map, no collating."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: int) -> Batch:
        arguments, targets = self.__getitems__([index])
        return tuple(argument[0] for argument in arguments), targets[0]

    def __getitems__(self, positions: list[int]) -> Batch:
        chosen = np.asarray(positions)
        return self.part.inputs.read(self.part.indices[chosen]), torch.from_numpy(self.part.targets[chosen])


class EpochOrder(Sampler[int]):
    """A new order every epoch that depends on nothing but seed and epoch: a resumed training sees the same one.

    Args:
        n: samples.
        seed: of the order.
        first: epochs of earlier phases, which Lightning does not count.
        classes: (n,) number of each sample's class, to draw every class equally often; None: every sample once.
    """

    def __init__(self, n: int, seed: int, first: int = 0, classes: np.ndarray | None = None) -> None:
        self.n = n
        self.seed = seed
        self.first = first
        self.classes = classes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.first + self.epoch))
        order = rng.permutation(self.n) if self.classes is None else balanced_order(self.classes, rng)
        return iter(order.tolist())


def balanced_order(classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) positions in which every class stands equally often, or once more than another where n does not divide.

    A class with more samples than its share gives some, each once; one with fewer gives all equally often, and some once more.
    """
    names, numbers = np.unique(classes, return_inverse=True)
    quotas = np.full(len(names), len(classes) // len(names))
    quotas[rng.permutation(len(names))[: len(classes) % len(names)]] += 1
    drawn = []
    for name, quota in enumerate(quotas):
        members = np.flatnonzero(numbers.ravel() == name)
        drawn += [np.tile(members, quota // len(members)), rng.permutation(members)[: quota % len(members)]]
    return rng.permutation(np.concatenate(drawn))


def loader(part: Part, batch_size: int, order: EpochOrder | None) -> DataLoader[Batch]:
    """Batches of a part, in its own order when no other is given.

    The loader has a generator of its own, so that making an iterator does not move the global random state.
    """
    return DataLoader(
        _PartDataset(part),
        batch_size=batch_size,
        sampler=order,
        collate_fn=lambda batch: batch,
        generator=torch.Generator().manual_seed(0),
    )
