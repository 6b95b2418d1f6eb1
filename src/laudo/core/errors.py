"""Errors that a person can act on: what happened, in which file, what was expected, what was found, what to do next."""

from __future__ import annotations

from pathlib import Path

from laudo.core.messages import _


class LaudoError(Exception):
    """Wrong usage or bad input. The command line prints it without a traceback and exits with 2.

    Args:
        what: one sentence, already translated.
        file: the file or folder it is about.
        expected: what would have been right.
        found: what was there instead.
        cure: what the user can do next, preferably a command.
        details: further lines, one a finding, when one sentence is not enough.
    """

    def __init__(
        self,
        what: str,
        *,
        file: Path | str | None = None,
        expected: str | None = None,
        found: str | None = None,
        cure: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.file = None if file is None else str(file)
        self.expected = expected
        self.found = found
        self.cure = cure
        self.details = details

    def lines(self) -> list[tuple[str, str]]:
        """Label and text of every part that is known, in reading order."""
        parts = [
            (_("file"), self.file),
            (_("expected"), self.expected),
            (_("found"), self.found),
            *[("·", detail) for detail in self.details],
            (_("what to do"), self.cure),
        ]
        return [(label, text) for label, text in parts if text]

    def as_dict(self) -> dict[str, object]:
        """The same for ``--json``."""
        return {
            "error": type(self).__name__,
            "what": self.what,
            "file": self.file,
            "expected": self.expected,
            "found": self.found,
            "cure": self.cure,
            "details": list(self.details),
        }

    def __str__(self) -> str:
        return "\n".join([self.what, *[f"  {label}: {text}" for label, text in self.lines()]])


class DataError(LaudoError):
    """A data set, or an image in it, can not be used as it is."""


class UnreadableImageError(DataError):
    """One file did not give an image. A batch records it and goes on."""


class RecipeError(LaudoError):
    """A recipe is not valid; the error names the line and the nearest key."""


class WeightsError(LaudoError):
    """Pretrained weights are missing or do not fit the network."""


class RunError(LaudoError):
    """A run folder is missing, incomplete or damaged."""


class UnknownNameError(LaudoError):
    """A name that no table holds: a source, a backbone, a loss."""
