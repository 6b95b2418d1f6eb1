"""One look at every image of a manifest: what it holds, what is unusual, or why it can not be read."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from laudo.audit.duplicates import fine_thumbnail
from laudo.core.errors import UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.read.raster import read_raster

GREY_WEIGHTS = np.array([0.299, 0.587, 0.114])
"""Luma of ITU-R BT.601."""


@dataclass(frozen=True)
class Inspected:
    """What one image looks like.

    Attributes:
        error: why it can not be read; None when it can.
        size: (height, width) in pixels.
        pixels_sha256: hash of the decoded pixels.
        levels: number of different grey levels, at most 256.
        notes: of the reader.
        thumbnail: for the search for copies.
    """

    error: UnreadableImageError | None
    size: tuple[int, int] = (0, 0)
    pixels_sha256: str = ""
    levels: int = 0
    notes: tuple[str, ...] = ()
    thumbnail: np.ndarray | None = None

    @property
    def looks_like_mask(self) -> bool:
        """Two levels only: a drawn region, not an image."""
        return self.error is None and self.levels == 2


def inspect_image(path: Path) -> Inspected:
    """Decode one image and describe it; a broken one is described by its error."""
    try:
        image = read_raster(path)
    except UnreadableImageError as error:
        return Inspected(error)
    array = image.array
    shape = np.array(array.shape, dtype=np.int64).tobytes()
    grey = array if array.ndim == 2 else array @ GREY_WEIGHTS
    return Inspected(
        error=None,
        size=(array.shape[0], array.shape[1]),
        pixels_sha256=hashlib.sha256(shape + array.tobytes()).hexdigest(),
        levels=min(256, len(np.unique(array if array.ndim == 2 else grey.astype(np.uint8)))),
        notes=image.notes,
        thumbnail=fine_thumbnail(np.asarray(grey, dtype=np.float32)),
    )


def inspect_images(manifest: Manifest) -> list[Inspected]:
    """Describe every image of a manifest, in its order, on all cores."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        return list(track(pool.map(inspect_image, manifest.paths), _("Looking at the images"), total=len(manifest)))
