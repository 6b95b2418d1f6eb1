"""What the disk says of files without opening them: enough to know that a data set has not changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

Stamp = tuple[int, int, int]
"""Size in bytes, time of the last change of the content and of the entry, in nanoseconds; all -1 when there is no file."""

ABSENT: Stamp = (-1, -1, -1)


def stamp(path: str) -> Stamp:
    """Stamp of one file, links followed."""
    try:
        facts = os.stat(path)  # noqa: PTH116 (a Path object for each of 100,000 files costs more than the question)
    except OSError:
        return ABSENT
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def stamps_below(root: str, without: Iterable[str] = ()) -> dict[str, Stamp]:
    """Stamps of all visible files below a folder, by path relative to it with forward slashes; linked folders are entered.

    Args:
        root: absolute path of the folder.
        without: absolute paths that do not count.
    """
    omitted = frozenset(without)
    return {name: stamp_of for path, name, stamp_of in _walk(root, "", set()) if path not in omitted}


def _walk(folder: str, prefix: str, entered: set[tuple[int, int]]) -> Iterator[tuple[str, str, Stamp]]:
    try:
        facts = os.stat(folder)  # noqa: PTH116
        entries = list(os.scandir(folder))
    except OSError:
        return
    identity = (facts.st_dev, facts.st_ino)
    if identity in entered and facts.st_ino:  # a link that leads back up
        return
    entered.add(identity)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry.path, name + "/", entered)
        else:
            yield entry.path, name, stamp(entry.path)
