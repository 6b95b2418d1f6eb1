"""A disk that is full: told as what it is, with the folder, the room that is needed, and what to do."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from laudo.core.cache_folder import cache_folder
from laudo.core.errors import LaudoError
from laudo.core.messages import _

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Numbers of the system's errors for a disk, or a user's share of it, that is full."""
TOLD = ("no space left on device", "os error 28", "storagefull", "disk quota exceeded", "database or disk is full")
"""What libraries write that keep the number to themselves, lower case."""
SPARE_BYTES = 64 * 1024
"""Beside a large file: its checksum, a line of the log, the folder's own entries."""


class DiskFullError(LaudoError):
    """There is no room for a file. What was there before is still there, whole."""


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that a disk is full."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in FULL:
            return True
        if any(words in str(seen).lower() for words in TOLD):
            return True
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return False


def free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder, which need not be there yet."""
    place = folder.absolute()
    return shutil.disk_usage(next(path for path in (place, *place.parents) if path.exists())).free


def require_room(folder: Path, needed_bytes: int) -> None:
    """Refuse to begin a file for which there is no room.

    Raises:
        DiskFullError: says how much is needed and how much there is.
    """
    if free_bytes(folder) < needed_bytes + SPARE_BYTES:
        raise disk_full([folder], needed_bytes + SPARE_BYTES)


@contextmanager
def disk_told(*folders: Path) -> Iterator[None]:
    """Within the block an error that comes of a full disk is told as that.

    Args:
        folders: in which files are written; the cache and the system's temporary folder are looked at too.

    Raises:
        DiskFullError: in place of whatever a library raised.
    """
    try:
        yield
    except LaudoError:
        raise
    except Exception as error:
        if not is_full(error):
            raise
        named = getattr(error, "filename", None)
        places = (
            [Path(named).parent] if isinstance(named, str) else [*folders, cache_folder(), Path(tempfile.gettempdir())]
        )
        raise disk_full(places) from error


def disk_full(folders: Sequence[Path], needed_bytes: int | None = None) -> DiskFullError:
    """The error for the fullest of these folders."""
    folder = min(folders, key=free_bytes)
    return DiskFullError(
        _("The disk is full."),
        file=folder,
        expected=None if needed_bytes is None else _("{size} free").format(size=size_text(needed_bytes)),
        found=_("{size} free").format(size=size_text(free_bytes(folder))),
        cure=_(
            "Make room, then run the same command again; a training goes on with --resume, to the same result. What was finished "
            "is kept. LAUDO_CACHE moves the cache to another disk, --out the results."
        ),
    )


def size_text(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"
