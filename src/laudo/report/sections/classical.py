"""Training of a classical classifier: no epochs, but the settings that were tried on validation."""

from __future__ import annotations

from typing import Any

from laudo.report.names import short_name
from laudo.report.sections.draft import Draft

FIGURES = ("balanced_accuracy", "accuracy", "log_loss")
"""Of each candidate on validation, in the order in which they decide."""


def classical_facts(draft: Draft) -> list[str]:
    """What was fitted, how many settings were tried, and how long it took."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    facts = [_("A classical classifier was fitted to features that never change: there are no epochs and no curves.")]
    n = len(_tried(draft))
    if n:
        text = _("{n} settings were tried on the validation part; the mark shows the one that was kept.")
        facts.append(text.format(n=voice.integer(n)))
    if evidence.status.get("seconds"):
        facts.append(_("Time taken: {time}.").format(time=voice.duration(float(evidence.status["seconds"]))))
    if evidence.is_cross_validation:
        facts.append(_("Every fold has chosen on its own; these are the figures of the first."))
    return facts


def tried_table(draft: Draft) -> dict[str, Any] | None:
    """Settings and validation figures of each candidate; None when nothing is recorded."""
    voice, tried = draft.voice, _tried(draft)
    if not tried:
        return None
    chosen = draft.evidence.model["classical"].get("chosen")
    settings = list(dict.fromkeys(name for one in tried for name in one.get("settings") or {}))
    figures = [name for name in FIGURES if any(one.get(name) is not None for one in tried)]
    rows = []
    for index, one in enumerate(tried):
        own = one.get("settings") or {}
        cells = [_value(own.get(name), draft) for name in settings]
        cells += [voice.number(one.get(name)) for name in figures]
        rows.append({"cells": cells, "best": index == chosen or own == chosen})
    return {"columns": [*settings, *[short_name(name, voice) for name in figures]], "rows": rows}


def _tried(draft: Draft) -> list[dict[str, Any]]:
    found = (draft.evidence.model.get("classical") or {}).get("tried") or []
    return [one for one in found if isinstance(one, dict)]


def _value(value: object, draft: Draft) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return draft.voice.short(value) if number else "–" if value is None else str(value)  # type: ignore[arg-type]
