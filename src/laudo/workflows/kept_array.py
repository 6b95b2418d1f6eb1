"""Arrays that took long to compute, kept between runs: the same are never computed twice."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from laudo.core.atomic import atomic_path
from laudo.core.disk import is_full
from laudo.core.messages import _
from laudo.core.progress import say

NAME = "features"
"""Of the one array in a file."""


def kept_array(path: Path, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """What ``path`` holds; computed and written first when there is no such file, or a damaged one.

    On a full disk it is not kept, which is said; what was computed can be used all the same.
    """
    stored = _read(path)
    if stored is None:
        stored = np.ascontiguousarray(compute())
        try:
            with atomic_path(path) as temporary:
                save_file({NAME: stored}, temporary, metadata={"crc32": str(_checksum(stored))})
        except (OSError, SafetensorError) as error:
            if not is_full(error):
                raise
            say(
                _("The disk of the cache is full: what was computed is used, but not kept ({folder}).").format(
                    folder=path.parent
                )
            )
    return stored


def _read(path: Path) -> np.ndarray | None:
    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="np") as handle:
            array: np.ndarray = handle.get_tensor(NAME)
            return array if (handle.metadata() or {}).get("crc32") == str(_checksum(array)) else None
    except (SafetensorError, KeyError, OSError):
        return None


def _checksum(array: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(array).tobytes())
