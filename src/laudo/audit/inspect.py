"""One look at every sample of a manifest: what its images and its mask hold, what is unusual, or why they can not be read.

Samples are decoded one by one in a few threads; what stays in memory is a page of facts and a 9 KB thumbnail each. What was seen is
remembered by the files' hashes (:mod:`laudo.audit.memory`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from laudo.audit.describe import Described, describe
from laudo.audit.describe_mask import DescribedMask, describe_mask
from laudo.audit.memory import KEY_LENGTH, Remembered, recall, remember
from laudo.audit.thumbnail import FINE_SIDE, fine_thumbnail
from laudo.core.errors import UnreadableImageError
from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.read.member import split_member
from laudo.read.table import read_image

PACK = 256
"""Samples that are looked at before they are remembered: what a kill can cost."""


@dataclass(frozen=True)
class Inspected:
    """What one sample looks like.

    Attributes:
        error: why an image of it can not be read; None when all can.
        channels: each of its images, in the order of the manifest's channels.
        mask: its masks together; None when it has none.
        thumbnail: (96, 96) uint8 of its first image, for the search for copies; all zero without contrast, None without image.
        absent: numbers of the channels that are not there at all.
    """

    error: UnreadableImageError | None
    channels: tuple[Described, ...] = ()
    mask: DescribedMask | None = None
    thumbnail: np.ndarray | None = None
    absent: tuple[int, ...] = ()

    @property
    def size(self) -> tuple[int, ...]:
        """Shape of the first image."""
        return self.channels[0].shape if self.channels else (0, 0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader noticed in any of the images."""
        return tuple(dict.fromkeys(note for channel in self.channels for note in channel.notes))

    @property
    def pixels_sha256(self) -> str:
        """Hash of the pixels of all images."""
        hashes = [channel.pixels_sha256 for channel in self.channels]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()

    @property
    def levels(self) -> int:
        """Fewest different levels of any of the images."""
        return min((channel.levels for channel in self.channels), default=0)

    @property
    def looks_like_mask(self) -> bool:
        """Two levels only: a drawn region, not an image."""
        return self.error is None and self.levels == 2


def inspect_sample(images: Sequence[Path], masks: Sequence[Path] = (), named: Collection[int] = ()) -> Inspected:
    """Decode one sample's images and masks and describe them; what is broken is described by its error. ``named``: values of masks
    that are known to be structures.
    """
    channels, thumbnail = [], np.zeros((FINE_SIDE, FINE_SIDE), dtype=np.uint8)
    try:
        for number, path in enumerate(images):
            described, grey = describe(read_image(path), path)
            channels.append(described)
            if number == 0 and not described.uniform:
                thumbnail = fine_thumbnail(grey)
    except UnreadableImageError as error:
        absent = tuple(number for number, path in enumerate(images) if not _is_there(path))
        return Inspected(error, absent=absent)
    return Inspected(None, tuple(channels), describe_mask(masks, named) if masks else None, thumbnail)


def inspect_images(manifest: Manifest) -> list[Inspected]:
    """Describe every sample of a manifest, in its order, on all cores; nothing is decoded whose hash was seen before."""
    keys = sample_keys(manifest)
    known = recall({key for key in keys if key})
    result = [
        _restore(*known[key]) if key in known and _are_there(manifest, index) else None
        for index, key in enumerate(keys)
    ]
    missing = [index for index, one in enumerate(result) if one is None]
    with (
        step(_("Looking at the images"), len(manifest)) as advance,
        ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool,
    ):
        advance(len(manifest) - len(missing))
        waiting = iter(missing)
        while part := list(islice(waiting, PACK)):
            jobs = [
                pool.submit(inspect_sample, manifest.image_paths(i), manifest.mask_paths(i), set(manifest.mask_labels))
                for i in part
            ]
            fresh: dict[str, Remembered] = {}
            for index, job in zip(part, jobs, strict=True):
                seen = result[index] = job.result()
                if keys[index] and seen.thumbnail is not None and not (seen.mask and seen.mask.error):
                    fresh[keys[index]] = (_facts(seen), seen.thumbnail)
                advance()
            remember(fresh)
    return [one for one in result if one is not None]


def sample_keys(manifest: Manifest) -> list[str]:
    """What each sample is remembered by: the hashes of its files, and their endings, which may lie; "" when a file is broken.

    What a picture of a mask holds depends on the values that are named, too.
    """
    table = manifest.table
    columns = zip(table["image"], table["mask"], table["sha256"], table["mask_sha256"], strict=True)
    named = ",".join(map(str, sorted(manifest.mask_labels)))
    return [_key(str(image), str(mask), str(one), str(two), named) for image, mask, one, two in columns]


def _key(image: str, mask: str, sha256: str, mask_sha256: str, named: str) -> str:
    if not sha256 or (mask and not mask_sha256):
        return ""
    endings = [
        re.sub(r"^[^.#]*", "", Path(path).name) for path in (*image.split(SEPARATOR), "|", *mask.split(SEPARATOR))
    ]
    picture = [named] if named and not re.search(r"\.nii(\.gz)?(\||$)", mask, re.IGNORECASE) else []
    return hashlib.sha256("\n".join([sha256, mask_sha256, *endings, *picture]).encode()).hexdigest()[:KEY_LENGTH]


def _facts(seen: Inspected) -> dict[str, Any]:
    return {
        "channels": [channel.as_dict() for channel in seen.channels],
        "mask": None if seen.mask is None else seen.mask.as_dict(),
    }


def _restore(facts: dict[str, Any], thumbnail: np.ndarray) -> Inspected:
    mask = facts["mask"]
    channels = tuple(Described.from_dict(one) for one in facts["channels"])
    return Inspected(None, channels, None if mask is None else DescribedMask.from_dict(mask), thumbnail)


def _are_there(manifest: Manifest, index: int) -> bool:
    """Whether a sample's files still exist: a manifest may be older than its folder."""
    return all(_is_there(path) for path in (*manifest.image_paths(index), *manifest.mask_paths(index)))


def _is_there(path: Path) -> bool:
    return split_member(path)[0].exists()
