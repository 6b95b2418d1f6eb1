"""A content-addressed cache of prepared images: decode once, then read memory-mapped arrays.

Layout: ``CACHE/<transform key>/<pack>/images.npy`` and ``index.json``. A pack holds some images; its index names the hash of each
source file and a checksum of each prepared image. A pack is written under a temporary name and renamed when it is whole, and is
never changed afterwards: a killed writer leaves a temporary folder that nobody reads, and two writers leave two good packs.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from laudo.core.atomic import flush_folder
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import Prepare
from laudo.prepare.transform import channels, prepare_file, transform_key

PACK_IMAGES = 1024
"""Images a pack at most: what a kill can cost."""
STALE_SECONDS = 24 * 3600
"""Age from which a temporary folder was certainly left by a killed process."""


def cache_folder() -> Path:
    """``LAUDO_CACHE``, else the user's cache folder."""
    if os.environ.get("LAUDO_CACHE"):
        return Path(os.environ["LAUDO_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return Path(base) / "laudo" if base else Path.home() / ".cache" / "laudo"


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

    def __len__(self) -> int:
        return len(self.places)

    def read(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """(m, H, W, C) uint8 of these images.

        Raises:
            DataError: an image in the cache is not what was written.
        """
        out = np.empty((len(indices), *self.shape), dtype=np.uint8)
        for place, index in enumerate(indices):
            pack, row = self.places[index]
            out[place] = self.packs[pack][row]
            if not self._checked[index]:
                if zlib.crc32(out[place].tobytes()) != self.checksums[index]:
                    raise _set_aside(self.folders[pack])
                self._checked[index] = True
        return out


def prepare_images(
    manifest: Manifest, prepare: Prepare, cache: Path | None = None, jobs: int | None = None
) -> PreparedImages:
    """Prepare every image of a manifest that the cache does not hold yet, and open them all.

    Args:
        manifest: samples with the hash of each file; files whose hash is known are not opened.
        prepare: how.
        cache: folder of the cache; default :func:`cache_folder`.
        jobs: threads that decode; default all cores.

    Raises:
        UnreadableImageError: a file gives no image.
        DataError: the disk is full or the cache can not be written.
    """
    folder = (cache or cache_folder()) / transform_key(prepare)
    hashes = [str(value) for value in manifest.table["sha256"]]
    known = _known(folder, set(hashes))
    missing: dict[str, Path] = {}
    for sha256, path in zip(hashes, manifest.paths, strict=True):
        if sha256 not in known:
            missing.setdefault(sha256, path)
    if missing:
        try:
            _write_missing(folder, missing, prepare, jobs or os.cpu_count() or 1)
        except OSError as error:
            raise DataError(
                _("The cache of prepared images can not be written."),
                file=folder,
                found=str(error),
                cure=_("Free some space, or choose another folder with LAUDO_CACHE. What was finished is kept."),
            ) from error
        known = _known(folder, set(hashes))
    return _open(folder, hashes, known, (prepare.height, prepare.width, channels(prepare)))


def _known(folder: Path, wanted: set[str]) -> dict[str, tuple[str, int, int]]:
    """Pack, row and checksum of the wanted images that whole packs hold."""
    known: dict[str, tuple[str, int, int]] = {}
    if not folder.is_dir():
        return known
    for index in sorted(folder.glob("pack-*/index.json")):
        for row, (sha256, checksum) in enumerate(_rows(index)):
            if sha256 in wanted:
                known[sha256] = (index.parent.name, row, checksum)
    return known


def _rows(index: Path) -> list[tuple[str, int]]:
    """Hash and checksum of each image of a pack; none when the index is damaged, so that they are prepared again."""
    try:
        rows = json.loads(index.read_text(encoding="utf-8"))["rows"]
        return [(str(sha256), int(checksum) % 2**32) for sha256, checksum in rows]
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return []


def _write_missing(folder: Path, missing: dict[str, Path], prepare: Prepare, jobs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    items = list(missing.items())
    with step(_("Preparing the images"), len(items)) as advance, ThreadPoolExecutor(max_workers=jobs) as pool:
        for start in range(0, len(items), PACK_IMAGES):
            part = items[start : start + PACK_IMAGES]
            temporary = folder / f".writing-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            temporary.mkdir()
            try:
                rows: list[list[object]] = []
                facts = {
                    "descr": "|u1",
                    "fortran_order": False,
                    "shape": (len(part), prepare.height, prepare.width, channels(prepare)),
                }
                # Not through a memory map: a disk that fills up would then kill the process instead of raising.
                with (temporary / "images.npy").open("wb") as handle:
                    np.lib.format.write_array_header_1_0(handle, facts)
                    for item, image in zip(
                        part, pool.map(lambda item: prepare_file(item[1], prepare), part), strict=True
                    ):
                        content = image.tobytes()
                        handle.write(content)
                        rows.append([item[0], zlib.crc32(content)])
                        advance()
                _finish(temporary, folder, rows)
            except BaseException:
                shutil.rmtree(temporary, ignore_errors=True)
                raise


def _finish(temporary: Path, folder: Path, rows: list[list[object]]) -> None:
    (temporary / "index.json").write_text(json.dumps({"rows": rows}), encoding="utf-8")
    for path in temporary.iterdir():
        with path.open("rb+") as handle:
            os.fsync(handle.fileno())
    temporary.rename(folder / f"pack-{uuid.uuid4().hex[:16]}")
    flush_folder(folder)


def _sweep(folder: Path) -> None:
    """Remove what processes killed long ago left behind."""
    for left in folder.glob(".writing-*"):
        try:
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue  # its owner finished it meanwhile


def _open(
    folder: Path, hashes: list[str], known: dict[str, tuple[str, int, int]], shape: tuple[int, int, int]
) -> PreparedImages:
    last: dict[str, int] = {}  # row that each pack must have at least
    for name, row, _checksum in (known[sha256] for sha256 in hashes):
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
    places = np.array([(number[known[sha256][0]], known[sha256][1]) for sha256 in hashes], dtype=np.int64).reshape(
        -1, 2
    )
    checksums = np.array([known[sha256][2] for sha256 in hashes], dtype=np.int64)
    return PreparedImages(shape, packs, places, checksums, [folder / name for name in names])


def _set_aside(pack: Path) -> DataError:
    """Move a damaged pack out of the way, so that the next start prepares its images again."""
    with contextlib.suppress(OSError):
        pack.rename(pack.with_name(f".damaged-{pack.name}"))
    return DataError(
        _("An entry of the cache is damaged; it was set aside."),
        file=pack,
        cure=_("Run the command again: the images are prepared anew."),
    )
