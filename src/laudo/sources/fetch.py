"""Public data sets brought from where their publishers keep them: fetched, unpacked, recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from laudo.core.atomic import write_json
from laudo.core.environment import file_hash
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.sources.download import WAITS_S, agrees, download
from laudo.sources.source import Download, Source
from laudo.sources.unpack import is_archive, unpack

RECORD = "fetched.json"
"""What was fetched, beside the data."""


def fetch(source: Source, folder: Path, waits_s: Sequence[float] = WAITS_S) -> dict[str, Any]:
    """Bring every file of a data set into a folder and unpack its archives.

    What is there already and was recorded is not fetched again.

    Returns:
        What ``fetched.json`` then holds: source, citation, licence, and each file's URL, size, SHA-256 and content.

    Raises:
        DataError: the set can only be had with an account; the server, the checksum, the disk or the archive refuses.
    """
    if not source.downloads:
        raise DataError(
            _("This data set can not be fetched by a program: its publisher wants a person to ask for it."),
            found=source.name,
            cure=_("Get it from {where}. Then: laudo data import {name} ROOT -o DIR").format(
                where=_(source.where), name=source.name
            ),
        )
    before = _recorded(folder / RECORD)
    record: dict[str, Any] = {
        "source": source.name,
        "licence": source.licence,
        "citation": source.citation,
        "files": [],
    }
    for item in source.downloads:
        record["files"].append(_bring(item, folder, before.get(item.name), waits_s))
        write_json(folder / RECORD, record)
    return record


def _recorded(path: Path) -> dict[str, dict[str, Any]]:
    """Files of an earlier fetch by name; none when the record is missing or damaged."""
    try:
        return {str(one["name"]): one for one in json.loads(path.read_text(encoding="utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _bring(item: Download, folder: Path, known: dict[str, Any] | None, waits_s: Sequence[float]) -> dict[str, Any]:
    """Fetch and unpack one file, or find that it was done; its entry in the record."""
    target = folder / item.name
    if known and known.get("url") == item.url and _is_there(known, folder):
        say(_("{name} is already there").format(name=item.name))
        return known
    if not target.is_file() or not agrees(target, item.checksum):
        download(item, folder, waits_s)
    sha256, size = file_hash(target), target.stat().st_size
    entry: dict[str, Any] = {
        "name": item.name,
        "url": item.url,
        "size": size,
        "sha256": sha256,
        "checksum": item.checksum,
    }
    entry["fetched"] = datetime.now(UTC).isoformat(timespec="seconds")
    entry["content"] = unpack(target, folder) if is_archive(item.name) else []
    return entry


def _is_there(known: dict[str, Any], folder: Path) -> bool:
    """Whether a recorded file is whole and what was unpacked from it still stands there."""
    path = folder / str(known["name"])
    try:
        whole = path.is_file() and path.stat().st_size == known["size"] and file_hash(path) == known["sha256"]
        return whole and all((folder / str(name)).exists() for name in known["content"])
    except (OSError, KeyError, TypeError):
        return False
