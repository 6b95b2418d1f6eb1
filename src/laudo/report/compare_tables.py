"""Tables of a comparison: every metric of every run, paired differences, what differs in the recipes, how runs were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laudo.report.compare_verdicts import OVER_SEEDS, name_of_test
from laudo.report.compare_words import between, compared_name, digits, p_value, signed
from laudo.report.names import in_order, part_name
from laudo.report.voice import MISSING, Voice

Result = Mapping[str, Any]

OF_CLASSES = ("auc_roc", "sensitivity", "specificity", "precision", "f1")
"""Metrics of single classes that have a table of a pair."""


def is_of_masks(result: Result) -> bool:
    """Whether structures were outlined; else classes were named."""
    return bool(result["kind"] == "segmentation")


def places(result: Result, voice: Voice) -> list[tuple[str | None, str]]:
    """Key and title of the mean (None) and of every structure; of one structure only itself."""
    structures = [(name, name) for name in result["structures"]]
    return structures if len(structures) == 1 else [(None, voice.gettext("mean over structures")), *structures]


def at(entry: Mapping[str, Any], place: str | None) -> Any:
    """What stands of a structure or a class, or of the whole."""
    if place is None:
        return entry["mean"]
    return entry["per_structure" if "per_structure" in entry else "per_class"][place]


def side_value(result: Result, side: int, metric: str, place: str | None) -> float | None:
    """Value of a run; of a recipe with several seeds the mean over its runs."""
    runs = result["sides"][side]["runs"]
    if len(runs) == 1:
        value: float | None = at(result["values"][metric], place)[runs[0]]["value"]
    else:
        value = at(result["spread"][metric], place)[side]["mean"]
    return value


def of_whole(result: Result) -> list[str]:
    """Metrics that some run has of the whole, in the order of the reports; of labels there are some of single labels only."""
    return [
        metric
        for metric in in_order(result["values"])
        if any(cell["value"] is not None for cell in result["values"][metric]["mean"])
    ]


def _written(cell: Mapping[str, Any], metric: str, result: Result, voice: Voice) -> dict[str, str]:
    places_written = digits(metric, result["kind"])
    return {"value": voice.number(cell["value"], places_written), "interval": voice.interval(cell, places_written)}


def _name(metric: str, result: Result, voice: Voice) -> str:
    return compared_name(metric, voice, result.get("length_unit", "mm"))


def summary_table(result: Result, names: Sequence[str], voice: Voice) -> dict[str, Any]:
    """Every metric of every run. Of masks a block a structure, a row a run; of classes a row a metric, a column a run."""
    metrics = list(result["values"])
    if not is_of_masks(result):
        rows = [
            {
                "name": _name(metric, result, voice),
                "cells": [_written(cell, metric, result, voice) for cell in result["values"][metric]["mean"]],
            }
            for metric in of_whole(result)
        ]
        return {"first": voice.gettext("Metric"), "columns": list(names), "blocks": [{"title": "", "rows": rows}]}
    blocks = []
    for place, title in places(result, voice):
        rows = [
            {
                "name": name,
                "cells": [
                    _written(at(result["values"][metric], place)[run], metric, result, voice) for metric in metrics
                ],
            }
            for run, name in enumerate(names)
        ]
        blocks.append({"title": title, "rows": rows})
    columns = [_name(metric, result, voice) for metric in metrics]
    return {"first": voice.gettext("Run"), "columns": columns, "blocks": blocks}


def class_tables(result: Result, names: Sequence[str], voice: Voice) -> list[dict[str, Any]]:
    """Of several classes, every metric that each has: a row a class, a column a run."""
    if is_of_masks(result):
        return []
    tables = []
    for metric in in_order(result["values"]):
        of_classes = result["values"][metric]["per_class"]
        if not of_classes:
            continue
        rows = [
            {"name": place, "cells": [_written(cell, metric, result, voice) for cell in cells]}
            for place, cells in of_classes.items()
        ]
        blocks = [{"title": "", "rows": rows}]
        tables.append({"first": _name(metric, result, voice), "columns": list(names), "blocks": blocks})
    return tables


def main_table(result: Result, number: int, voice: Voice) -> dict[str, Any]:
    """A pair's main table: of masks the primary metric of every structure, of classes every metric of the whole."""
    if is_of_masks(result):
        return paired_table(result, number, result["primary"], voice)
    claims = [(metric, None, _name(metric, result, voice)) for metric in of_whole(result)]
    return _table(result, number, voice.gettext("Metric"), claims, voice)


