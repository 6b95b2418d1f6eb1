"""What was seen of a file is remembered by the file's hash, so that a second audit, or a training, decodes nothing.

Layout: ``CACHE/inspected/<key>/<pack>.safetensors``: the thumbnails of some samples and their facts as JSON, with a checksum.
``key`` holds the version of this code and of every decoder. A pack is written under a temporary name, renamed when it is whole, and
never changed afterwards: a killed writer leaves a file that nobody reads, two writers leave two good packs.
"""

from __future__ import annotations

import hashlib
import json
import uuid
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.read.table import DECODERS

VERSION = 2
"""Raised whenever what is looked at changes, so that nothing old is used."""
KEY_LENGTH = 32

Remembered = tuple[dict[str, Any], np.ndarray]
"""Facts of a sample, and its thumbnail."""


def memory_folder() -> Path:
    """Where packs of this version and these decoders are."""
    name = hashlib.sha256(f"{VERSION}\n{DECODERS}".encode()).hexdigest()[:16]
    return cache_folder() / "inspected" / name


def recall(keys: set[str]) -> dict[str, Remembered]:
    """What whole packs know of these keys. A damaged pack is removed: its samples are looked at again."""
    found: dict[str, Remembered] = {}
    folder = memory_folder()
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
        if not keys - found.keys():
            break
        try:
            found.update(_read(path, keys))
        except (OSError, ValueError, KeyError, TypeError):
            path.unlink(missing_ok=True)
    return found


def remember(seen: Mapping[str, Remembered]) -> None:
    """Write a pack. A disk that is full costs the memory, not the audit."""
    from safetensors.numpy import save

    if not seen:
        return
    thumbnails = np.stack([thumbnail for _facts, thumbnail in seen.values()])
    facts = json.dumps([facts for facts, _thumbnail in seen.values()])
    keys = "".join(seen)
    metadata = {"keys": keys, "facts": facts, "crc32": str(_checksum(keys, facts, thumbnails))}
    try:
        with atomic_path(memory_folder() / f"{uuid.uuid4().hex}.safetensors") as temporary:
            temporary.write_bytes(save({"thumbnails": thumbnails}, metadata=metadata))
    except OSError as error:
        say(_("What was seen could not be remembered for the next time: {error}").format(error=error))


def _read(path: Path, wanted: set[str]) -> dict[str, Remembered]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as handle:
            metadata = handle.metadata() or {}
            joined = metadata["keys"]
            keys = [joined[start : start + KEY_LENGTH] for start in range(0, len(joined), KEY_LENGTH)]
            if wanted.isdisjoint(keys):
                return {}
            thumbnails = handle.get_tensor("thumbnails")
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    if metadata.get("crc32") != str(_checksum(joined, metadata["facts"], thumbnails)):
        raise ValueError("checksum")
    facts = json.loads(metadata["facts"])
    return {key: (one, thumbnail) for key, one, thumbnail in zip(keys, facts, thumbnails, strict=True) if key in wanted}


def _checksum(keys: str, facts: str, thumbnails: np.ndarray) -> int:
    return zlib.crc32(thumbnails.tobytes(), zlib.crc32((keys + facts).encode()))
