"""What a preparation will take, said before it begins, and refused when it will not fit."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import psutil

from laudo.core.cache_folder import cache_folder
from laudo.core.disk import size_text
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare.bounded import AHEAD
from laudo.prepare.cache import PACK_IMAGES, Picture, missing_images
from laudo.prepare.transform import channels, prepare_array, read_for
from laudo.prepare.volume import prepare_channels, read_channels
from laudo.prepare.volume_cache import VolumeFiles, missing_volumes
from laudo.prepare.volume_entry import compressed_bytes

T = TypeVar("T")

PROBES = 5
"""Files that are tried at most, spread over the set."""
SPARE_BYTES = 64 * 2**20
"""Free space that is left to others."""
WORKING_COPIES = 8
"""Times that the pixels of an image stand in memory while it is prepared, at four bytes each: measured, with some room."""


class Cost(NamedTuple):
    """What one sample takes: bytes on disk, and bytes of memory while it is prepared."""

    disk_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class Estimate:
    """What a preparation will take.

    Attributes:
        samples: that are not in the cache yet.
        tried: how many of them were tried for it.
        seconds: expected.
        disk_bytes: that the cache will grow by.
        free_bytes: on its disk.
        memory_bytes: at most at a time, beside the program itself.
        available_bytes: of memory.
        folder: of the cache.
    """

    samples: int
    tried: int
    seconds: float
    disk_bytes: int
    free_bytes: int
    memory_bytes: int
    available_bytes: int
    folder: str

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return asdict(self)

    def line(self) -> str:
        """In one line."""
        text = _("To prepare: {n} samples, about {time}, {disk} on disk ({free} free in {folder}), {memory} of memory")
        return text.format(
            n=self.samples,
            time=_duration(self.seconds),
            disk=size_text(self.disk_bytes),
            free=size_text(self.free_bytes),
            folder=self.folder,
            memory=size_text(self.memory_bytes),
        )


def preflight(
    manifest: Manifest, prepare: Prepare, cache: Path | None = None, jobs: int | None = None
) -> Estimate | None:
    """Say what preparing a manifest will take; None, and nothing said, when the cache holds everything.

    Args:
        manifest: samples with their hashes.
        prepare: how; fitted.
        cache: folder of the cache; default :func:`cache_folder`.
        jobs: threads that will work; default all cores.

    Raises:
        DataError: disk or memory will not do.
        UnreadableImageError: a file that was tried gives no image.
    """
    threads = jobs or os.cpu_count() or 1
    folder = cache or cache_folder()
    if prepare.volume is not None:
        volume = prepare.volume
        estimate = _estimate(
            missing_volumes(manifest, prepare, cache), lambda v: _try_volume(v, volume), threads, folder
        )
        waiting = 0
    else:
        pictures = missing_images(manifest, prepare, cache)
        estimate = _estimate(pictures, lambda picture: _try_picture(picture, prepare), threads, folder)
        waiting = AHEAD * threads * _picture_bytes(prepare) + 200 * min(len(pictures), PACK_IMAGES)
    if estimate is None:
        return None
    estimate = Estimate(**{**estimate.as_dict(), "memory_bytes": estimate.memory_bytes + waiting})  # type: ignore[arg-type]
    say(estimate.line())
    _refuse(estimate, threads)
    return estimate


def _estimate(missing: Sequence[T], attempt: Callable[[T], Cost], jobs: int, folder: Path) -> Estimate | None:
    """Try a few samples, spread over those that are missing; None when none is."""
    if not missing:
        return None
    tried = min(PROBES, max(1, len(missing) // 10))
    started = time.perf_counter()
    costs = [attempt(missing[(2 * number + 1) * len(missing) // (2 * tried)]) for number in range(tried)]
    each = (time.perf_counter() - started) / tried
    return Estimate(
        samples=len(missing),
        tried=tried,
        seconds=round(each * len(missing) / min(jobs, os.cpu_count() or 1), 1),
        disk_bytes=sum(cost.disk_bytes for cost in costs) * len(missing) // tried,
        free_bytes=shutil.disk_usage(_existing(folder)).free,
        memory_bytes=max(cost.memory_bytes for cost in costs) * jobs,
        available_bytes=psutil.virtual_memory().available,
        folder=str(folder),
    )


def _try_picture(picture: Picture, prepare: Prepare) -> Cost:
    array, mask = read_for(picture.image, prepare, picture.masks)
    prepare_array(array, prepare, mask)
    return Cost(_picture_bytes(prepare), WORKING_COPIES * 4 * array.size)


def _try_volume(files: VolumeFiles, volume: PrepareVolume) -> Cost:
    sample = read_channels(files.images, files.masks)
    prepared = prepare_channels(sample, volume, files.images[0])
    voxels = max(sum(array.size for array in sample.arrays), prepared.image.size)
    return Cost(compressed_bytes(prepared), WORKING_COPIES * 4 * voxels)


def _picture_bytes(prepare: Prepare) -> int:
    return prepare.height * prepare.width * channels(prepare)


def _refuse(estimate: Estimate, jobs: int) -> None:
    if estimate.disk_bytes + SPARE_BYTES > estimate.free_bytes:
        raise DataError(
            _("The prepared images will not fit on the disk."),
            file=estimate.folder,
            expected=_("{size} free").format(size=size_text(estimate.disk_bytes + SPARE_BYTES)),
            found=_("{size} free").format(size=size_text(estimate.free_bytes)),
            cure=_("Free some space, or name a folder on another disk with LAUDO_CACHE."),
        )
    if estimate.memory_bytes > estimate.available_bytes:
        fitting = estimate.available_bytes * jobs // max(1, estimate.memory_bytes)
        raise DataError(
            _("Preparing the images will not fit into memory."),
            expected=_("{size} of memory").format(size=size_text(estimate.memory_bytes)),
            found=_("{size} of memory").format(size=size_text(estimate.available_bytes)),
            cure=_("Prepare them with fewer at a time: laudo data prepare RECIPE --jobs {n}").format(n=max(1, fitting))
            if jobs > 1
            else _("End other programs, or use a machine with more memory."),
        )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())


def _duration(seconds: float) -> str:
    if seconds < 90:
        return _("{n} s").format(n=max(1, round(seconds)))
    return _("{n} min").format(n=round(seconds / 60))
