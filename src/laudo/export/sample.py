"""A few images of a run, by which an export is held against the model itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from laudo.core.errors import LaudoError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.recipe import Prepare
from laudo.prepare.transform import read_for
from laudo.prepare.volume import PreparedVolume, prepare_volume

MOST = 8
"""Images that are looked at."""
MOST_VOLUMES = 2


@dataclass(frozen=True)
class Files:
    """Files of one sample: its images in the order of the channels, its masks."""

    images: tuple[Path, ...]
    masks: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        path: of its file.
        array: (H, W) or (H, W, 3), as it was decoded.
        mask: (H, W), not 0 in the lesion, of the picture's size; None where the recipe looks at none.
    """

    path: Path
    array: np.ndarray
    mask: np.ndarray | None


@dataclass(frozen=True)
class Volume:
    """A prepared volume and its files."""

    files: Files
    prepared: PreparedVolume


def read_pictures(candidates: Iterable[Files], prepare: Prepare, most: int = MOST) -> list[Picture]:
    """The first pictures that can be read and are of one type; broken files are passed over.

    Raises:
        LaudoError: there is none.
    """
    found: list[Picture] = []
    for files in candidates:
        if len(found) == most:
            break
        try:
            array, mask = read_for(files.images[0], prepare, files.masks)
        except UnreadableImageError:
            continue
        if mask is not None and mask.shape != array.shape[:2]:
            continue  # the graph takes masks of the picture's size
        if not found or found[0].array.dtype == array.dtype:
            found.append(Picture(files.images[0], array, mask))
    if not found:
        raise _nothing_to_compare()
    return found


def read_volumes(candidates: Iterable[Files], prepare: Prepare, most: int = MOST_VOLUMES) -> list[Volume]:
    """The first volumes that can be read, prepared.

    Raises:
        LaudoError: there is none.
    """
    assert prepare.volume is not None
    found: list[Volume] = []
    for files in candidates:
        if len(found) == most:
            break
        try:
            found.append(Volume(files, prepare_volume(list(files.images), list(files.masks), prepare.volume)))
        except UnreadableImageError:
            continue
    if not found:
        raise _nothing_to_compare()
    return found


def _nothing_to_compare() -> LaudoError:
    return LaudoError(
        _("No image of the run can be read any more, so that the export can not be held against the model."),
        expected=_("the images that the run was made with, where they were"),
        cure=_("Name some other images with --images."),
    )
