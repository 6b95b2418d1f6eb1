"""Warnings of the decoding libraries are kept quiet while a file is read, whatever threads read at the same time."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


class _Quiet:
    """Python's filters belong to the whole process: the first thread in sets them aside, the last one out puts them back."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.kept = warnings.catch_warnings()

    def enter(self) -> None:
        """A thread comes in: the first one has warnings ignored."""
        with self.lock:
            if self.inside == 0:
                self.kept = warnings.catch_warnings()
                self.kept.__enter__()
                warnings.simplefilter("ignore")
            self.inside += 1

    def leave(self) -> None:
        """A thread goes: with the last one the filters are again as they were."""
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                self.kept.__exit__(None, None, None)


_quiet = _Quiet()


@contextmanager
def quiet() -> Iterator[None]:
    """No warning is shown or raised inside."""
    state = _quiet
    state.enter()
    try:
        yield
    finally:
        state.leave()


def _anew() -> None:
    """In a fork the other threads are gone, and with them who would have left."""
    global _quiet
    _quiet = _Quiet()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_anew)