def other_tables(result: Result, number: int, voice: Voice) -> list[dict[str, Any]]:
    """A pair's further tables: of masks every other metric, of classes every class."""
    if is_of_masks(result):
        others = [name for name in result["values"] if name != result["primary"]]
        return [paired_table(result, number, name, voice) for name in others]
    found = []
    for metric in OF_CLASSES:
        of_classes = result["values"].get(metric, {}).get("per_class")
        if of_classes:
            claims = [(metric, place, place) for place in of_classes]
            found.append(_table(result, number, _name(metric, result, voice), claims, voice))
    return found


def paired_table(result: Result, number: int, metric: str, voice: Voice) -> dict[str, Any]:
    """One metric of masks of a pair, by structure."""
    claims = [(metric, place, title) for place, title in places(result, voice)]
    return _table(result, number, _name(metric, result, voice), claims, voice)


def _table(
    result: Result, number: int, name: str, claims: Sequence[tuple[str, str | None, str]], voice: Voice
) -> dict[str, Any]:
    """``name, columns`` (key and title) and ``rows`` (title, and text of every key)."""
    pair = result["pairs"][number]
    cells = [at(pair["metrics"][metric], place) for metric, place, _title in claims]
    rows = [
        {"title": title, **_row(result, number, (metric, place), cell, voice)}
        for (metric, place, title), cell in zip(claims, cells, strict=True)
    ]
    corrected = any("p_holm" in cell for cell in cells)
    over_seeds = any(cell.get("method") in OVER_SEEDS for cell in cells)
    return {"name": name, "columns": _columns(result, pair, corrected, over_seeds, voice), "rows": rows}


def _columns(
    result: Result, pair: Mapping[str, Any], corrected: bool, over_seeds: bool, voice: Voice
) -> list[dict[str, str]]:
    _ = voice.gettext
    sides = result["sides"]
    a, b = sides[pair["a"]]["name"], sides[pair["b"]]["name"]
    holm = [("p_holm", _("p (Holm)"))] if corrected else []
    found = [("a", a), ("b", b), ("difference", _("difference"))]
    if over_seeds:
        found += [("p", _("p (t test)")), *holm, ("sd_a", _("SD over seeds, {name}").format(name=a))]
        found += [("sd_b", _("SD over seeds, {name}").format(name=b))]
        found += [("of_seeds", _("variance due to seeds")), ("counts", _("pairs of runs better / equal / worse"))]
    elif is_of_masks(result):
        found += [("p", _("p (Wilcoxon)")), *holm, ("rank_biserial", _("rank-biserial")), ("dz", _("Cohen's dz"))]
        found += [("counts", _("cases better / equal / worse"))]
    else:
        found += [("test", _("test")), ("p", "p"), *holm]
    return [{"key": key, "title": title} for key, title in found]


def _row(
    result: Result, number: int, claim: tuple[str, str | None], cell: Mapping[str, Any], voice: Voice
) -> dict[str, str]:
    metric, place = claim
    pair, written = result["pairs"][number], digits(metric, result["kind"])
    sds = [_sd(result, pair[side], metric, place) for side in "ab"]
    return {
        "a": voice.number(side_value(result, pair["a"], metric, place), written),
        "b": voice.number(side_value(result, pair["b"], metric, place), written),
        "difference": signed(cell["value"], voice, written),
        "interval": between(cell["ci95"], voice, written),
        "test": name_of_test(cell.get("method"), voice) or MISSING,
        "p": p_value(cell["p"], voice),
        "p_holm": p_value(cell.get("p_holm"), voice),
        "rank_biserial": signed(cell.get("rank_biserial"), voice, 2),
        "dz": signed(cell.get("dz"), voice, 2),
        "sd_a": voice.number(sds[0], written),
        "sd_b": voice.number(sds[1], written),
        "of_seeds": MISSING if cell.get("of_seeds") is None else voice.percent(cell["of_seeds"]),
        "counts": " / ".join(voice.integer(cell.get(name)) for name in ("better", "equal", "worse")),
    }


def _sd(result: Result, side: int, metric: str, place: str | None) -> float | None:
    if "spread" not in result:
        return None
    found: float | None = at(result["spread"][metric], place)[side]["sd"]
    return found


def recipe_rows(result: Result, voice: Voice) -> list[dict[str, Any]]:
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


def run_rows(result: Result, voice: Voice) -> list[dict[str, Any]]:
    """How every run was trained: a row a fact, a cell a run; facts that no run knows are left out."""
    _ = voice.gettext
    runs = result["runs"]
    rows = [
        (_("Recipe"), [one["recipe"] for one in runs]),
        (_("Seeds of training and split"), [f"{one['seeds']['training']}, {one['seeds']['split']}" for one in runs]),
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
