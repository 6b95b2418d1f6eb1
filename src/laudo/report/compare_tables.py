"""Tables of a comparison: every metric of every run, paired differences, what differs in the recipes, how runs were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laudo.report.compare_words import between, compared_name, digits, p_value, signed
from laudo.report.names import part_name
from laudo.report.voice import MISSING, Voice


def places(result: Mapping[str, Any], voice: Voice) -> list[tuple[str | None, str]]:
    """Key and title of the mean (None) and of every structure; of one structure only itself."""
    structures = [(name, name) for name in result["structures"]]
    return structures if len(structures) == 1 else [(None, voice.gettext("mean over structures")), *structures]


def at(entry: Mapping[str, Any], place: str | None) -> Any:
    """What stands of a structure, or of the mean."""
    return entry["mean"] if place is None else entry["per_structure"][place]


def summary_table(result: Mapping[str, Any], names: Sequence[str], voice: Voice) -> dict[str, Any]:
    """Every metric of every run: a block a structure, a row a run."""
    metrics = list(result["values"])
    blocks = []
    for place, title in places(result, voice):
        rows = []
        for run, name in enumerate(names):
            cells = [at(result["values"][metric], place)[run] for metric in metrics]
            rows.append(
                {
                    "name": name,
                    "cells": [
                        {
                            "value": voice.number(cell["value"], digits(metric)),
                            "interval": voice.interval(cell, digits(metric)),
                        }
                        for metric, cell in zip(metrics, cells, strict=True)
                    ],
                }
            )
        blocks.append({"title": title, "rows": rows})
    return {"columns": [compared_name(metric, voice, result["length_unit"]) for metric in metrics], "blocks": blocks}


def paired_table(result: Mapping[str, Any], number: int, metric: str, voice: Voice) -> dict[str, Any]:
    """One metric of a pair: both values, the difference, test, effect sizes and counts of cases."""
    pair = result["pairs"][number]
    corrected = metric == result["primary"]
    rows = []
    for place, title in places(result, voice):
        values = at(result["values"][metric], place)
        cell = at(pair["metrics"][metric], place)
        rows.append(
            {
                "title": title,
                "a": voice.number(values[pair["a"]]["value"], digits(metric)),
                "b": voice.number(values[pair["b"]]["value"], digits(metric)),
                "difference": signed(cell["value"], voice, digits(metric)),
                "interval": between(cell["ci95"], voice, digits(metric)),
                "p": p_value(cell["p"], voice),
                "p_holm": p_value(cell.get("p_holm"), voice) if corrected else None,
                "rank_biserial": signed(cell.get("rank_biserial"), voice, 2),
                "dz": signed(cell.get("dz"), voice, 2),
                "counts": [voice.integer(cell.get(name)) for name in ("better", "equal", "worse")],
            }
        )
    return {"name": compared_name(metric, voice, result["length_unit"]), "rows": rows, "corrected": corrected}


def recipe_rows(result: Mapping[str, Any], voice: Voice) -> list[dict[str, Any]]:
    """Keys of the recipes that differ, with the value of each run."""
    return [
        {"key": one["key"], "values": [setting(value, voice) for value in one["values"]]} for one in result["recipes"]
    ]


def setting(value: Any, voice: Voice) -> str:
    """A value of a recipe, as in its YAML."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return voice.short(value)
    if isinstance(value, list):
        return "[" + ", ".join(setting(one, voice) for one in value) + "]"
    return str(value)


def run_rows(result: Mapping[str, Any], voice: Voice) -> list[dict[str, Any]]:
    """How every run was trained: a row a fact, a cell a run; facts that no run knows are left out."""
    _ = voice.gettext
    runs = result["runs"]
    rows = [
        (_("Recipe"), [one["recipe"] for one in runs]),
        (_("Judged on"), [part_name(one["part"], voice) for one in runs]),
        (_("Trainings"), [voice.integer(one["trainings"]) for one in runs]),
        (_("Minutes in all"), [_minutes(one["seconds"], voice) for one in runs]),
        (_("Epoch kept"), [", ".join(_epoch(epoch, voice) for epoch in one["best_epochs"]) for one in runs]),
        (_("Parameters"), [voice.integer(one["parameters"]) for one in runs]),
        (_("Device"), [one["device"] or MISSING for one in runs]),
        (_("Precision of the arithmetic"), [one["precision"] or MISSING for one in runs]),
        ("laudo", [one["laudo"] or MISSING for one in runs]),
    ]
    return [{"key": key, "values": values} for key, values in rows if any(value != MISSING for value in values)]


def _minutes(seconds: float | None, voice: Voice) -> str:
    return MISSING if seconds is None else voice.number(seconds / 60, 1)


def _epoch(epoch: int | None, voice: Voice) -> str:
    return MISSING if epoch is None else voice.integer(epoch)
