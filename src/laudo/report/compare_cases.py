"""The cases that changed most from one run to another, in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from laudo.core.messages import _ as in_command_language
from laudo.core.progress import track
from laudo.report.compare_words import compared_name, signed
from laudo.report.paired_pictures import CasePictures, Painter
from laudo.report.voice import Voice

SHOWN = 6
"""Cases in each direction."""

LEAST = 1e-10
"""Smaller changes are none."""


def changed_cases(
    result: Mapping[str, Any], number: int, names: Sequence[str], painter: Painter, voice: Voice
) -> dict[str, Any]:
    """Give the cases that gained and those that lost most, by the mean of the primary metric over the structures.

    Args:
        result: of the comparison.
        number: of the pair.
        names: of the runs.
        painter: draws them where masks and images are at hand.
        voice: language.

    Returns:
        ``gained, lost``: lists of cases; ``pictures``: whether any case could be drawn.
    """
    pair, metric = result["pairs"][number], result["primary"]
    sides = (pair["a"], pair["b"])
    means = [[_mean(case[metric], side, result["structures"]) for side in sides] for case in result["cases"]]
    changes = np.array([b - a for a, b in means], dtype=float)
    changes[~np.isfinite(changes)] = 0
    order = np.argsort(changes, kind="stable")
    lost = [int(row) for row in order[:SHOWN] if changes[row] < -LEAST]
    gained = [int(row) for row in order[::-1][:SHOWN] if changes[row] > LEAST]
    rows = [*gained, *lost]
    drawn: dict[int, CasePictures | None] = {
        row: painter.draw(str(result["cases"][row]["sample"]))
        for row in track(rows, in_command_language("Drawing cases"))
    }
    cards = {row: _card(result, row, means[row], sides, names, drawn[row], voice) for row in rows}
    return {
        "gained": [cards[row] for row in gained],
        "lost": [cards[row] for row in lost],
        "pictures": any(one is not None for one in drawn.values()),
    }


def _mean(entry: Mapping[str, Sequence[float | None]], side: int, structures: Sequence[str]) -> float:
    known = [value for name in structures if (value := entry[name][side]) is not None]
    return sum(known) / len(known) if known else float("nan")


def _card(
    result: Mapping[str, Any],
    row: int,
    means: Sequence[float],
    sides: tuple[int, int],
    names: Sequence[str],
    drawn: CasePictures | None,
    voice: Voice,
) -> dict[str, Any]:
    """One case: its values in both runs, and its pictures."""
    _ = voice.gettext
    case, metric = result["cases"][row], result["primary"]
    label = compared_name(metric, voice)
    structures = list(result["structures"])
    values = [{"name": label, "a": voice.number(means[0]), "b": voice.number(means[1])}]
    if len(structures) > 1:
        values += [
            {
                "name": name,
                "a": voice.number(case[metric][name][sides[0]]),
                "b": voice.number(case[metric][name][sides[1]]),
            }
            for name in structures
        ]
    pictures = []
    place = ""
    if drawn is not None:
        sample = str(case["sample"])
        pictures = [{"uri": drawn.truth, "name": _("truth"), "alt": _("{sample}: the truth").format(sample=sample)}]
        for side, mean in zip(sides, means, strict=True):
            alt = _("{sample}: as {run} outlined it, {metric} {value}")
            text = alt.format(sample=sample, run=names[side], metric=label, value=voice.number(mean))
            pictures.append({"uri": drawn.answers[side], "name": names[side], "alt": text})
        if drawn.slice_number is not None:
            place = _("slice {n} of {m}").format(n=drawn.slice_number, m=drawn.slices)
    change = signed(means[1] - means[0], voice)
    return {"sample": case["sample"], "change": change, "values": values, "pictures": pictures, "place": place}
