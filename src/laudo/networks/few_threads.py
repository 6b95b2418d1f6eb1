"""Many short steps on a processor: one thread, unless there are many."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

MANY = 5


@contextmanager
def few_threads() -> Iterator[int]:
    """Give torch one thread inside, where it has fewer than :data:`MANY`; what it had is put back.

    Threads wait for each other after every step. On a machine with few of them and other work to do that costs more than the
    second one brings, up to tens of times as much.

    Yields:
        Threads inside.
    """
    threads = torch.get_num_threads()
    if threads >= MANY:
        yield threads
        return
    torch.set_num_threads(1)
    try:
        yield 1
    finally:
        torch.set_num_threads(threads)
