"""What stands in a folder: for telling data sets apart, and for the error that says exactly what is missing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.sources.source import Source

LISTED = 12
"""So many names are listed in a message; of more, their number."""


def names_in(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the other entries directly in ``folder``, sorted; hidden ones and what archives add left out.

    A folder that can not be listed holds nothing.
    """
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    (folders if _is_folder(entry) else files).append(entry.name)
    except OSError:
        return [], []
    return sorted(folders), sorted(files)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def walk(root: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[Path, list[str]]]:
    """Each visible folder below ``root``, itself included, with the sorted names of its files, in an order of its own.

    Links are followed, but never into a folder that the way has come through (``above``).
    """
    folders, files = names_in(root)
    yield root, files
    above = above or frozenset({_identity(root)} if root.is_dir() else ())
    for name in folders:
        here = _identity(root / name)
        if here not in above:
            yield from walk(root / name, above | {here})


def _identity(folder: Path) -> tuple[int, int]:
    facts = folder.stat()
    return facts.st_dev, facts.st_ino


def first_that(root: Path, wrappers: Iterable[str], holds: Callable[[Path], bool]) -> Path | None:
    """``root``, or the first of the folders that archives of the set unpack into, that holds what is looked for."""
    return next((folder for folder in (root, *(root / name for name in wrappers)) if holds(folder)), None)


def some(names: Sequence[object], most: int = LISTED) -> str:
    """The first names, and how many more there are."""
    listed = ", ".join(str(name) for name in names[:most])
    more = len(names) - most
    return listed if more <= 0 else _("{names} and {n} more").format(names=listed, n=more)


def contents(folder: Path) -> str:
    """What a folder holds, in words: its folders by name, its files by ending."""
    folders, files = names_in(folder)
    if not folders and not files:
        return _("an empty folder")
    parts = []
    if folders:
        parts.append(_("folders: {names}").format(names=some(folders)))
    if files:
        endings = Counter(ending(name) or name for name in files)
        parts.append(_("files: {names}").format(names=some([f"{n} {name}" for name, n in endings.most_common()])))
    return "; ".join(parts)


def ending(name: str) -> str:
    """The ending in lower case, with ``.nii`` when compressed: ``.png``, ``.nii.gz``."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes[-2:]]
    return ".nii.gz" if suffixes == [".nii", ".gz"] else (suffixes[-1] if suffixes else "")


def misfit(
    source: Source, root: Path, missing: Sequence[str], details: Sequence[str] = (), cure: str | None = None
) -> DataError:
    """The error for a folder that is not laid out like the data set.

    Args:
        source: the data set.
        root: the folder.
        missing: files and folders that were looked for and are not there.
        details: further findings, one a line.
        cure: what to do; default: where the set is from, and the generic sources.
    """
    found = contents(root)
    if missing and any(names_in(root)):
        found = _("{missing} missing; there are {contents}").format(missing=some(missing), contents=found)
    return DataError(
        _("The folder is not laid out like this data set."),
        file=root,
        expected=source.layout,
        found=found,
        details=tuple(details[:LISTED]),
        cure=cure
        or _(
            "Name the folder that holds these files. The data set: {where}. `laudo data sources` lists other layouts."
        ).format(where=_(source.where)),
    )
