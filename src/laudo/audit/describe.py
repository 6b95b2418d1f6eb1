"""What one image file looks like, in a few numbers: what the checks need, so that no image is decoded twice."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from laudo.audit.thumbnail import grey_picture, is_near_uniform
from laudo.read.content import content_box
from laudo.read.image import ReadImage
from laudo.read.member import split_member

MANY = 256
"""Levels are counted up to this many."""
SAMPLED = 2_000_000
"""Values from which levels and percentiles are read off evenly spaced ones."""
COLOURED_LOSSY = 60
"""Difference of the largest and the smallest of red, green and blue (0 to 255) above which a pixel counts as coloured in a JPEG,
whose compression tints grey; elsewhere any difference counts."""
LOSSY = frozenset({"JPEG", "WEBP", "DICOM"})
"""Formats that may tint grey."""
STRIP = 0.05
"""Width of the border strips and corners, as a share of the side."""
MARGIN_BRIGHT = 0.5
"""Share of the range from which a pixel outside the content is taken for a letter or a ruler."""


@dataclass(frozen=True)
class Described:
    """One image file.

    Attributes:
        shape: (height, width) of a picture, (x, y, z) of a volume.
        spacing_mm: per axis; None when the file does not say.
        affine: 16 numbers, row by row; None for pictures.
        format: true format.
        mode: how pixels are stored.
        notes: of the reader.
        file_bytes: size of the file; of a folder, of its files.
        pixels_sha256: hash of the decoded pixels.
        levels: number of different values, at most :data:`MANY`.
        low: smallest value.
        high: largest value.
        typical_high: 99.9th percentile.
        middle: share of the pixels between 10 % and 90 % of the range: near zero for a drawn region.
        uniform: whether all but the odd pixel are of one level.
        coloured: number of coloured pixels; 0 for grey images.
        margin_marks: bright pixels outside the content.
        borders: mean and spread of the strips along top, bottom, left and right, as shares of the range.
        corners: mean of the four corners.
        burned_in: what a DICOM header says of text in the pixels: yes, no, suspect or "".
        patient_tags: names of identifying header entries that are filled.
    """

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...] | None
    affine: tuple[float, ...] | None
    format: str
    mode: str
    notes: tuple[str, ...]
    file_bytes: int
    pixels_sha256: str
    levels: int
    low: float
    high: float
    typical_high: float
    middle: float
    uniform: bool
    coloured: int
    margin_marks: int
    borders: tuple[float, ...]
    corners: tuple[float, ...]
    burned_in: str
    patient_tags: tuple[str, ...]

    @property
    def is_volume(self) -> bool:
        """Whether it has three spatial axes."""
        return len(self.shape) == 3

    def as_dict(self) -> dict[str, Any]:
        """For the cache."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Described:
        """From the cache."""
        plain: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in value.items()}
        return cls(**plain)


def describe(image: ReadImage, path: Path) -> tuple[Described, np.ndarray]:
    """Facts of a decoded image, and its grey picture: (H, W) float32."""
    array = image.array
    grey = grey_picture(array)
    sampled = array.reshape(-1)[:: max(1, array.size // SAMPLED)]
    low, high = float(array.min()), float(array.max())
    span = high - low
    middle = (sampled > low + 0.1 * span) & (sampled < high - 0.1 * span)
    full_range = 255.0 if array.dtype == np.uint8 else span
    shares = (grey - float(grey.min())) / max(float(np.ptp(grey)), 1e-12)
    described = Described(
        shape=tuple(int(side) for side in (array.shape if image.is_volume else array.shape[:2])),
        spacing_mm=None if image.spacing_mm is None else tuple(float(one) for one in image.spacing_mm),
        affine=None if image.affine is None else tuple(float(one) for one in image.affine.ravel()),
        format=image.format,
        mode=image.mode,
        notes=tuple(image.notes),
        file_bytes=_bytes(path),
        pixels_sha256=_hash(array),
        levels=_levels(array, sampled),
        low=low,
        high=high,
        typical_high=float(np.percentile(np.abs(sampled.astype(np.float32)), 99.9)),
        middle=float(middle.mean()) if span > 0 else 0.0,
        uniform=span <= 0 or is_near_uniform(grey, full_range),
        coloured=0 if image.is_volume else _coloured(array, COLOURED_LOSSY if image.format in LOSSY else 0),
        margin_marks=_outside(shares),
        borders=_borders(shares),
        corners=_corners(shares),
        burned_in=str(image.facts.get("burned_in") or ""),
        patient_tags=tuple(str(name) for name in image.facts.get("patient_tags") or ()),
    )
    return described, grey


def _bytes(path: Path) -> int:
    """Size of a file, of the file or folder that a member is in."""
    try:
        holder = split_member(path)[0]
        files = holder.iterdir() if holder.is_dir() else [holder]
        return sum(one.stat().st_size for one in files if one.is_file())
    except OSError:
        return 0


def _hash(array: np.ndarray) -> str:
    shape = np.array(array.shape, dtype=np.int64).tobytes()
    digest = hashlib.sha256(shape)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _levels(array: np.ndarray, sampled: np.ndarray) -> int:
    if array.ndim == 3 and array.dtype == np.uint8 and array.shape[2] == 3:
        array = sampled = grey_picture(array).astype(np.uint8)
    if array.dtype == np.uint8:
        return int(np.count_nonzero(np.bincount(array.ravel(), minlength=256)))
    few = len(np.unique(sampled))
    return min(MANY, few if few > 4 or len(sampled) == array.size else len(np.unique(array)))


def _coloured(array: np.ndarray, level: int) -> int:
    if array.ndim != 3:
        return 0
    return int(np.count_nonzero(array.max(axis=2).astype(np.int16) - array.min(axis=2) > level))


def _outside(shares: np.ndarray) -> int:
    outside = shares > MARGIN_BRIGHT
    outside[content_box(shares * 255)] = False
    return int(np.count_nonzero(outside))


def _borders(shares: np.ndarray) -> tuple[float, ...]:
    tall, wide = (max(1, round(STRIP * side)) for side in shares.shape)
    strips = (shares[:tall], shares[-tall:], shares[:, :wide], shares[:, -wide:])
    return tuple(float(value) for strip in strips for value in (strip.mean(), strip.std()))


def _corners(shares: np.ndarray) -> tuple[float, ...]:
    tall, wide = (max(1, round(2 * STRIP * side)) for side in shares.shape)
    parts = (shares[:tall, :wide], shares[:tall, -wide:], shares[-tall:, :wide], shares[-tall:, -wide:])
    return tuple(float(part.mean()) for part in parts)
