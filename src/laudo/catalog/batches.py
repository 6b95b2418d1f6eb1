"""Rows, so many at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

BATCH = 500
"""Rows of a statement; SQLite takes at most 32,766 values in one."""


def batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in their order, at most ``size`` at a time."""
    each = iter(items)
    while batch := list(islice(each, size)):
        yield batch
