"""Rows of a data set's tables that can not be used: refused, or, for those who want the rest, skipped and listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple


class BrokenRow(NamedTuple):
    """Where a row stands, and what is wrong with it."""

    place: str
    why: str


_skipped: ContextVar[list[BrokenRow] | None] = ContextVar("laudo_broken_rows", default=None)


@contextmanager
def broken_rows_skipped() -> Iterator[list[BrokenRow]]:
    """Within the block, readers of tables go on after a broken row; gives those that were skipped."""
    rows: list[BrokenRow] = []
    token = _skipped.set(rows)
    try:
        yield rows
    finally:
        _skipped.reset(token)


def skip(place: str, why: str) -> bool:
    """Whether a broken row may be skipped; it is then listed, and else the caller refuses the whole table."""
    rows = _skipped.get()
    if rows is not None:
        rows.append(BrokenRow(place, why))
    return rows is not None
