"""A search over settings as a page, in the report's style: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import laudo
from laudo.core.atomic import write_text
from laudo.report import tune_words as words
from laudo.report.figures.sheet import Shelf
from laudo.report.names import metric_name, short_name
from laudo.report.page import environment
from laudo.report.tune_figures import history_figure, importance_figure, slices_figure
from laudo.report.voice import MISSING, Voice

SHOWN = 200
"""Most trials in the table; tune.json has them all."""


def write_tune_page(out: Path, result: Mapping[str, Any], voice: Voice) -> Path:
    """Write tune.html and figures/*.svg.

    Args:
        out: folder of the search.
        result: of :func:`laudo.workflows.tune.result.gather_result`.
        voice: language.

    Returns:
        Path of the page.
    """
    path = out / "tune.html"
    write_text(path, render_tune(result, Shelf(out / "figures", voice), voice))
    return path


def render_tune(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> str:
    """HTML of the page."""
    best = None if result["best"] is None else result["trials"][result["best"] - 1]
    why_no_importance = result["importance"].get("why_not")
    return (
        environment(voice)
        .get_template("tune.html.j2")
        .render(
            voice=voice,
            version=laudo.__version__,
            interval_words=voice.gettext("95 % interval"),
            name=result["recipe"],
            date=voice.date(datetime.now(UTC).isoformat(timespec="minutes")),
            verdict=words.verdict(result, voice),
            warning=words.warning(result, voice),
            own=words.against_own(result, voice),
            figures=_figures(result, best, voice),
            chosen=[] if best is None else _chosen(result, best),
            history=history_figure(result, shelf, voice),
            slices=slices_figure(result, shelf, voice),
            importance=importance_figure(result, shelf, voice),
            no_importance=voice.gettext(words.WHY_NO_IMPORTANCE[why_no_importance]) if why_no_importance else "",
            metric=short_name(result["metric"], voice),
            metric_full=metric_name(result["metric"], voice),
            keys=list(result["ranges"]),
            rows=[_row(one, result, voice) for one in _in_order(result)[:SHOWN]],
            left_out=max(0, len(result["trials"]) - SHOWN),
            failed=[_failed(one) for one in result["trials"] if one["state"] == "failed"],
            methods=words.methods(result, voice),
            references=words.references(result),
            study=result["study"],
            data_base=result["data_base"],
        )
    )


def _figures(result: Mapping[str, Any], best: Mapping[str, Any] | None, voice: Voice) -> list[dict[str, str]]:
    """The first screen."""
    _ = voice.gettext
    if best is None:
        return []
    figures = [
        {
            "name": _("Best {metric}, too good").format(metric=short_name(result["metric"], voice)),
            "value": voice.number(best["value"]),
            "interval": voice.interval(best),
        }
    ]
    found = result["optimism"]
    if "why_not" not in found:
        figures.append(
            {
                "name": _("To be expected of it"),
                "value": voice.number(found["corrected"]),
                "interval": voice.interval(found),
            }
        )
    counts = result["counts"]
    over = counts["finished"] + counts["pruned"] + counts["failed"]
    figures.append({"name": _("Trials that are over"), "value": f"{over} / {len(result['trials'])}", "interval": ""})
    return figures


def _chosen(result: Mapping[str, Any], best: Mapping[str, Any]) -> list[dict[str, str]]:
    """Best value of each key, and where it was searched."""
    return [
        {"key": key, "value": _text(best["shown"].get(key)), "range": _range(given)}
        for key, given in result["ranges"].items()
    ]


def _range(given: Mapping[str, Any]) -> str:
    if given.get("choices"):
        return " · ".join(str(one) for one in given["choices"])
    ends = f"{_text(given['low'])} … {_text(given['high'])}"
    if given.get("log"):
        return f"{ends} (log)"
    return f"{ends} (+ {_text(given['step'])})" if given.get("step") else ends


def _in_order(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Finished trials, the best first, then the others by number."""
    sign = -1 if result["higher"] else 1
    return sorted(
        result["trials"],
        key=lambda one: (one["value"] is None, sign * (one["value"] or 0.0), one["number"]),
    )


def _row(trial: Mapping[str, Any], result: Mapping[str, Any], voice: Voice) -> dict[str, Any]:
    kind, shape, word = words.STATES[trial["state"]]
    return {
        "number": trial["number"],
        "best": trial["number"] == result["best"],
        "kind": kind,
        "shape": shape,
        "word": voice.gettext(word),
        "value": voice.number(trial["value"]),
        "interval": voice.interval(trial),
        "values": [_text(trial["shown"].get(key)) for key in result["ranges"]],
        "epochs": MISSING if trial["epochs"] is None else voice.integer(trial["epochs"]),
        "time": MISSING if trial["seconds"] is None else voice.duration(trial["seconds"]),
    }


def _failed(trial: Mapping[str, Any]) -> dict[str, Any]:
    why = trial["why"]
    return {"number": trial["number"], "what": why.get("what", ""), "found": why.get("found", "")}


def _text(value: Any) -> str:
    """A value as it would be written into a recipe, numbers with four digits."""
    if value is None:
        return MISSING
    if isinstance(value, float) and not float(value).is_integer():
        return f"{value:.4g}"
    return str(int(value)) if isinstance(value, float) else str(value)
