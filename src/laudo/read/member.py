"""Paths that name a part of a file or folder: ``1.mat#tumorMask``, ``CT/#3fa9c1d2``."""

from __future__ import annotations

from pathlib import Path


def split_member(path: Path) -> tuple[Path, str]:
    """The file or folder that the disk holds, and the name of the member in it.

    A path that exists as it stands, or that has no ``#`` in its last part, is itself and has no member.
    """
    if "#" not in path.name or path.exists():
        return path, ""
    outer, _sign, member = path.name.rpartition("#")
    return (path.with_name(outer) if outer else path.parent), member
