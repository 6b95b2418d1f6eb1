"""Masks: one file or several, of any format that is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.image import ReadImage
from laudo.read.table import read_image

MIDDLE = 127
"""Pictures of masks are black and white with grey edges; above this is inside."""
MOST_VALUES = 256


@dataclass(frozen=True)
class Mask:
    """What is marked in an image.

    Attributes:
        labels: (H, W) or (X, Y, Z) uint8 or int16: 0 outside; 1, or the value that the file gives to each structure.
        values: distinct values in the files, ascending, before anything was thresholded; at most 256.
        grey_edges: whether there were greys that had to be thresholded.
        spacing_mm: as of an image.
        affine: as of an image.
        format: of the first file.
        decoder: of the first file, part of every cache key.
    """

    labels: np.ndarray
    values: tuple[int, ...]
    grey_edges: bool
    spacing_mm: tuple[float, ...] | None
    affine: np.ndarray | None
    format: str = ""
    decoder: str = ""


def read_mask(paths: Sequence[Path], named: Collection[int] = ()) -> Mask:
    """Read the mask of one sample; of several files the union, where they overlap the higher value.

    Pictures with a value above 127 are black and white: what is above 127 is 1. Other pictures, pictures in which every value is
    named, and NIfTI, are label maps and keep their values. Of colours the brightest channel counts.

    Args:
        paths: its files.
        named: values that are known to be structures, as of a manifest's ``mask_labels``.

    Raises:
        UnreadableImageError: as :func:`laudo.read.table.read_image`; a label is no whole number between -32768 and 32767; the files
            disagree in size or place.
    """
    if not paths:
        raise ValueError("no mask")
    first = read_image(paths[0])
    labels, values, grey = _labels(first, paths[0], named)
    for path in paths[1:]:
        other = read_image(path)
        more, also, edges = _labels(other, path, named)
        _check_same(first, other, path)
        labels = np.maximum(labels, more)
        values, grey = values | also, grey or edges
    return Mask(
        np.ascontiguousarray(labels),
        tuple(sorted(values)[:MOST_VALUES]),
        grey,
        first.spacing_mm,
        first.affine,
        first.format,
        first.decoder,
    )


def _labels(image: ReadImage, path: Path, named: Collection[int]) -> tuple[np.ndarray, set[int], bool]:
    array = image.array
    if not image.is_volume and array.ndim == 3:
        array = array.max(axis=2)
    if array.dtype.kind == "f":
        if not (array == np.round(array)).all() or np.abs(array).max(initial=0) > 32767:
            raise _not_labels(path, f"{array.min():g} … {array.max():g}")
        array = array.astype(np.int32)
    present = _distinct(array)
    drawn = not image.is_volume and image.format != "NIfTI" and not present <= {0, *named}
    if drawn and max(present, default=0) > MIDDLE:
        return (array > MIDDLE).astype(np.uint8), present, len(present) > 2
    if min(present, default=0) < -32768 or max(present, default=0) > 32767:
        raise _not_labels(path, f"{min(present)} … {max(present)}")
    small = min(present, default=0) >= 0 and max(present, default=0) <= 255
    return array.astype(np.uint8 if small else np.int16), present, False


def _distinct(array: np.ndarray) -> set[int]:
    """Distinct whole numbers; of bytes by counting, which is many times faster than sorting."""
    if array.dtype == np.uint8:
        return {int(value) for value in np.flatnonzero(np.bincount(array.ravel(), minlength=256))}
    low, high = (int(array.min()), int(array.max())) if array.size else (0, 0)
    counts = np.bincount((array.astype(np.int64) - low).ravel(), minlength=1) if high - low < 1 << 17 else None
    if counts is None:
        return {int(value) for value in np.unique(array)}
    return {int(value) + low for value in np.flatnonzero(counts)}


def _check_same(first: ReadImage, other: ReadImage, path: Path) -> None:
    same = first.array.shape[:2] == other.array.shape[:2] and first.is_volume == other.is_volume
    if first.affine is not None and other.affine is not None:
        same = first.array.shape == other.array.shape and np.allclose(first.affine, other.affine, atol=1e-3)
    if not same:
        raise UnreadableImageError(
            _("The masks of one image do not have the same size and place."),
            file=path,
            expected=" × ".join(map(str, first.array.shape)),
            found=" × ".join(map(str, other.array.shape)),
        )


def _not_labels(path: Path, found: str) -> UnreadableImageError:
    return UnreadableImageError(
        _("The values of the mask are not labels."),
        file=path,
        expected=_("whole numbers between -32768 and 32767"),
        found=found,
        cure=_("If this is an image and not its mask, exchange the two."),
    )
