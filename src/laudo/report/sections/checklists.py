"""Checklists: what the run shows of what a paper has to report, and what is left for the author."""

from __future__ import annotations

from typing import Any

from laudo.report.checklist.answer import STATES
from laudo.report.checklist.table import Filled, fill
from laudo.report.references import references
from laudo.report.sections.draft import Draft


def build(draft: Draft) -> dict[str, Any]:
    """Every item with its state, its sentence and a link to where it is shown."""
    filled = fill(draft.evidence, draft.voice)
    return {"checklists": [_shown(one, draft) for one in filled], "outlines": draft.evidence.outlines}


def _shown(one: Filled, draft: Draft) -> dict[str, Any]:
    voice = draft.voice
    paper = references([one.checklist.paper])[0]
    return {
        "name": one.checklist.name,
        "title": one.checklist.title,
        "about": voice.gettext(one.checklist.about),
        "paper": paper,
        "counts": [
            {
                "kind": STATES[state][1],
                "shape": STATES[state][0],
                "word": voice.gettext(STATES[state][2]),
                "n": voice.integer(n),
            }
            for state, n in one.counts.items()
        ],
        "total": len(one.lines),
        "lines": [
            {
                "number": line.number,
                "topic": line.topic,
                "kind": STATES[line.answer.state][1],
                "shape": STATES[line.answer.state][0],
                "word": line.word,
                "text": line.answer.text,
                "where": line.answer.where,
            }
            for line in one.lines
        ],
    }
