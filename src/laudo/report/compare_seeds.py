"""Several seeds of one recipe: how far its runs lie apart, as a sentence, a table and a figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scipy import stats

from laudo.evaluate.signed_rank import LEVEL
from laudo.report.compare_tables import of_whole
from laudo.report.compare_verdicts import name_within
from laudo.report.compare_words import compared_name, digits
from laudo.report.figures import seed_dots
from laudo.report.figures.seed_dots import Panel
from laudo.report.figures.sheet import Picture, Shelf, Words
from laudo.report.voice import Voice

MORE = ("balanced_accuracy", "f1_macro", "iou", "hd95_mm")
"""Metrics drawn beside those that are tested, where there are such."""

PANELS = 3


def spread_sentence(result: Mapping[str, Any], voice: Voice) -> str:
    """What the runs of a single recipe say of chance in training."""
    _ = voice.gettext
    metric = result["primary"]
    runs = [cell["value"] for cell in result["values"][metric]["mean"]]
    known = [value for value in runs if value is not None]
    name = name_within(metric, voice)
    if len(known) < 2:
        return _("{metric} is not defined in two runs, so nothing can be said of how far they lie apart.").format(
            metric=name
        )
    mean = sum(known) / len(known)
    sd = math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))
    text = _(
        "{n} trainings of one recipe: {metric} {mean} on average, from {low} to {high} (standard deviation {sd}). Two such "
        "trainings differ by less than about {repeat} in 19 of 20 cases; a smaller difference between single runs is no sign "
        "of a better recipe."
    )
    repeat = float(stats.t.ppf(1 - LEVEL / 2, len(known) - 1)) * math.sqrt(2) * sd
    numbers = {"mean": mean, "low": min(known), "high": max(known), "sd": sd, "repeat": repeat}
    return text.format(
        n=voice.integer(len(known)), metric=name, **{key: voice.number(value) for key, value in numbers.items()}
    )


def spread_table(result: Mapping[str, Any], voice: Voice) -> dict[str, Any] | None:
    """Every metric of the whole: mean, standard deviation and range over the seeds of each recipe; None of single runs."""
    if "spread" not in result:
        return None
    kind = result["kind"]
    rows = []
    for metric in of_whole(result):
        places = digits(metric, kind)
        cells = []
        for one in result["spread"][metric]["mean"]:
            ends = (
                ""
                if one["sd"] is None
                else f"{voice.number(one['lowest'], places)}–{voice.number(one['highest'], places)}"
            )
            cells.append(
                {"value": voice.number(one["mean"], places), "sd": voice.number(one["sd"], places), "range": ends}
            )
        rows.append({"title": compared_name(metric, voice, result.get("length_unit", "mm")), "cells": cells})
    return {"sides": [side["name"] for side in result["sides"]], "rows": rows}


def seed_figure(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> Picture | None:
    """A dot a run, recipe beside recipe, with mean and standard deviation; lines join runs of one seed."""
    if "spread" not in result:
        return None
    _ = voice.gettext
    sides = result["sides"]
    joined = _joined(sides)
    metrics = [*result["tested"], *(name for name in MORE if name in result["values"])][:PANELS]
    panels, spoken = [], []
    for metric in metrics:
        values = [cell["value"] for cell in result["values"][metric]["mean"]]
        name = compared_name(metric, voice, result.get("length_unit", "mm"))
        own = [[values[run] for _seeds, run in _in_order(side)] for side in sides]
        spread = result["spread"][metric]["mean"]
        panels.append(Panel(name, own, [one["mean"] for one in spread], [one["sd"] for one in spread]))
        told = [
            f"{side['name']} {voice.number(one['mean'])} ± {voice.number(one['sd'])} (n = {voice.integer(len(side['runs']))})"
            for side, one in zip(sides, spread, strict=True)
        ]
        spoken.append(f"{name}: {', '.join(told)}")
    lines = " " + _(
        "Lines join runs of the same seed: where they all lean one way, the difference is not made by single seeds."
    )
    words = Words(
        alt=_("A dot a run, recipe beside recipe.") + " " + "; ".join(spoken) + ".",
        caption=_("Every run, by recipe and seed"),
        help=_(
            "Each dot is a run, trained with a seed of its own. The thick bar is the mean of the recipe's runs, the thin one "
            "reaches a standard deviation to both sides. A difference of two recipes that is small beside these bars may be "
            "luck of the seeds."
        )
        + (lines if joined else ""),
    )
    names = [side["name"] for side in sides]
    return shelf.add(
        "compared-seeds",
        words,
        lambda figure, v: seed_dots.draw(figure, v, panels, names, joined),
        *seed_dots.size(len(panels), len(sides)),
    )


def _in_order(side: Mapping[str, Any]) -> list[tuple[tuple[int, int], int]]:
    """Seeds and index of each run, by seed."""
    seeds = [(one["training"], one["split"]) for one in side["seeds"]]
    return sorted(zip(seeds, side["runs"], strict=True))


def _joined(sides: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all sides have the same seeds, each once."""
    seeds = [[one for one, _run in _in_order(side)] for side in sides]
    return len(sides) > 1 and all(own == seeds[0] and len(set(own)) == len(own) for own in seeds)
