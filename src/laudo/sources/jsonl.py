"""JSON Lines of one's own: an object a line, a line an image."""

from __future__ import annotations

import json
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.sources.broken_rows import skip
from laudo.sources.lone_table import find_table, fits_table
from laudo.sources.records import manifest_of_records
from laudo.sources.source import Source
from laudo.sources.table_file import Record

ENDINGS = (".jsonl", ".ndjson")
"""Endings of JSON Lines, lower case."""


def read_lines(path: Path, most: int | None = None) -> list[Record]:
    """Objects of a JSON Lines file with their line numbers; empty lines do not count, broken ones where they may be skipped.

    Args:
        path: the file, UTF-8.
        most: read no more than this many objects.

    Raises:
        DataError: the file can not be read, or a line is not a JSON object; with its number.
    """
    records: list[Record] = []
    try:
        with path.open(encoding="utf-8-sig") as handle:
            for number, line in enumerate(handle, start=1):
                if line.strip() and (document := _object(line, number, path)) is not None:
                    records.append((number, document))
                if most is not None and len(records) >= most:
                    break
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            _("The table can not be read."),
            file=path,
            found=f"{type(error).__name__}: {error}",
            expected=_("a text file in UTF-8"),
        ) from error
    return records


def _object(line: str, number: int, path: Path) -> dict[str, object] | None:
    """None when it is none, and may be skipped."""
    problem = ""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        problem = str(error)
    else:
        if isinstance(value, dict):
            return value
        problem = type(value).__name__
    if skip(_("{file}, line {n}").format(file=path.name, n=number), problem):
        return None
    raise DataError(
        _("A line is not a JSON object."),
        file=path,
        expected='{"image": "a.png", "label": "…"}',
        found=_("line {line}: {what}").format(line=number, what=problem),
        cure=_("Correct or remove this line."),
    )


def _fits(root: Path) -> bool:
    return fits_table(root, ENDINGS, lambda table: read_lines(table, most=1))


def _list(root: Path) -> Manifest:
    table = find_table(root, ENDINGS, SOURCE.layout)
    return manifest_of_records(read_lines(table), table, SOURCE.name)


SOURCE = Source(
    name="jsonl",
    folder="",
    what=N_("Any JSON Lines file that names an image a line, with the same fields as a table"),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout='ROOT/*.jsonl ({"image": …, "mask": …, "label": …, "patient": …, "text": …, "split": …, "fold": …})',
    fits=_fits,
    list_samples=_list,
    endings=ENDINGS,
)
