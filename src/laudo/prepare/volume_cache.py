"""A content-addressed cache of prepared volumes: prepare once, then read whole volumes or patches.

Layout: ``CACHE/volumes/<transform key>/<two letters>/<entry>``; an entry's name is the hash of its files' hashes, and an entry is
never changed once it has its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from laudo.core.cache_folder import cache_folder
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import Prepare, PrepareVolume
from laudo.prepare.bounded import in_order
from laudo.prepare.cache import damaged, not_written
from laudo.prepare.geometry import Geometry
from laudo.prepare.leftovers import sweep_old
from laudo.prepare.volume import prepare_volume, volume_key
from laudo.prepare.volume_entry import IMAGE, MASK, Entry, open_array, read_entry, write_entry

OPEN_ARRAYS = 256
"""Arrays that are kept open at most."""


class VolumeFiles(NamedTuple):
    """Files of one sample: its channels and its masks."""

    images: tuple[Path, ...]
    masks: tuple[Path, ...]


@dataclass
class PreparedVolumes:
    """Prepared volumes of a manifest, in its order, read from the cache as they are asked for; safe to use from threads.

    Every file's checksum is compared before it is first read.

    Attributes:
        entries: one a sample.
        jobs: threads that read a batch of patches.
    """

    entries: list[Entry]
    jobs: int = 1
    _open: OrderedDict[tuple[Path, str], Any] = field(default_factory=OrderedDict, init=False)
    _checked: set[tuple[Path, str]] = field(default_factory=set, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _pool: ThreadPoolExecutor | None = field(default=None, init=False)

    def __len__(self) -> int:
        return len(self.entries)

    def shape(self, index: int) -> tuple[int, int, int, int]:
        """(C, X, Y, Z) of one volume."""
        return self.entries[index].shape

    def geometry(self, index: int) -> Geometry:
        """Where the prepared volume lies in its files, and the way back."""
        return self.entries[index].geometry

    def affine(self, index: int) -> np.ndarray:
        """(4, 4) from voxel indices of the prepared volume to millimetres in RAS+."""
        return self.entries[index].geometry.affine

    def has_mask(self, index: int) -> bool:
        """Whether the sample has a mask."""
        return self.entries[index].has_mask

    def read(self, index: int) -> np.ndarray:
        """(C, X, Y, Z) of one sample.

        Raises:
            DataError: the entry is not what was written; it was set aside.
        """
        return self._slice(index, IMAGE, (slice(None),) * 4)

    def mask(self, index: int) -> np.ndarray:
        """(X, Y, Z) label map of one sample.

        Raises:
            DataError: it has none; or the entry is not what was written.
        """
        return self._slice(index, MASK, (slice(None),) * 3)

    def patch(self, index: int, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
        """(C, *size) of one sample from voxel ``start`` on; what lies outside the volume is 0."""
        return self._patch(index, IMAGE, start, size)

    def mask_patch(self, index: int, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
        """(*size) of its label map; what lies outside the volume is 0.

        Raises:
            DataError: it has none; or the entry is not what was written.
        """
        return self._patch(index, MASK, start, size)

    def patches(self, indices: Sequence[int], starts: Sequence[Sequence[int]], size: Sequence[int]) -> np.ndarray:
        """(B, C, *size): a patch of each of these samples, read in ``jobs`` threads."""
        out = np.zeros(
            (len(indices), self.entries[indices[0]].shape[0], *size), dtype=self._array(indices[0], IMAGE).dtype
        )

        def one(place: int) -> None:
            self._patch_into(out[place], indices[place], IMAGE, starts[place])

        if self.jobs == 1 or len(indices) == 1:
            for place in range(len(indices)):
                one(place)
        else:
            list(self._threads().map(one, range(len(indices))))
        return out

    def _patch(self, index: int, name: str, start: Sequence[int], size: Sequence[int]) -> np.ndarray:
        array = self._array(index, name)
        out = np.zeros((*array.shape[: array.ndim - 3], *size), dtype=array.dtype)
        self._patch_into(out, index, name, start)
        return out

    def _patch_into(self, out: np.ndarray, index: int, name: str, start: Sequence[int]) -> None:
        """Fill ``out``, which is 0, with what of the patch lies inside the volume."""
        array = self._array(index, name)
        lead = array.ndim - 3
        source, target = [slice(None)] * lead, [slice(None)] * lead
        for first, length, side in zip(start, out.shape[lead:], array.shape[lead:], strict=True):
            low, high = max(0, first), min(side, first + length)
            if high <= low:
                return
            source.append(slice(low, high))
            target.append(slice(low - first, high - first))
        out[tuple(target)] = self._slice(index, name, tuple(source))

    def _slice(self, index: int, name: str, place: tuple[slice, ...]) -> np.ndarray:
        array = self._array(index, name)
        try:
            return np.asarray(array[place])
        except Exception as error:  # Blosc2 reports what it can not decompress by several types
            raise self._set_aside(index) from error

    def _array(self, index: int, name: str) -> Any:
        entry = self.entries[index]
        if name not in entry.files:
            raise DataError(_("The sample has no mask."), file=entry.folder)
        key = (entry.folder, name)
        with self._lock:
            if key in self._open:
                self._open.move_to_end(key)
                return self._open[key]
        if key not in self._checked:
            if not entry.is_whole(name):
                raise self._set_aside(index)
            self._checked.add(key)
        try:
            array = open_array(entry.folder / name)
        except Exception as error:
            raise self._set_aside(index) from error
        with self._lock:
            self._open[key] = array
            while len(self._open) > OPEN_ARRAYS:
                self._open.popitem(last=False)
        return array

    def _threads(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(max_workers=self.jobs)
        return self._pool

    def _set_aside(self, index: int) -> DataError:
        """Move a damaged entry out of the way, so that the next start prepares it again."""
        folder = self.entries[index].folder
        aside = folder.with_name(f".damaged-{folder.name}")
        with contextlib.suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
            folder.rename(aside)
        return damaged(folder)


def prepare_volumes(
    manifest: Manifest, prepare: Prepare, cache: Path | None = None, jobs: int | None = None
) -> PreparedVolumes:
    """Prepare every sample of a manifest that the cache does not hold yet, and open them all.

    Args:
        manifest: samples with the hashes of their files; those whose hashes are known are not opened.
        prepare: with its section ``volume``; fitted.
        cache: folder of the cache; default :func:`cache_folder`.
        jobs: threads that decode and prepare; each holds one sample in memory. Default all cores.

    Raises:
        UnreadableImageError: a file gives no volume.
        DataError: the disk is full or the cache can not be written.
    """
    volume = _section(prepare)
    threads = jobs or os.cpu_count() or 1
    folders = _folders(manifest, volume, cache)
    entries, missing = _look(manifest, folders)
    if missing:
        root = (cache or cache_folder()) / "volumes"
        with _said(root), step(_("Preparing the volumes"), len(missing)) as advance:
            for folder in {path.parent for path in missing}:
                sweep_old(folder)

            def work(item: tuple[Path, VolumeFiles]) -> None:
                write_entry(item[0], prepare_volume(*item[1], volume))

            with closing(in_order(work, missing.items(), threads)) as done:
                for _nothing in done:
                    advance()
        entries, missing = _look(manifest, folders)
        if missing:
            raise damaged(next(iter(missing)))
    return PreparedVolumes([entries[folder] for folder in folders], threads)


def missing_volumes(manifest: Manifest, prepare: Prepare, cache: Path | None = None) -> list[VolumeFiles]:
    """What :func:`prepare_volumes` would have to prepare."""
    return list(_look(manifest, _folders(manifest, _section(prepare), cache))[1].values())


def _section(prepare: Prepare) -> PrepareVolume:
    if prepare.volume is None:
        raise ValueError("the recipe has no section prepare.volume")
    return prepare.volume


def _folders(manifest: Manifest, volume: PrepareVolume, cache: Path | None) -> list[Path]:
    """Where the entry of each sample lies or will lie."""
    root = (cache or cache_folder()) / "volumes" / volume_key(volume)
    folders = []
    for image, mask in zip(manifest.file_keys(), manifest.file_keys("mask"), strict=True):
        name = hashlib.sha256(f"{image}\n{mask}".encode()).hexdigest()[:32]
        folders.append(root / name[:2] / name)
    return folders


def _look(manifest: Manifest, folders: list[Path]) -> tuple[dict[Path, Entry], dict[Path, VolumeFiles]]:
    """Whole entries, and the files of those that are missing; damaged ones are set aside."""
    entries: dict[Path, Entry] = {}
    missing: dict[Path, VolumeFiles] = {}
    for index, folder in enumerate(folders):
        if folder in entries or folder in missing:
            continue
        entry = read_entry(folder)
        if entry is not None:
            entries[folder] = entry
            continue
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        missing[folder] = VolumeFiles(tuple(manifest.image_paths(index)), tuple(manifest.mask_paths(index)))
    return entries, missing


@contextmanager
def _said(root: Path) -> Iterator[None]:
    """Within the block, a disk that can not be written is an error in words."""
    try:
        yield
    except OSError as error:
        raise not_written(root, error) from error
