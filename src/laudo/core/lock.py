"""One process at a time: a lock that the operating system holds on a file, and lets go when the process ends, however it ends.

A process that is killed leaves the file, but not the lock: nothing is ever stale, and nobody has to clean up. On a network file
system the lock holds between machines only where the system says so (NFS 3 and later with its lock service, SMB); where the
file system knows no locks at all, the work goes on without one, and that is said.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from laudo.core.messages import _
from laudo.core.progress import say

FAR = 1 << 20
"""Byte that is locked on Windows, where nobody else can read what is locked: behind the number that is read."""

UNKNOWN = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
"""What a file system says that has no locks."""

_held: set[int] = set()


class HeldError(Exception):
    """Another process, or another thread of this one, holds the lock.

    Args:
        process: its number; None when it has not written it yet.
    """

    def __init__(self, process: int | None) -> None:
        super().__init__(process)
        self.process = process


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file ``path`` within the block; folders that it needs are made, and removed again when nothing came into them.

    Raises:
        HeldError: somebody else holds it. Nobody waits.
        OSError: the file can not be written.
    """
    made = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = _take(path)
        _held.add(descriptor)
        try:
            yield
        finally:
            _held.discard(descriptor)
            _give_back(descriptor, path)
    finally:
        with suppress(OSError):  # not empty: it holds the work
            for folder in made:
                folder.rmdir()


def _take(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _try_lock(descriptor):
                raise HeldError(_number(descriptor))
            if not _is_still(path, descriptor):  # its last holder has removed it between our opening and our locking
                os.close(descriptor)
                continue
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _try_lock(descriptor: int) -> bool:
    """False when somebody else has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in UNKNOWN:
            say(_("The file system here knows no locks: see to it that no other process works in the same folder."))
            return True
        if error.errno in {errno.EACCES, errno.EAGAIN, errno.EDEADLK}:
            return False
        raise
    return True


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the open file is the one that bears the name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _number(descriptor: int) -> int | None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, 32).strip()
    return int(text) if text.isdigit() else None


def _give_back(descriptor: int, path: Path) -> None:
    """Remove the file while nobody else can hold it; Windows removes no open file, and none that somebody has opened since."""
    if os.name == "nt":
        os.close(descriptor)
    with suppress(OSError):
        path.unlink()
    if os.name != "nt":
        os.close(descriptor)


def _forget() -> None:
    """In a fork: a child that outlives its killed parent must not keep the lock."""
    for descriptor in _held:
        with suppress(OSError):
            os.close(descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
