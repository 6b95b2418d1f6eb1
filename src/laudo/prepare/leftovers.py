"""Folders in the cache that are not finished yet, and those that were left by processes killed long ago."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STALE_SECONDS = 24 * 3600
"""Age from which a temporary folder was certainly left by a killed process."""


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A new folder inside ``folder`` that nobody reads; the block renames it, and when it fails it is removed."""
    temporary = folder / f".writing-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        yield temporary
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sweep_old(folder: Path) -> None:
    """Remove what processes killed long ago left behind."""
    for left in folder.glob(".writing-*"):
        try:
            if time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
        except FileNotFoundError:
            continue  # its owner finished it meanwhile
