"""Every checklist, in one place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from laudo.core.messages import N_
from laudo.report.checklist.answer import STATES, Answer, Item, State
from laudo.report.checklist.claim import CLAIM
from laudo.report.checklist.tripod import TRIPOD_AI
from laudo.report.citations_of_methods import CLAIM as CLAIM_PAPER
from laudo.report.citations_of_methods import TRIPOD_AI as TRIPOD_PAPER
from laudo.report.context import Evidence
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Checklist:
    """A reporting checklist.

    Attributes:
        name: anchor, and what its lines are called in the table.
        title: as it is known.
        about: what it is for, to be translated.
        paper: citation key.
        items: in its order.
        of_outlines: whether it is for models that outline structures too.
    """

    name: str
    title: str
    about: str
    paper: str
    items: tuple[Item, ...]
    of_outlines: bool


CHECKLISTS: tuple[Checklist, ...] = (
    Checklist(
        "claim", "CLAIM 2024", N_("for studies of artificial intelligence on medical images"), CLAIM_PAPER, CLAIM, True
    ),
    Checklist(
        "tripod-ai",
        "TRIPOD+AI",
        N_("for models that predict a diagnosis or an outcome"),
        TRIPOD_PAPER,
        TRIPOD_AI,
        False,
    ),
)


@dataclass(frozen=True)
class Line:
    """An item with its answer, in the reader's language."""

    number: str
    topic: str
    answer: Answer
    word: str


@dataclass(frozen=True)
class Filled:
    """A checklist with its answers.

    Attributes:
        checklist: which.
        lines: one an item.
    """

    checklist: Checklist
    lines: tuple[Line, ...]

    @property
    def counts(self) -> dict[State, int]:
        """Items of each state, in the order of the states; states that no item has are left out."""
        found = Counter(line.answer.state for line in self.lines)
        return {state: found[state] for state in STATES if found[state]}


def fill(evidence: Evidence, voice: Voice) -> list[Filled]:
    """The checklists that a run is to be held to, each item answered."""
    apt = [one for one in CHECKLISTS if one.of_outlines or evidence.names_classes or not evidence.outlines]
    return [Filled(one, tuple(_line(item, evidence, voice) for item in one.items)) for one in apt]


def _line(item: Item, evidence: Evidence, voice: Voice) -> Line:
    try:
        answer = item.ask(evidence, voice)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        # A file of the run has another form than this version of laudo writes: the other items are answered all the same.
        text = voice.gettext("A file of the run does not have the expected form ({error}); the author has to say it.")
        answer = Answer("author", text.format(error=f"{type(error).__name__}: {error}"))
    return Line(item.number, voice.gettext(item.topic), answer, voice.gettext(STATES[answer.state][2]))
