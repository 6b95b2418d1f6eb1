"""Batches of images and targets for networks that outline structures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from laudo.core.recipe import AugmentVolume, Recipe, Training
from laudo.prepare.augment_volume import VolumeChanges, draw_volume_changes, patch_of, patch_to_read
from laudo.train.fitting import mixed_seed
from laudo.train.inputs import EpochOrder
from laudo.train.mask_cases import MaskCases, PictureCases, VolumeCases
from laudo.train.patches import Size, draw_place, drawn_case, is_around_marked, middle_place, widened_place


@dataclass(frozen=True)
class MaskBatch:
    """What a step is given.

    Attributes:
        images: (C, *S) of each sample; of volumes that are to be turned or scaled, larger than the others.
        targets: (*S) index of the output of each, or (R, *S) of overlapping regions.
        labels: (B,) class of each sample; -1 where there is none.
        changes: of volumes, what was drawn for them; None: nothing.
    """

    images: Sequence[Tensor]
    targets: Sequence[Tensor]
    labels: Tensor
    changes: VolumeChanges | None = None

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> MaskBatch:
        """On another device, changes aside; Lightning calls it."""
        images = [image.to(device) for image in self.images]
        return MaskBatch(images, [target.to(device) for target in self.targets], self.labels.to(device), self.changes)


@dataclass(frozen=True)
class MaskPart:
    """Samples of one part of the split.

    Attributes:
        cases: all samples.
        indices: (n,) positions of this part.
    """

    cases: MaskCases
    indices: np.ndarray

    def labels(self, indices: Sequence[int]) -> Tensor:
        """(B,) class of some samples."""
        return torch.from_numpy(self.cases.labels[np.asarray(indices)].astype(np.int64))


class _Batches(Dataset[MaskBatch]):
    """Reads a whole batch at once."""

    def __init__(self, part: MaskPart) -> None:
        self.part = part

    def __len__(self) -> int:
        return len(self.part.indices)

    def __getitem__(self, index: int) -> MaskBatch:
        return self.__getitems__([index])

    def __getitems__(self, positions: list[int]) -> MaskBatch:
        return self.batch([int(self.part.indices[position]) for position in positions])

    @abstractmethod
    def batch(self, indices: list[int]) -> MaskBatch:
        """Samples at these positions of the manifest."""


class _Pictures(_Batches):
    """Whole pictures."""

    def batch(self, indices: list[int]) -> MaskBatch:
        assert isinstance(self.part.cases, PictureCases)
        pixels, targets = self.part.cases.read(indices)
        return MaskBatch(list(pixels), list(targets), self.part.labels(indices))


class _Middle(_Batches):
    """One patch of each volume, around the middle of what is marked."""

    def __init__(self, part: MaskPart, size: Size) -> None:
        super().__init__(part)
        self.size = size

    def batch(self, indices: list[int]) -> MaskBatch:
        cases = self.part.cases
        assert isinstance(cases, VolumeCases)
        read = [cases.read(index, middle_place(cases, index, self.size)) for index in indices]
        return MaskBatch([image for image, _ in read], [target for _, target in read], self.part.labels(indices))


class _Drawn(Dataset[MaskBatch]):
    """Patches by their number, counted through all epochs, each with the changes that are drawn for it."""

    def __init__(self, part: MaskPart, training: Training, augment: AugmentVolume | None) -> None:
        self.part = part
        self.training = training
        self.augment = augment
        self.size = patch_size(training)
        self.wide = self.size if augment is None else patch_to_read(self.size, augment, _volumes(part).spacing_mm)

    def __len__(self) -> int:
        return self.training.patch.steps * self.training.batch_size

    def __getitem__(self, index: int) -> MaskBatch:
        return self.__getitems__([index])

    def __getitems__(self, numbers: list[int]) -> MaskBatch:
        cases, training = _volumes(self.part), self.training
        changes = None
        if self.augment is not None:
            generator = torch.Generator().manual_seed(mixed_seed(training.seed, numbers[0]))
            changes = draw_volume_changes(len(numbers), self.augment, generator, cases.volumes.shape(0)[0])
        indices, images, targets = [], [], []
        for place_in_batch, number in enumerate(numbers):
            index = drawn_case(self.part.indices, number, training.seed)
            marked = is_around_marked(number % training.batch_size, training.batch_size, training.patch.foreground)
            place = draw_place(cases, index, self.size, marked, np.random.default_rng((training.seed, 1, number)))
            if changes is not None and moves(changes, place_in_batch):
                place = widened_place(place, self._seen(changes, place_in_batch))
            image, target = cases.read(index, place)
            indices.append(index)
            images.append(image)
            targets.append(target)
        return MaskBatch(images, targets, self.part.labels(indices), changes)

    def _seen(self, changes: VolumeChanges, index: int) -> Size:
        """What a patch that moves looks at, and no more than memory was told of."""
        x, y, z = map(min, patch_of(changes, index, self.size, _volumes(self.part).spacing_mm), self.wide)
        return x, y, z


def moves(changes: VolumeChanges, index: int) -> bool:
    """Whether a patch is turned or scaled, so that more than it has to be read."""
    return bool(changes.rotation_radians[index].any()) or float(changes.scale[index]) != 1


class _Numbers(Sampler[int]):
    """Numbers of the patches of an epoch, counted through all epochs; Lightning sets the epoch."""

    def __init__(self, n: int, first: int) -> None:
        self.n = n
        self.first = first
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        start = (self.first + self.epoch) * self.n
        return iter(range(start, start + self.n))


def training_loader(part: MaskPart, recipe: Recipe, earlier: int) -> DataLoader[MaskBatch]:
    """Batches that are learned from.

    Args:
        part: samples.
        recipe: size of batches and patches, what is drawn for volumes, and the seed.
        earlier: epochs of the phases before.
    """
    training = recipe.training
    if training.patch.size_voxels is None:
        return _loader(_Pictures(part), training.batch_size, EpochOrder(len(part.indices), training.seed, earlier))
    drawn = _Drawn(part, training, recipe.augment.volume)
    return _loader(drawn, training.batch_size, _Numbers(len(drawn), earlier))


def validation_loader(part: MaskPart, training: Training) -> DataLoader[MaskBatch]:
    """Batches that choose the epoch: whole pictures, or the patch around the middle of what is marked of each volume."""
    dataset = _Pictures(part) if training.patch.size_voxels is None else _Middle(part, patch_size(training))
    return _loader(dataset, training.micro_batch or training.batch_size, None)


def _loader(dataset: Dataset[MaskBatch], batch_size: int, order: Sampler[int] | None) -> DataLoader[MaskBatch]:
    """Without collating; with a generator of its own, so that making an iterator does not move the global random state."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=order,
        collate_fn=lambda batch: batch,
        generator=torch.Generator().manual_seed(0),
    )


def patch_size(training: Training) -> Size:
    """Shape of the patches of volumes."""
    assert training.patch.size_voxels is not None, "volumes have a patch"
    x, y, z = training.patch.size_voxels
    return x, y, z


def _volumes(part: MaskPart) -> VolumeCases:
    assert isinstance(part.cases, VolumeCases)
    return part.cases
