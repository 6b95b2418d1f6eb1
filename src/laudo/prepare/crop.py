"""Boxes that are cut out: around a lesion, or around what is not background."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _

Box = tuple[slice, ...]
"""Start and stop along each axis."""

CONSTANT_SHARE = 0.25
"""Share of the outermost voxels from which a single value is taken for background."""
COARSE_VOXELS = 64
"""Shortest side of the volume on which a head is looked for when its background is noise."""


def mask_box(mask: np.ndarray) -> Box | None:
    """The smallest box that holds everything of a mask that is not 0; None when it is empty."""
    inside = mask != 0
    box = []
    for axis in range(mask.ndim):
        hit = np.flatnonzero(inside.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not len(hit):
            return None
        box.append(slice(int(hit[0]), int(hit[-1]) + 1))
    return tuple(box)


def widened(box: Box, margin: Sequence[float], shape: Sequence[int]) -> Box:
    """The box with ``margin`` elements more on both sides of each axis (rounded up), within the array."""
    return tuple(
        slice(max(0, one.start - int(np.ceil(more))), min(side, one.stop + int(np.ceil(more))))
        for one, more, side in zip(box, margin, shape, strict=True)
    )


def no_mask(path: Path, cure: str) -> UnreadableImageError:
    """The error for an image whose lesion decides what becomes of it, and is not known."""
    return UnreadableImageError(
        _("Where the lesion lies is not known: the mask of the image is missing or empty."), file=path, cure=cure
    )


def background(volume: np.ndarray) -> float | None:
    """The value that fills the outside of a volume; None when there is none, as in a crop of tissue or in noise.

    It is the most frequent value of the six outermost planes, if a quarter of them has it. Volumes whose skull was taken away
    have 0 there.
    """
    faces = [np.take(volume, place, axis=axis).ravel() for axis in range(3) for place in (0, -1)]
    values, counts = np.unique(np.concatenate(faces), return_counts=True)
    largest = int(counts.argmax())
    return float(values[largest]) if counts[largest] >= CONSTANT_SHARE * counts.sum() else None


def brain_box(channels: Sequence[np.ndarray], outside: Sequence[float | None]) -> Box:
    """The box around what is not background in any channel; the whole volume when there is nothing.

    Where the background is noise, the head is the largest region above 12 % of the 99th percentile (as for pictures).
    """
    box: list[slice] | None = None
    for channel, value in zip(channels, outside, strict=True):
        found = mask_box(channel != value) if value is not None else _head_box(channel)
        if found is not None:
            box = list(found) if box is None else [_union(a, b) for a, b in zip(box, found, strict=True)]
    return tuple(box) if box is not None else tuple(slice(0, side) for side in channels[0].shape)


def _union(a: slice, b: slice) -> slice:
    return slice(min(a.start, b.start), max(a.stop, b.stop))


def _head_box(volume: np.ndarray) -> Box | None:
    step = max(1, min(volume.shape) // COARSE_VOXELS)
    coarse = volume[::step, ::step, ::step].astype(np.float32)
    smooth = ndimage.gaussian_filter(coarse, 1.0)
    low, high = np.percentile(smooth, (0.0, 99.0))
    labels, count = ndimage.label(ndimage.binary_opening(smooth > low + 0.12 * (high - low)))
    if count == 0:
        return None
    largest = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    found = ndimage.find_objects(labels, max_label=largest)[largest - 1]
    return tuple(
        slice(one.start * step, min(side, one.stop * step)) for one, side in zip(found, volume.shape, strict=True)
    )
