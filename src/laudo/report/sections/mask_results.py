"""Results of a network that outlines structures: every figure with its n and interval, by structure, and the rules behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from laudo.report.context import Evidence
from laudo.report.metrics_of_masks import METRICS_OF_MASKS, digits, with_unit
from laudo.report.names import METRICS, in_order, metric_help, metric_name, part_name, short_name
from laudo.report.sections import results
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.sections.mask_figures import mask_figures
from laudo.report.verdict import no_result

PER_STRUCTURE = (
    "dice",
    "iou",
    "hd95_mm",
    "assd_mm",
    "nsd",
    "voxel_sensitivity",
    "voxel_specificity",
    "voxel_precision",
    "voxel_accuracy",
    "volume_error",
    "absolute_volume_error",
    "lesion_sensitivity",
    "lesion_false_positives",
)
FEW_STRUCTURES = 5
"""Up to so many structures are columns of the tables; more are rows."""

OTHER_PARTS = ("external", "test", "val", "train")


def build(draft: Draft) -> dict[str, Any]:
    """Tables and figures of the headline part, then the other parts beside it; then the class, where one is named."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    result = evidence.result
    if result is None:
        raise AbsentError(no_result(evidence, voice))
    found = result["metrics"]
    names = _of_masks(found)
    return {
        "intro": _("Judged on {cases} of {groups} ({part}).").format(
            cases=voice.cases(int(result.get("n") or 0)),
            groups=voice.groups(int(result.get("groups") or 0)),
            part=part_name(evidence.headline, voice),
        ),
        "figures": mask_figures(draft, result),
        "structures": _structures(result, draft),
        "notes": results.note_sentences(result, draft),
        "metrics": [
            {"name": _name(name, draft), "n": _n(result, draft), **_cell(found[name], name, draft)} for name in names
        ],
        "interval_words": _("95 % interval"),
        "help": [
            {"name": _name(name, draft), "help": metric_help(name, 0, voice)} for name in names if name in METRICS
        ],
        "folds": _folds(draft, names),
        "others": _others(draft, names),
        "label": _label(draft, result),
    }


def _of_masks(metrics: dict[str, Any]) -> list[str]:
    """Names of the metrics of masks, in the report's order; those of a class stand elsewhere."""
    return [name for name in in_order(metrics) if name in METRICS_OF_MASKS]


def _name(name: str, draft: Draft) -> str:
    return with_unit(metric_name(name, draft.voice), name, draft.evidence.length_unit, draft.voice)


def _n(result: dict[str, Any], draft: Draft) -> str:
    return draft.voice.integer(result.get("n"))


def _cell(entry: dict[str, Any] | None, name: str, draft: Draft) -> dict[str, str]:
    places = digits(name)
    return {
        "value": draft.voice.number((entry or {}).get("value"), places),
        "interval": draft.voice.interval(entry, places),
    }


def _structures(result: dict[str, Any], draft: Draft) -> dict[str, Any] | None:
    """Two tables by structure: means with intervals, and median with the middle half of the cases."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    found = result.get("per_class") or {}
    names = [name for name in PER_STRUCTURE if any(name in one for one in found.values())]
    if not names:
        return None
    heads = [with_unit(short_name(name, voice), name, evidence.length_unit, voice) for name in names]
    of_cases = [name for name in names if not name.startswith("lesion")]
    rows = [[{"value": voice.integer(one.get("n")), "interval": ""}] for one in found.values()]
    for row, one in zip(rows, found.values(), strict=True):
        row += [_cell(one.get(name), name, draft) for name in names]
    spread = [[_spread(one.get(name), name, draft) for name in of_cases] for one in found.values()]
    return {
        "means": table_of(list(found), [_("cases that have it (n)"), *heads], rows, draft),
        "spread": table_of(list(found), heads[: len(of_cases)], spread, draft),
        "rows": len(found),
    }


def table_of(
    structures: list[str], metrics: list[str], cells: list[list[dict[str, str]]], draft: Draft
) -> dict[str, Any]:
    """A table with a row a structure; of few structures it is turned round, so that it is narrow.

    Args:
        structures: names.
        metrics: heads.
        cells: of each structure, one a metric.
        draft: language.
    """
    _ = draft.voice.gettext
    if len(structures) > FEW_STRUCTURES:
        rows = [{"name": name, "cells": own} for name, own in zip(structures, cells, strict=True)]
        return {"head": _("Structure"), "columns": metrics, "rows": rows}
    turned = [{"name": name, "cells": list(own)} for name, own in zip(metrics, zip(*cells, strict=True), strict=True)]
    return {"head": _("Metric"), "columns": structures, "rows": turned}


def _spread(entry: dict[str, Any] | None, name: str, draft: Draft) -> dict[str, str]:
    """Median and quartiles over the cases."""
    places = digits(name)
    found = entry or {}
    quartiles = {"ci95": found.get("iqr")}
    return {
        "value": draft.voice.number(found.get("median"), places),
        "interval": draft.voice.interval(quartiles, places),
    }


def _folds(draft: Draft, names: list[str]) -> dict[str, Any] | None:
    """Each fold's figures with mean and spread."""
    voice = draft.voice
    found = draft.evidence.metrics.get("folds")
    shown = [name for name in names if name in found] if isinstance(found, dict) else []
    if not isinstance(found, dict) or not shown:
        return None
    count = max(len(found[name].get("values") or []) for name in shown)
    rows = [
        {
            "name": _name(name, draft),
            "mean": voice.number(found[name].get("mean"), digits(name)),
            "std": voice.number(found[name].get("std"), digits(name)),
            "values": [voice.number(value, digits(name)) for value in found[name].get("values") or []],
        }
        for name in shown
    ]
    return {"rows": rows, "count": count}


def _others(draft: Draft, names: list[str]) -> dict[str, Any] | None:
    """Set the same figures of the other parts beside them."""
    evidence, voice = draft.evidence, draft.voice
    shown = [evidence.headline, *[part for part in OTHER_PARTS if part != evidence.headline]]
    parts = [(part, evidence.metrics[part]) for part in shown if (evidence.metrics.get(part) or {}).get("metrics")]
    if len(parts) < 2:
        return None
    return {
        "columns": [f"{part_name(part, voice)} (n = {voice.integer(one.get('n'))})" for part, one in parts],
        "rows": [
            {
                "name": _name(name, draft),
                "cells": [_cell(one["metrics"].get(name), name, draft) for _part, one in parts],
            }
            for name in names
        ],
    }


def _label(draft: Draft, result: dict[str, Any]) -> dict[str, Any] | None:
    """What is said of the class, as of any network that names one; None where none is named."""
    if not result.get("label"):
        return None
    return results.build(replace(draft, evidence=of_label(draft.evidence)))


def of_label(evidence: Evidence) -> Evidence:
    """The same run, seen as one that names a class only."""
    metrics: dict[str, Any] = {
        part: one["label"] for part, one in evidence.metrics.items() if isinstance(one, dict) and one.get("label")
    }
    folds = evidence.metrics.get("folds")
    if isinstance(folds, dict):
        metrics["folds"] = {name: one for name, one in folds.items() if name not in METRICS_OF_MASKS}
    return replace(evidence, metrics=metrics, threshold_rules=frozenset())
