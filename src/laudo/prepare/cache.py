"""A content-addressed cache of prepared pictures: decode once, then read memory-mapped arrays.

Layout: ``CACHE/<transform key>/<pack>/images.npy`` and ``index.json``. A pack holds some images; its index names the hash of each
source file and a checksum of each prepared image. A pack is written under a temporary name and renamed when it is whole, and is
never changed afterwards: a killed writer leaves a temporary folder that nobody reads, and two writers leave two good packs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from laudo.core.atomic import flush_folder
from laudo.core.cache_folder import cache_folder
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import Prepare
from laudo.prepare.bounded import in_order
from laudo.prepare.leftovers import sweep_old, temporary_folder
from laudo.prepare.transform import channels, prepare_file, transform_key

PACK_IMAGES = 1024
"""Images a pack at most: what a kill can cost."""


class Picture(NamedTuple):
    """Files of one sample: the image, and its masks where they decide what it becomes."""

    image: Path
    masks: tuple[Path, ...]


@dataclass(frozen=True)
class Making:
    """What the cache holds of each sample.

    Attributes:
        folder: name below the cache; it stands for everything that decides the pixels, but for the files.
        shape: (H, W, C) of each array.
        needs_mask: whether the masks decide what is made.
        make: (H, W, C) uint8 of a sample.
    """

    folder: str
    shape: tuple[int, int, int]
    needs_mask: bool
    make: Callable[[Picture], np.ndarray]


@dataclass
class PreparedImages:
    """Prepared images of a manifest, in its order, read from the cache as they are asked for.

    Every image's checksum is compared the first time it is read.
    """

    shape: tuple[int, int, int]
    packs: list[np.ndarray]
    places: np.ndarray  # (n, 2) pack and row of each image
    checksums: np.ndarray  # (n,)
    folders: list[Path]
    _checked: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self._checked = np.zeros(len(self.places), dtype=bool)
        self.packs = [
            np.asarray(pack) for pack in self.packs
        ]  # still mapped, without what a memmap does at each access

    def __len__(self) -> int:
        return len(self.places)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """(m, H, W, C) uint8 of these images.

        Raises:
            DataError: an image in the cache is not what was written.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        out = np.empty((len(chosen), *self.shape), dtype=np.uint8)
        fresh = ~self._checked[chosen]
        for place, (pack, row) in enumerate(self.places[chosen].tolist()):
            out[place] = self.packs[pack][row]
        for place in np.flatnonzero(fresh).tolist():
            index = int(chosen[place])
            if zlib.crc32(out[place].data) != self.checksums[index]:
                raise _set_aside(self.folders[int(self.places[index, 0])])
            self._checked[index] = True
        return out


def prepare_images(
    manifest: Manifest, prepare: Prepare, cache: Path | None = None, jobs: int | None = None
) -> PreparedImages:
    """Prepare every image of a manifest that the cache does not hold yet, and open them all.

    Args:
        manifest: samples with the hash of each file; files whose hash is known are not opened.
        prepare: how; fitted.
        cache: folder of the cache; default :func:`cache_folder`.
        jobs: threads that decode; default all cores.

    Raises:
        UnreadableImageError: a file gives no image.
        DataError: the disk is full or the cache can not be written, or a sample has several images.
    """
    return prepare_pictures(manifest, image_making(prepare), cache, jobs)


def image_making(prepare: Prepare) -> Making:
    """Prepared images, as networks eat them."""

    def make(picture: Picture) -> np.ndarray:
        if picture.masks:
            return prepare_file(picture.image, prepare, picture.masks)
        return prepare_file(picture.image, prepare)

    shape = (prepare.height, prepare.width, channels(prepare))
    return Making(transform_key(prepare), shape, prepare.needs_mask, make)


def prepare_pictures(
    manifest: Manifest, making: Making, cache: Path | None = None, jobs: int | None = None
) -> PreparedImages:
    """Make what the cache does not hold yet of each sample, and open it all; see :func:`prepare_images`."""
    folder = (cache or cache_folder()) / making.folder
    keys = _keys(manifest, making.needs_mask)
    known = _known(folder, set(keys))
    missing = _missing(manifest, making.needs_mask, keys, known)
    if missing:
        try:
            _write_missing(folder, missing, making, jobs or os.cpu_count() or 1)
        except OSError as error:
            raise not_written(folder, error) from error
        known = _known(folder, set(keys))
    return _open(folder, keys, known, making.shape)


def missing_images(manifest: Manifest, prepare: Prepare, cache: Path | None = None) -> list[Picture]:
    """What :func:`prepare_images` would have to decode."""
    keys = picture_keys(manifest, prepare)
    known = _known((cache or cache_folder()) / transform_key(prepare), set(keys))
    return list(_missing(manifest, prepare.needs_mask, keys, known).values())


def picture_keys(manifest: Manifest, prepare: Prepare) -> list[str]:
    """Name of each sample in the cache: what its file is known by, and its mask where that matters.

    Raises:
        DataError: a sample has several images.
    """
    return _keys(manifest, prepare.needs_mask)


