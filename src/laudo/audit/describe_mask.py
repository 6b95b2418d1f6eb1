"""What a sample's mask looks like, in a few numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.read.mask import read_mask
from laudo.read.table import read_image

DRAWN = 0.05
"""Share of middle levels below which an array may be a drawn region."""


@dataclass(frozen=True)
class DescribedMask:
    """The union of a sample's masks.

    Attributes:
        error: why it can not be read; "" when it can.
        shape: of the labels.
        spacing_mm: per axis; None when the files do not say.
        affine: 16 numbers, row by row; None for pictures.
        values: distinct values in the files, before anything was thresholded; at most 256.
        grey_edges: whether there are levels between background and region.
        counts: pixels (or voxels) of each label but 0, as (label, number).
        files: number of mask files.
        is_picture: whether the file holds a scan rather than a drawing: most of its pixels are of middle levels.
    """

    error: str = ""
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] | None = None
    affine: tuple[float, ...] | None = None
    values: tuple[int, ...] = ()
    grey_edges: bool = False
    counts: tuple[tuple[int, int], ...] = ()
    files: int = 0
    is_picture: bool = False

    @property
    def total(self) -> int:
        """Pixels of the whole mask, background included."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape else 0

    @property
    def marked(self) -> int:
        """Pixels of any label."""
        return sum(count for _label, count in self.counts)

    def as_dict(self) -> dict[str, Any]:
        """For the cache."""
        return {**vars(self)}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> DescribedMask:
        """From the cache."""
        plain: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
        plain["counts"] = tuple((int(label), int(n)) for label, n in value["counts"])
        return cls(**plain)


def describe_mask(paths: Sequence[Path], named: Collection[int] = ()) -> DescribedMask:
    """Read a sample's masks and describe their union; what can not be read is described by its error. ``named``: see
    :func:`laudo.read.mask.read_mask`.
    """
    try:
        mask = read_mask(paths, named)
    except UnreadableImageError as error:
        return DescribedMask(error=" ".join(part for part in (error.what, error.file, error.found) if part))
    labels, counts = np.unique(mask.labels, return_counts=True)
    return DescribedMask(
        shape=tuple(int(side) for side in mask.labels.shape),
        spacing_mm=None if mask.spacing_mm is None else tuple(float(one) for one in mask.spacing_mm),
        affine=None if mask.affine is None else tuple(float(one) for one in mask.affine.ravel()),
        values=tuple(int(value) for value in mask.values),
        grey_edges=bool(mask.grey_edges),
        counts=tuple((int(label), int(n)) for label, n in zip(labels, counts, strict=True) if label != 0),
        files=len(paths),
        is_picture=len(mask.values) > 16 and _is_picture(paths[0]),
    )


def _is_picture(path: Path) -> bool:
    try:
        array = read_image(path).array.astype(np.float32)
    except UnreadableImageError:
        return False
    low, high = float(array.min()), float(array.max())
    span = max(high - low, 1e-12)
    return bool(((array > low + 0.1 * span) & (array < high - 0.1 * span)).mean() > 2 * DRAWN)
