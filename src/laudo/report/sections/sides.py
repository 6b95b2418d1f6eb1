"""Image and text, each alone, beside both together: what a text gives away."""

from __future__ import annotations

from typing import Any

from laudo.report.names import short_name
from laudo.report.sections.draft import Draft

SHOWN = ("accuracy", "balanced_accuracy", "f1_macro", "log_loss")
SIDES = ("image", "text", "masked")
WORDS = 24
"""Words that are named in the sentence; metrics.json holds more."""


def sides_table(draft: Draft) -> dict[str, Any] | None:
    """A row for the whole and for each side; None when the run reads no texts or was not judged so."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    found = evidence.metrics.get("sides") or {}
    part = (found.get("parts") or {}).get(evidence.headline)
    result = evidence.result
    if not part or result is None:
        return None
    names = {
        "image": _("image alone"),
        "text": _("text alone"),
        "masked": _("both, without the words that name a class"),
    }
    metrics = [name for name in SHOWN if name in result["metrics"]]
    whole = {"name": _("image and text"), "cells": _cells(result["metrics"], metrics, draft), "difference": None}
    rows: list[dict[str, Any]] = [whole]
    for side in SIDES:
        one = part["of"].get(side)
        if one is not None:
            difference = one["whole_minus_this"].get("accuracy")
            told = {"value": voice.number((difference or {}).get("value")), "interval": voice.interval(difference)}
            rows.append({"name": names[side], "cells": _cells(one["metrics"], metrics, draft), "difference": told})
    return {
        "title": _("Image and text, each alone"),
        "columns": [short_name(name, voice) for name in metrics],
        "difference": _("accuracy of both minus this"),
        "rows": rows,
        "sentences": _sentences(found, part, draft),
    }


def _cells(metrics: dict[str, Any], names: list[str], draft: Draft) -> list[dict[str, str]]:
    voice = draft.voice
    return [
        {"value": voice.number((metrics.get(name) or {}).get("value")), "interval": voice.interval(metrics.get(name))}
        for name in names
    ]


def _sentences(found: dict[str, Any], part: dict[str, Any], draft: Draft) -> list[str]:
    voice = draft.voice
    _ = voice.gettext
    named, n = int(part.get("texts_that_name_a_class") or 0), int(part["n"])
    told = [
        _("Of {n} texts {named} hold a word or phrase that names a class ({share}).").format(
            n=voice.integer(n), named=voice.integer(named), share=voice.percent(named / n if n else 0.0)
        )
    ]
    words = [str(word) for word in found.get("words") or []]
    if words:
        more = int(found.get("words_in_all") or len(words)) - min(len(words), WORDS)
        listed = ", ".join(_("“{name}”").format(name=word) for word in words[:WORDS])
        told.append(
            _("Taken out for the last row: {words} and {more} more.").format(words=listed, more=voice.integer(more))
            if more > 0
            else _("Taken out for the last row: {words}.").format(words=listed)
        )
    told.append(
        _(
            "The last row comes from a model that never read those words, in training or in testing: what it loses against the "
            "first row is what these words told. Other words that tell the class as plainly stay in."
        )
    )
    weights = (draft.evidence.model.get("text") or {}).get("weights")
    if weights:
        told.append(
            _(
                "Both answers are multiplied, the image's to the power of {image} and the text's to the power of {text}, as "
                "validation chose; a sample without a text is answered by the image alone."
            ).format(image=voice.number(weights[0], 2), text=voice.number(weights[1], 2))
        )
    return told
