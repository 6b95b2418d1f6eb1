"""A folder of an export: it appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from laudo.core.atomic import flush_folder
from laudo.core.errors import LaudoError
from laudo.core.messages import _

DESCRIPTION = "export.json"
"""File of every export that says what it is."""


def check_target(folder: Path) -> None:
    """Refuse to write over anything but an earlier export.

    Raises:
        LaudoError: the folder holds something else.
    """
    if not folder.exists() or (folder / DESCRIPTION).is_file():
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise LaudoError(
            _("The folder for the export holds something else."),
            file=folder,
            expected=_("a new or empty folder, or an earlier export"),
            cure=_("Choose another one with --out."),
        )


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside ``folder``; when the block ends well it takes that name, else it is removed.

    Raises:
        LaudoError: see :func:`check_target`.
        OSError: the disk is full or can not be written; what was there before is still there.
    """
    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    temporary, old = (folder.with_name(f".{folder.name}.{what}-{mark}") for what in ("tmp", "old"))
    temporary.mkdir()
    try:
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb+") as handle:
                    os.fsync(handle.fileno())
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        flush_folder(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        if old.exists() and not folder.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
