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

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """Inputs at these positions, first axis the batch."""


@dataclass(frozen=True)
class ImageInputs:
    """Prepared images: (B, C, H, W) uint8."""

    images: PreparedImages

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """Channels first."""
        return torch.from_numpy(self.images.read(indices)).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class FeatureInputs:
    """Features of a frozen backbone: (n, D) float32."""

    features: Tensor

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """(B, D)."""
        return self.features[torch.as_tensor(np.asarray(indices))]


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


class _PartDataset(Dataset[tuple[Tensor, Tensor]]):
    """Reads a whole batch at once: one look into the memory map, no collating."""

    def __init__(self, part: Part) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, targets = self.__getitems__([index])
        return inputs[0], targets[0]

    def __getitems__(self, positions: list[int]) -> tuple[Tensor, Tensor]:
        chosen = np.asarray(positions)
        return self.part.inputs.read(self.part.indices[chosen]), torch.from_numpy(self.part.targets[chosen])


class EpochOrder(Sampler[int]):
    """A new order every epoch that depends on nothing but seed and epoch: a resumed training sees the same one."""

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        order = np.random.default_rng((self.seed, self.epoch)).permutation(self.n)
        return iter(order.tolist())


def loader(part: Part, batch_size: int, seed: int | None) -> DataLoader[tuple[Tensor, Tensor]]:
    """Batches of a part: shuffled by ``seed``, or in order when there is none.

    The loader has a generator of its own, so that making an iterator does not move the global random state.
    """
    return DataLoader(
        _PartDataset(part),
        batch_size=batch_size,
        sampler=None if seed is None else EpochOrder(len(part), seed),
        collate_fn=lambda batch: batch,
        generator=torch.Generator().manual_seed(0),
    )
