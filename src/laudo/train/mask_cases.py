"""Images and what is marked in them, as a training of outlines reads them: whole pictures, or patches of volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from laudo.core.structures import Structures
from laudo.prepare.cache import PreparedImages
from laudo.prepare.volume_cache import PreparedVolumes

REMEMBERED = 4096
"""Marked voxels of each structure and volume that are remembered as centres of patches."""


class MaskCases(Protocol):
    """Images and label maps of all samples, by index."""

    @property
    def structures(self) -> Structures:
        """What is marked."""

    @property
    def labels(self) -> np.ndarray:
        """(n,) class of each sample; -1 where there is none."""

    def is_marked(self, index: int) -> bool:
        """Whether any structure is marked in a sample."""


@dataclass(frozen=True)
class Place:
    """A patch: its first voxel, which may lie outside, and its shape."""

    start: tuple[int, int, int]
    size: tuple[int, int, int]


@dataclass(frozen=True)
class PictureCases:
    """Whole pictures.

    Attributes:
        images: (n, H, W, C), prepared.
        masks: (n, H, W, 1) label maps on the same grids.
    """

    images: PreparedImages
    masks: PreparedImages
    structures: Structures
    labels: np.ndarray

    def is_marked(self, index: int) -> bool:
        """See :meth:`MaskCases.is_marked`."""
        return bool(self.structures.label_map(self.masks.read([index]), int(self.labels[index])).any())

    def read(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) uint8 pixels, and (B, H, W) uint8 targets."""
        pixels = torch.from_numpy(self.images.read(indices)).permute(0, 3, 1, 2)
        masks = self.masks.read(indices)[..., 0]
        targets = [
            self.structures.targets(self.structures.label_map(mask, int(self.labels[index])))
            for mask, index in zip(masks, indices, strict=True)
        ]
        return pixels, torch.from_numpy(np.stack(targets))


@dataclass
class VolumeCases:
    """Patches of volumes.

    Attributes:
        volumes: prepared, with their masks.
    """

    volumes: PreparedVolumes
    structures: Structures
    labels: np.ndarray
    _marked: dict[int, list[np.ndarray]] = field(default_factory=dict, init=False)

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance of neighbouring voxels: the median over the volumes, axis by axis."""
        each = [np.linalg.norm(self.volumes.affine(index)[:3, :3], axis=0) for index in range(len(self.volumes))]
        x, y, z = (float(side) for side in np.median(each, axis=0))
        return x, y, z

    def read(self, index: int, place: Place) -> tuple[Tensor, Tensor]:
        """(C, *size) float32 patch, and its (*size) or (R, *size) targets; what lies outside the volume is 0."""
        patch = self.volumes.patch(index, place.start, place.size)
        mask = self.label_map(index, place)
        return torch.from_numpy(patch).float(), torch.from_numpy(self.structures.targets(mask))

    def label_map(self, index: int, place: Place | None = None) -> np.ndarray:
        """What is marked in a volume, or in a patch of it; nothing where it has no mask."""
        shape = self.shape(index) if place is None else place.size
        if not self.volumes.has_mask(index):
            return np.zeros(shape, dtype=np.uint8)
        mask = self.volumes.mask(index) if place is None else self.volumes.mask_patch(index, place.start, place.size)
        return self.structures.label_map(mask, int(self.labels[index]))

    def is_marked(self, index: int) -> bool:
        """See :meth:`MaskCases.is_marked`."""
        return bool(self.marked(index))

    def shape(self, index: int) -> tuple[int, int, int]:
        """(X, Y, Z) of one volume."""
        _channels, x, y, z = self.volumes.shape(index)
        return x, y, z

    def marked(self, index: int) -> list[np.ndarray]:
        """(m, 3) voxels of each structure that the volume has, at most so many of each; drawn by the volume's index alone."""
        if index not in self._marked:
            label_map = self.label_map(index)
            rng = np.random.default_rng(index)
            found = []
            for values in self.structures.values:
                voxels = np.flatnonzero(np.isin(label_map, values))
                if len(voxels) > REMEMBERED:
                    voxels = rng.choice(voxels, REMEMBERED, replace=False)
                if len(voxels):
                    found.append(np.stack(np.unravel_index(voxels, label_map.shape), axis=1).astype(np.int16))
            self._marked[index] = found
        return self._marked[index]
