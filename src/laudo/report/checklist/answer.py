"""An answer to one item of a checklist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from laudo.core.messages import N_
from laudo.report.context import Evidence
from laudo.report.voice import Voice

State = Literal["shown", "partly", "author", "not_done", "not_applicable"]

STATES: dict[State, tuple[str, str, str]] = {
    "shown": ("✓", "pass", N_("shown")),
    "partly": ("◐", "warn", N_("shown in part")),
    "author": ("✎", "not_run", N_("for the author")),
    "not_done": ("■", "fail", N_("not done")),
    "not_applicable": ("–", "not_run", N_("does not apply")),
}
"""Shape, kind of badge and word of each state."""


@dataclass(frozen=True)
class Answer:
    """What a run says to an item.

    Attributes:
        state: whether the run shows it, the author has to write it, or it was not done.
        text: the value from the run, or what to write.
        where: name of the section of the report; empty when none has it.
    """

    state: State
    text: str
    where: str = ""


Ask = Callable[[Evidence, Voice], Answer]


@dataclass(frozen=True)
class Item:
    """An item of a checklist.

    Attributes:
        number: as the checklist counts.
        topic: what it asks for, in short words of our own, to be translated.
        ask: gives the answer from what a run holds.
    """

    number: str
    topic: str
    ask: Ask


def for_author(text: str) -> Ask:
    """An item that no run can answer.

    Args:
        text: what to write, marked for translation.
    """

    def ask(_evidence: Evidence, voice: Voice) -> Answer:
        return Answer("author", voice.gettext(text))

    return ask
