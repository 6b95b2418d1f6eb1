"""What a section is written from, and how it says that it has nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

from laudo.report.context import Evidence
from laudo.report.figures.sheet import Shelf
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Draft:
    """What every section may use.

    Attributes:
        evidence: what the run folder holds.
        voice: the report's language.
        album: thumbnails, within one budget for the whole report.
        shelf: draws figures.
    """

    evidence: Evidence
    voice: Voice
    album: Album
    shelf: Shelf


class AbsentError(Exception):
    """A section has nothing to show; its text is the reason, in the report's language."""
