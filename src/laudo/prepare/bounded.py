"""Work on threads whose results come in order, with a bound on how many wait: memory does not grow with the number of files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 4
"""Results a thread that may wait for the one that takes them."""


def in_order(work: Callable[[T], R], items: Iterable[T], jobs: int) -> Generator[R, None, None]:
    """Results of ``work``, in the order of the items; the first error ends it, and what was not begun is given up.

    Args:
        work: called in ``jobs`` threads at once.
        items: taken one after the other, never far ahead of the results.
        jobs: number of threads, at least 1.
    """
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= AHEAD * jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
