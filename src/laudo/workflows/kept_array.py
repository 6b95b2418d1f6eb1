"""Arrays that took long to compute, kept between runs: the same are never computed twice."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from laudo.core.atomic import atomic_path

NAME = "features"
"""Of the one array in a file."""


def kept_array(path: Path, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """What ``path`` holds; computed and written first when there is no such file, or a damaged one."""
    stored = _read(path)
    if stored is None:
        stored = np.ascontiguousarray(compute())
        with atomic_path(path) as temporary:
            save_file({NAME: stored}, temporary, metadata={"crc32": str(_checksum(stored))})
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
