"""Subgroups: the same figures by sex, age, scanner …, each beside all other cases."""

from __future__ import annotations

from typing import Any

from laudo.report.figures import forest
from laudo.report.figures.sheet import Picture, Words
from laudo.report.metrics_of_masks import digits
from laudo.report.names import metric_name, short_name
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.verdict import no_result
from laudo.report.voice import Voice

FEW_GROUPS = 20
"""With fewer independent groups a row is marked."""
BY_CHANCE = 0.05
DRAWN = ("dice", "auc_roc", "accuracy")
"""The first of these that there is is drawn."""


def build(draft: Draft) -> dict[str, Any]:
    """A table a column of the manifest, and what must be kept in mind."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    result = evidence.result
    if result is None:
        raise AbsentError(no_result(evidence, voice))
    found = result.get("subgroups")
    if not found or not found["columns"]:
        raise AbsentError(_absent(found, voice))
    tables = [
        {"title": column_name(name, one["meaning"], voice), **_table(one, voice)}
        for name, one in found["columns"].items()
    ]
    return {
        "intro": _("Each row is judged on its own; below the value stands the difference to all other cases."),
        "warnings": _warnings(found, tables, voice),
        "figure": _figure(draft, found),
        "tables": tables,
        "constant": _constant(found, voice),
    }


def column_name(name: str, meaning: str, voice: Voice) -> str:
    """What a column is called in the report; a column of no known meaning keeps its name."""
    _ = voice.gettext
    known = {
        "sex": _("Sex"),
        "age": _("Age in years"),
        "modality": _("Modality"),
        "manufacturer": _("Manufacturer"),
        "scanner": _("Scanner"),
        "field_strength": _("Field strength"),
        "site": _("Site"),
    }
    return known.get(meaning, name)


def band_name(row: dict[str, Any], meaning: str, voice: Voice) -> str:
    """What a row is called."""
    _ = voice.gettext
    if row["kind"] == "unknown":
        return _("not known")
    if row["kind"] == "others":
        return _("all rarer ones")
    if row["kind"] == "band":
        return _band(row["low"], row["below"], meaning == "age", voice)
    sexes = {"female": _("female"), "male": _("male"), "other": _("other")}
    value = str(row["value"])
    return sexes.get(value, value) if meaning == "sex" else value


def _band(low: float | None, below: float | None, of_age: bool, voice: Voice) -> str:
    _ = voice.gettext
    if low is None and below is not None:
        return _("below {below}").format(below=voice.short(below))
    if below is None and low is not None:
        return _("{low} and more").format(low=voice.short(low))
    assert low is not None, "a band has a bound"
    assert below is not None, "a band has a bound"
    if of_age:
        return _("{low} to {high}").format(low=voice.short(low), high=voice.short(below - 1))
    return _("{low} to below {below}").format(low=voice.short(low), below=voice.short(below))


def _absent(found: dict[str, Any] | None, voice: Voice) -> str:
    _ = voice.gettext
    if found and found["constant"]:
        return _("All judged cases are alike in: {names}. There are no subgroups to compare.").format(
            names=voice.join(found["constant"])
        )
    return _(
        "The data say nothing of sex, age, modality or scanner, so whether the model serves all alike is not known. Other columns "
        "of the manifest can be named with evaluation.subgroups."
    )


def _constant(found: dict[str, Any], voice: Voice) -> str:
    if not found["constant"]:
        return ""
    return voice.gettext("The same in all judged cases: {names}.").format(names=voice.join(found["constant"]))


def _warnings(found: dict[str, Any], tables: list[dict[str, Any]], voice: Voice) -> list[str]:
    _ = voice.gettext
    warnings = []
    if any(row["few"] for table in tables for row in table["rows"]):
        text = _(
            "Rows marked ▲ have fewer than {n} independent groups: their figures say next to nothing on their own."
        )
        warnings.append(text.format(n=voice.integer(FEW_GROUPS)))
    n, beyond = int(found["comparisons"]), int(found["beyond_zero"])
    if n:
        text = voice.ngettext(
            "{n} difference was looked at. Where there is none, one in twenty such intervals still misses zero by chance alone. "
            "Here {k} do: take them for questions, not for findings.",
            "{n} differences were looked at. Where there are none, one in twenty such intervals still misses zero by chance alone, "
            "here about {m}; {k} do. Take them for questions, not for findings.",
            n,
        )
        warnings.append(text.format(n=voice.integer(n), m=voice.number(n * BY_CHANCE, 1), k=voice.integer(beyond)))
    return warnings


def _table(column: dict[str, Any], voice: Voice) -> dict[str, Any]:
    names = list(column["rows"][0]["metrics"])
    rows = []
    for row in column["rows"]:
        cells = []
        for name in names:
            entry, places = row["metrics"][name], digits(name)
            difference = entry["difference"]
            cells.append(
                {
                    "value": voice.number(entry["value"], places),
                    "interval": voice.interval(entry, places),
                    "difference": _signed(difference["value"], places, voice),
                    "range": voice.interval(difference, places),
                }
            )
        rows.append(
            {
                "name": band_name(row, column["meaning"], voice),
                "n": voice.integer(row["n"]),
                "groups": voice.integer(row["groups"]),
                "few": row["groups"] < FEW_GROUPS,
                "cells": cells,
            }
        )
    return {"columns": [short_name(name, voice) for name in names], "rows": rows}


def _signed(value: float | None, places: int, voice: Voice) -> str:
    if value is None:
        return ""
    written = voice.number(value, places)
    return f"+{written}" if value > 0 else written


def _figure(draft: Draft, found: dict[str, Any]) -> Picture | None:
    """One metric in every subgroup, with intervals."""
    voice = draft.voice
    _ = voice.gettext
    columns = found["columns"]
    known = list(next(iter(columns.values()))["rows"][0]["metrics"])
    name = next((one for one in DRAWN if one in known), known[0])
    rows = []
    for kind, (column, one) in enumerate(columns.items()):
        for row in one["rows"]:
            entry = row["metrics"][name]
            if entry["value"] is None:
                continue
            label = f"{column_name(column, one['meaning'], voice)}: {band_name(row, one['meaning'], voice)}"
            ends = None if entry["ci95"] is None else tuple(entry["ci95"])
            text = f"{voice.number(entry['value'])}   {voice.interval(entry)}   n = {voice.integer(row['n'])}"
            rows.append(forest.Row(label[:44], entry["value"], ends, kind, text))
    if not rows:
        return None
    words = Words(
        alt=_("{metric} in subgroups.").format(metric=metric_name(name, voice))
        + " "
        + "; ".join(f"{row.label} {row.text}" for row in rows)
        + ".",
        caption=_("{metric} in subgroups, with 95 % intervals").format(metric=metric_name(name, voice)),
        help=_(
            "Each dot is a subgroup, judged on its own cases; the bar is its interval, wide where there are few. Intervals that "
            "overlap can still differ, and the other way round: the differences are in the tables below."
        ),
    )
    height = 0.6 + 0.3 * len(rows)
    return draft.shelf.add("subgroups", words, lambda f, v: forest.draw(f, v, rows, [], chance=False), 7.2, height)
