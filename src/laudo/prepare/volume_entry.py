"""One prepared volume in the cache: a folder with the image, the mask and what they are.

The arrays are chunked and compressed (Blosc2 b2nd), so that a patch is read without the rest. ``facts.json`` holds the geometry and
size and checksum of each file; it carries a checksum of itself.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blosc2
import numpy as np

from laudo.core.atomic import flush_folder
from laudo.prepare.geometry import Geometry
from laudo.prepare.leftovers import temporary_folder
from laudo.prepare.volume import PreparedVolume

CHUNK_VOXELS = 64
"""Side of a chunk: what is compressed together."""
BLOCK_VOXELS = 32
"""Side of a block within a chunk: the least that is decompressed. 32³ float32 fit a processor's second-level cache."""
IMAGE, MASK, FACTS = "image.b2nd", "mask.b2nd", "facts.json"


@dataclass(frozen=True)
class Entry:
    """What is known of an entry without reading its arrays.

    Attributes:
        folder: where it lies.
        shape: (C, X, Y, Z) of the image.
        geometry: where the volume lies in its files.
        files: name → size in bytes and CRC-32.
    """

    folder: Path
    shape: tuple[int, int, int, int]
    geometry: Geometry
    files: dict[str, tuple[int, int]]

    @property
    def has_mask(self) -> bool:
        """Whether the sample has a mask."""
        return MASK in self.files

    def is_whole(self, name: str) -> bool:
        """Whether a file is, byte for byte, what was written."""
        size, checksum = self.files[name]
        try:
            content = (self.folder / name).read_bytes()
        except OSError:
            return False
        return len(content) == size and zlib.crc32(content) == checksum


def write_entry(folder: Path, prepared: PreparedVolume) -> None:
    """Write an entry under a temporary name, then give it its own. One that is there already is left as it is.

    Raises:
        OSError: the disk is full or can not be written; nothing is left.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder.parent) as temporary:
        files = {IMAGE: _compressed(prepared.image)}
        if prepared.mask is not None:
            files[MASK] = _compressed(prepared.mask)
        facts = {
            "shape": list(prepared.image.shape),
            "geometry": prepared.geometry.as_dict(),
            "files": {name: [len(content), zlib.crc32(content)] for name, content in files.items()},
        }
        for name, content in {**files, FACTS: _signed(facts)}.items():
            with (temporary / name).open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
        try:
            temporary.rename(folder)
        except OSError:
            if read_entry(folder) is None:
                raise
            shutil.rmtree(temporary, ignore_errors=True)  # another process was quicker
    flush_folder(folder.parent)


def read_entry(folder: Path) -> Entry | None:
    """What an entry says of itself; None when there is none, or when that is damaged."""
    try:
        signed = json.loads((folder / FACTS).read_bytes())
        facts = signed["facts"]
        if zlib.crc32(_canonical(facts)) != signed["crc32"]:
            return None
        c, x, y, z = (int(side) for side in facts["shape"])
        files = {str(name): (int(size), int(checksum)) for name, (size, checksum) in facts["files"].items()}
        return Entry(folder, (c, x, y, z), Geometry.from_dict(facts["geometry"]), files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def compressed_bytes(prepared: PreparedVolume) -> int:
    """Bytes that the arrays will take on disk."""
    return len(_compressed(prepared.image)) + (0 if prepared.mask is None else len(_compressed(prepared.mask)))


def open_array(path: Path) -> Any:
    """A compressed array, mapped into memory: slices of it are decompressed when they are taken."""
    return blosc2.open(str(path), mode="r", mmap_mode="r", dparams={"nthreads": 1})


def _compressed(array: np.ndarray) -> bytes:
    """The array as the bytes of a b2nd file: made in memory, so that a full disk is an error and not a cut-off file."""
    lead = array.ndim - 3
    chunks = _sides(array.shape[lead:], CHUNK_VOXELS)
    blocks = _sides(chunks, BLOCK_VOXELS)
    packed = blosc2.asarray(
        np.ascontiguousarray(array),
        chunks=(*[1] * lead, *chunks),
        blocks=(*[1] * lead, *blocks),
        cparams={"codec": blosc2.Codec.LZ4, "clevel": 5, "filters": [blosc2.Filter.SHUFFLE], "nthreads": 1},
    )
    content: bytes = packed.to_cframe()
    return content


def _sides(shape: Sequence[int], most: int) -> tuple[int, ...]:
    return tuple(min(side, most) for side in shape)


def _canonical(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, sort_keys=True, allow_nan=False).encode()


def _signed(facts: dict[str, Any]) -> bytes:
    return json.dumps({"facts": facts, "crc32": zlib.crc32(_canonical(facts))}).encode()
