"""Memory that a processor's networks take and give back at every step, kept by the process in between."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's mallopt(3)."""
REUSED = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 256 << 20))
DEFAULTS = ((M_MMAP_MAX, 65536), (M_TRIM_THRESHOLD, 128 << 10), (M_TOP_PAD, 0))

_lock = threading.Lock()
_depth = 0


@contextmanager
def reused_memory(device: torch.device) -> Iterator[None]:
    """Within the block large tensors are taken from memory that the process already has.

    By default glibc asks the system for each large block and hands it back at once, so that every step touches fresh pages and
    the kernel fills them with zeros: more than half of the time of a network on large images. At the end the settings are the
    defaults again and free memory is handed back. Where the C library is another one, or the network runs on a GPU, nothing is
    done. Blocks may stand within each other, and in several threads.
    """
    library = _glibc() if device.type == "cpu" else None
    if library is None:
        yield
        return
    _enter(library)
    try:
        yield
    finally:
        _leave(library)


def _enter(library: ctypes.CDLL) -> None:
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            _set(library, REUSED)


def _leave(library: ctypes.CDLL) -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            _set(library, DEFAULTS)
            library.malloc_trim(0)


def _set(library: ctypes.CDLL, values: tuple[tuple[int, int], ...]) -> None:
    for parameter, value in values:
        library.mallopt(parameter, value)


def _glibc() -> ctypes.CDLL | None:
    """The GNU C library of this process; None where there is another one."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
        _ = library.gnu_get_libc_version, library.mallopt, library.malloc_trim
    except (OSError, AttributeError):
        return None
    library.malloc_trim.argtypes = [ctypes.c_size_t]
    return library
