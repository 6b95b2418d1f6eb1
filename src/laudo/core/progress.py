"""Progress of long steps, told to whoever listens. Rooms call :func:`track`; the command line shows a bar, a test nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Something that shows progress."""

    def start(self, what: str, total: int | None) -> int:
        """Begin a step of ``total`` parts (None when unknown); the number returned names it."""

    def advance(self, step: int, parts: int = 1, note: str = "") -> None:
        """``parts`` more are done."""

    def finish(self, step: int) -> None:
        """The step is over."""

    def say(self, text: str) -> None:
        """One line that stays on the screen."""


class Silent:
    """Shows nothing: the default for a library."""

    def start(self, what: str, total: int | None) -> int:
        """Do nothing."""
        return 0

    def advance(self, step: int, parts: int = 1, note: str = "") -> None:
        """Do nothing."""

    def finish(self, step: int) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


_listener: ContextVar[Listener] = ContextVar("laudo_progress", default=Silent())  # noqa: B039 (Silent has no state)


@contextmanager
def listen(listener: Listener) -> Iterator[None]:
    """Within the block, progress goes to ``listener``."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def say(text: str) -> None:
    """Tell the user one thing that was found or decided."""
    _listener.get().say(text)


def track(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Go through ``items`` and show how far it is."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with step(what, total) as advance:
        for item in items:
            yield item
            advance()


class Advance:
    """Handle of a running step."""

    def __init__(self, listener: Listener, number: int) -> None:
        self._listener = listener
        self._number = number

    def __call__(self, parts: int = 1, note: str = "") -> None:
        """``parts`` more are done; ``note`` is shown beside the bar."""
        self._listener.advance(self._number, parts, note)


@contextmanager
def step(what: str, total: int | None = None) -> Iterator[Advance]:
    """A step whose parts are not simply the items of a loop."""
    listener = _listener.get()
    number = listener.start(what, total)
    try:
        yield Advance(listener, number)
    finally:
        listener.finish(number)


class Overheard:
    """Passes everything on to a listener, and keeps what was said."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.said: list[str] = []

    def start(self, what: str, total: int | None) -> int:
        """Pass on."""
        return self._listener.start(what, total)

    def advance(self, step: int, parts: int = 1, note: str = "") -> None:
        """Pass on."""
        self._listener.advance(step, parts, note)

    def finish(self, step: int) -> None:
        """Pass on."""
        self._listener.finish(step)

    def say(self, text: str) -> None:
        """Keep, and pass on."""
        self.said.append(text)
        self._listener.say(text)


@contextmanager
def overhear() -> Iterator[list[str]]:
    """Within the block, what is said is also put into the list."""
    listener = Overheard(_listener.get())
    with listen(listener):
        yield listener.said
