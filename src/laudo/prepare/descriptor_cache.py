"""Descriptors that were measured already: small packs, each a file that is written whole and never changed.

Layout: ``CACHE/descriptors/<key>/<pack>.npz`` with ``names`` (hash of each picture's files) and ``values``. A pack that can not be
read, is of another size or holds what is no number counts as missing, and its pictures are measured again.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from laudo.core.atomic import atomic_path

PACK_IMAGES = 512
"""Pictures a pack at most: what a kill can cost."""


def known_rows(folder: Path, wanted: set[str], size: int) -> dict[str, np.ndarray]:
    """(size,) float32 of each wanted picture that a sound pack holds."""
    known: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob("pack-*.npz")):
        names, values = _read(path, size)
        known |= {name: row for name, row in zip(names, values, strict=True) if name in wanted}
    return known


def write_rows(
    folder: Path, names: Sequence[str], rows: Iterator[np.ndarray], advance: Callable[[], None]
) -> dict[str, np.ndarray]:
    """Take a row for each name and write a pack whenever there are enough.

    Raises:
        OSError: the disk is full or the folder can not be written.
    """
    written: dict[str, np.ndarray] = {}
    for start in range(0, len(names), PACK_IMAGES):
        part = list(names[start : start + PACK_IMAGES])
        values = []
        for row in rows:
            values.append(row)
            advance()
            if len(values) == len(part):
                break
        matrix = np.stack(values)
        with (
            atomic_path(folder / f"pack-{uuid.uuid4().hex[:16]}.npz") as temporary,
            temporary.open("wb") as handle,
        ):
            np.savez(handle, names=np.array(part), values=matrix, checksum=np.array(_checksum(part, matrix)))
        written |= dict(zip(part, matrix, strict=True))
    return written


def _read(path: Path, size: int) -> tuple[list[str], np.ndarray]:
    """Names and values of a pack; none when it is damaged, which is then removed."""
    try:
        with np.load(path, allow_pickle=False) as pack:
            names, values = [str(name) for name in pack["names"]], pack["values"]
            sound = (
                values.shape == (len(names), size) and values.dtype == np.float32 and bool(np.isfinite(values).all())
            )
            if sound and str(pack["checksum"]) == _checksum(names, values):
                return names, values
    except FileNotFoundError:
        return [], np.zeros((0, size), dtype=np.float32)
    except Exception:  # noqa: S110  # a damaged archive lets out errors of many kinds
        pass
    path.unlink(missing_ok=True)
    return [], np.zeros((0, size), dtype=np.float32)


def _checksum(names: Sequence[str], values: np.ndarray) -> str:
    return hashlib.sha256("\n".join(names).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()