def _keys(manifest: Manifest, needs_mask: bool) -> list[str]:
    if len(manifest.channels) > 1:
        raise DataError(
            _("A picture is made of one file, but each sample has several."),
            found=", ".join(manifest.channels),
            cure=_("Volumes of several channels are prepared by a recipe with the section prepare.volume."),
        )
    images = manifest.file_keys()
    if not needs_mask:
        return images
    masks = manifest.file_keys("mask")
    return [hashlib.sha256(f"{image}\n{mask}".encode()).hexdigest() for image, mask in zip(images, masks, strict=True)]


def not_written(folder: Path, error: OSError) -> DataError:
    """The error for a cache that can not be written."""
    return DataError(
        _("The cache of prepared images can not be written."),
        file=folder,
        found=str(error),
        cure=_("Free some space, or choose another folder with LAUDO_CACHE. What was finished is kept."),
    )


def _missing(
    manifest: Manifest, needs_mask: bool, keys: list[str], known: dict[str, tuple[str, int, int]]
) -> dict[str, Picture]:
    missing: dict[str, Picture] = {}
    for index, (key, path) in enumerate(zip(keys, manifest.paths, strict=True)):
        if key not in known and key not in missing:
            missing[key] = Picture(path, tuple(manifest.mask_paths(index)) if needs_mask else ())
    return missing


def _known(folder: Path, wanted: set[str]) -> dict[str, tuple[str, int, int]]:
    """Pack, row and checksum of the wanted images that whole packs hold."""
    known: dict[str, tuple[str, int, int]] = {}
    if not folder.is_dir():
        return known
    for index in sorted(folder.glob("pack-*/index.json")):
        for row, (key, checksum) in enumerate(_rows(index)):
            if key in wanted:
                known[key] = (index.parent.name, row, checksum)
    return known


def _rows(index: Path) -> list[tuple[str, int]]:
    """Name and checksum of each image of a pack; none when the index is damaged, so that they are prepared again."""
    try:
        rows = json.loads(index.read_text(encoding="utf-8"))["rows"]
        return [(str(key), int(checksum) % 2**32) for key, checksum in rows]
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return []


def _write_missing(folder: Path, missing: dict[str, Picture], making: Making, jobs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sweep_old(folder)
    keys = list(missing)
    with (
        step(_("Preparing the images"), len(keys)) as advance,
        closing(in_order(making.make, missing.values(), jobs)) as images,
    ):
        for start in range(0, len(keys), PACK_IMAGES):
            part = keys[start : start + PACK_IMAGES]
            with temporary_folder(folder) as temporary:
                rows: list[list[object]] = []
                facts = {
                    "descr": "|u1",
                    "fortran_order": False,
                    "shape": (len(part), *making.shape),
                }
                # Not through a memory map: a disk that fills up would then kill the process instead of raising.
                with (temporary / "images.npy").open("wb") as handle:
                    np.lib.format.write_array_header_1_0(handle, facts)
                    for key in part:
                        image = np.ascontiguousarray(next(images))
                        handle.write(image.data)
                        rows.append([key, zlib.crc32(image.data)])
                        advance()
                _finish(temporary, folder, rows)


def _finish(temporary: Path, folder: Path, rows: list[list[object]]) -> None:
    (temporary / "index.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    for path in temporary.iterdir():
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
    temporary.rename(folder / f"pack-{uuid.uuid4().hex[:16]}")
    flush_folder(folder)


def _open(
    folder: Path, keys: list[str], known: dict[str, tuple[str, int, int]], shape: tuple[int, int, int]
) -> PreparedImages:
    last: dict[str, int] = {}  # row that each pack must have at least
    for name, row, _checksum in (known[key] for key in keys):
        last[name] = max(row, last.get(name, 0))
    names = sorted(last)
    number = {name: index for index, name in enumerate(names)}
    packs = []
    for name in names:
        try:
            pack = np.load(folder / name / "images.npy", mmap_mode="r", allow_pickle=False)
        except Exception as error:  # a damaged header lets out errors of many kinds, of the tokenizer among them
            raise _set_aside(folder / name) from error
        if pack.shape[1:] != shape or pack.dtype != np.uint8 or len(pack) <= last[name]:
            raise _set_aside(folder / name)
        packs.append(pack)
    places = np.array([(number[known[key][0]], known[key][1]) for key in keys], dtype=np.int64).reshape(-1, 2)
    checksums = np.array([known[key][2] for key in keys], dtype=np.int64)
    return PreparedImages(shape, packs, places, checksums, [folder / name for name in names])


def _set_aside(pack: Path) -> DataError:
    """Move a damaged pack out of the way, so that the next start prepares its images again."""
    with contextlib.suppress(OSError):
        shutil.rmtree(pack.with_name(f".damaged-{pack.name}"), ignore_errors=True)
        pack.rename(pack.with_name(f".damaged-{pack.name}"))
    return damaged(pack)


def damaged(entry: Path) -> DataError:
    """The error for an entry of the cache that is not what was written."""
    return DataError(
        _("An entry of the cache is damaged; it was set aside."),
        file=entry,
        cure=_("Run the command again: the images are prepared anew."),
    )
