"""Hashes of the files that samples are made of."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from laudo.core.environment import file_hash
from laudo.core.manifest import SEPARATOR
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.read.member import split_member


@dataclass(frozen=True)
class HashBook:
    """Hashes of files by absolute path: those known before, and those met since."""

    known: Mapping[str, str] = field(default_factory=dict)
    met: dict[str, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """Hash of one file; it is opened only when its hash was not known.

        Raises:
            OSError: it can not be read.
        """
        name = os.path.abspath(path)  # noqa: PTH100 (resolve() would follow links and ask the disk)
        value = self.known.get(name) or file_hash(path)
        self.met[name] = value
        return value


_book: ContextVar[HashBook | None] = ContextVar("laudo_hash_book", default=None)


@contextmanager
def reuse_hashes(known: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Within the block files with a known hash are not opened; gives the hashes of all files met.

    Args:
        known: absolute path → SHA-256, of files that are known not to have changed.
    """
    book = HashBook(known)
    token = _book.set(book)
    try:
        yield book.met
    finally:
        _book.reset(token)


def with_hashes(rows: Sequence[dict[str, object]], root: Path) -> list[dict[str, object]]:
    """The same rows with ``sha256`` and ``mask_sha256``; each file is read once, its bytes only.

    A file that can not be opened has an empty hash, so that the audit names it with the other broken ones.
    """
    joined = [str(row.get(column) or "") for row in rows for column in ("image", "mask")]
    files = sorted({path for paths in joined if paths for path in paths.split(SEPARATOR)})
    book = _book.get() or HashBook()
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        hashes = pool.map(lambda path: path_hash(root / path, book), files)
        known = dict(zip(files, track(hashes, _("Reading the files"), total=len(files)), strict=True))

    def of(paths: object) -> str:
        each = [known[path] for path in str(paths).split(SEPARATOR)] if paths else []
        if len(each) < 2:
            return each[0] if each else ""
        return hashlib.sha256("\n".join(each).encode()).hexdigest() if all(each) else ""

    return [{**row, "sha256": of(row.get("image")), "mask_sha256": of(row.get("mask"))} for row in rows]


def path_hash(path: Path, book: HashBook | None = None) -> str:
    """Hash of a file, of the file that a member (``file#member``) is in, or of a folder's own files; empty when unreadable."""
    path = split_member(path)[0]
    book = book or HashBook()
    try:
        if path.is_dir():
            return _joint_hash([one for one in path.iterdir() if one.is_file()], book)
        return book.of(path)
    except OSError:
        return ""


def series_hashes(series: Sequence[Sequence[Path]]) -> list[str]:
    """Hash of each series of files, of one file its own; empty when one of them can not be opened."""
    book = _book.get() or HashBook()

    def of(files: Sequence[Path]) -> str:
        try:
            return book.of(files[0]) if len(files) == 1 else _joint_hash(files, book)
        except OSError:
            return ""

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(track(pool.map(of, series), _("Reading the files"), total=len(series)))


def _joint_hash(files: Sequence[Path], book: HashBook) -> str:
    """Hash of the files' names and hashes, whatever order they are in."""
    lines = sorted(f"{one.name}\n{book.of(one)}\n" for one in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
