"""The cases whose outlines changed most from one run or recipe to another, in both directions."""

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


def changed_cases(result: Mapping[str, Any], number: int, painter: Painter, voice: Voice) -> dict[str, Any]:
    """Give the cases that gained and those that lost most, by the mean of the primary metric over structures and seeds.

    Args:
        result: of the comparison.
        number: of the pair.
        painter: draws them where masks and images are at hand.
        voice: language.

    Returns:
        ``gained, lost``: lists of cases; ``pictures``: whether any case could be drawn.
    """
    pair, metric, structures = result["pairs"][number], result["primary"], result["structures"]
    runs = [result["sides"][pair[side]]["runs"] for side in "ab"]
    means = [[mean_of(case[metric], own, structures) for own in runs] for case in result["cases"]]
    changes = np.array([b - a for a, b in means], dtype=float)
    changes[~np.isfinite(changes)] = 0
    order = np.argsort(changes, kind="stable")
    lost = [int(row) for row in order[:SHOWN] if changes[row] < -LEAST]
    gained = [int(row) for row in order[::-1][:SHOWN] if changes[row] > LEAST]
    rows = [*gained, *lost]
    chosen = {row: _drawn_runs(result["cases"][row][metric], runs) for row in rows}
    drawn: dict[int, CasePictures | None] = {
        row: painter.draw(str(result["cases"][row]["sample"]), chosen[row])
        for row in track(rows, in_command_language("Drawing cases"))
    }
    cards = {row: _card(result, row, runs, chosen[row], drawn[row], voice) for row in rows}
    return {
        "gained": [cards[row] for row in gained],
        "lost": [cards[row] for row in lost],
        "pictures": any(one is not None for one in drawn.values()),
    }


def mean_of(entry: Mapping[str, Sequence[float | None]], runs: Sequence[int], structures: Sequence[str]) -> float:
    """Mean over some runs and structures of what a case has of the primary metric; NaN where it has none."""
    known = [value for name in structures for run in runs if (value := entry[name][run]) is not None]
    return sum(known) / len(known) if known else float("nan")


def _drawn_runs(entry: Mapping[str, Sequence[float | None]], runs: Sequence[Sequence[int]]) -> list[int]:
    """Of either side the first run that was judged on the case."""
    judged = {run for values in entry.values() for run, value in enumerate(values) if value is not None}
    return [next((run for run in own if run in judged), own[0]) for own in runs]


def _card(
    result: Mapping[str, Any],
    row: int,
    runs: Sequence[Sequence[int]],
    chosen: Sequence[int],
    drawn: CasePictures | None,
    voice: Voice,
) -> dict[str, Any]:
    """One case: its values on both sides, and its pictures."""
    _ = voice.gettext
    case, metric = result["cases"][row], result["primary"]
    label = compared_name(metric, voice)
    structures = list(result["structures"])
    a, b = (mean_of(case[metric], own, structures) for own in runs)
    values = [{"name": label, "a": voice.number(a), "b": voice.number(b)}]
    if len(structures) > 1:
        for name in structures:
            one, other = (voice.number(mean_of(case[metric], own, [name])) for own in runs)
            values.append({"name": name, "a": one, "b": other})
    pictures = []
    place = ""
    if drawn is not None:
        sample = str(case["sample"])
        pictures = [{"uri": drawn.truth, "name": _("truth"), "alt": _("{sample}: the truth").format(sample=sample)}]
        for uri, run in zip(drawn.answers, chosen, strict=True):
            name = result["runs"][run]["name"]
            own = voice.number(mean_of(case[metric], [run], structures))
            alt = _("{sample}: as {run} outlined it, {metric} {value}")
            text = alt.format(sample=sample, run=name, metric=label, value=own)
            pictures.append({"uri": uri, "name": name, "alt": text})
        if drawn.slice_number is not None:
            place = _("slice {n} of {m}").format(n=drawn.slice_number, m=drawn.slices)
    return {
        "sample": case["sample"],
        "change": signed(b - a, voice),
        "values": values,
        "pictures": pictures,
        "place": place,
    }
