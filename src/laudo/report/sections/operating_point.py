"""What was wanted of the threshold, and what it reached on images that did not choose it."""

from __future__ import annotations

from typing import Any

from laudo.report.sections.draft import Draft


def operating_table(result: dict[str, Any], draft: Draft) -> dict[str, Any] | None:
    """A row for the positive class, or for each label, and a sentence; None where no rate was wanted."""
    voice = draft.voice
    _ = voice.gettext
    found = result.get("operating_point")
    if not found:
        return None
    wanted, of = found["wanted"], found["of"]
    names = {"sensitivity": _("Sensitivity"), "specificity": _("Specificity")}
    verdicts = {
        "yes": _("reached: the whole interval lies above"),
        "open": _("open: the interval holds it"),
        "no": _("not reached: the whole interval lies below"),
        None: _("can not be said"),
    }
    thresholds = result.get("thresholds") or dict.fromkeys(of, result.get("threshold"))
    rows = [
        {
            "name": name,
            "positive": voice.integer(one["n_positive"]),
            "negative": voice.integer(one["n_negative"]),
            "threshold": voice.number(thresholds.get(name)),
            "cells": [
                {"value": voice.number(one[rate]["value"]), "interval": voice.interval(one[rate])} for rate in names
            ],
            "verdict": verdicts[one["reached"]],
        }
        for name, one in of.items()
    ]
    return {
        "columns": list(names.values()),
        "rows": rows,
        "sentence": _(
            "Wanted was a {rate} of at least {value}, reached on the images that chose the threshold. On other images a threshold "
            "chosen so falls short of it about as often as not; what it reached here is below."
        ).format(rate=names[wanted["rate"]].lower(), value=voice.number(wanted["value"], 2)),
    }
