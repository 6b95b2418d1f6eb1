"""The comparison of runs as a page, in the report's style: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import laudo
from laudo.core.atomic import write_text
from laudo.report.compare_answer_figures import answers_figure, bars_figure, forest_figure
from laudo.report.compare_answers import changed_answers
from laudo.report.compare_cases import changed_cases
from laudo.report.compare_discordant import discordant
from laudo.report.compare_figures import box_figure, difference_figure
from laudo.report.compare_methods import methods
from laudo.report.compare_notes import FLATTERED, note_text
from laudo.report.compare_seeds import seed_figure, spread_table
from laudo.report.compare_tables import (
    class_tables,
    is_of_masks,
    main_table,
    other_tables,
    recipe_rows,
    run_rows,
    side_value,
    summary_table,
)
from laudo.report.compare_verdicts import pair_words
from laudo.report.compare_words import compared_name, signed
from laudo.report.compared_run import ComparedRun
from laudo.report.figures.sheet import Picture, Shelf
from laudo.report.page import environment
from laudo.report.paired_pictures import Painter
from laudo.report.thumbnails import Album
from laudo.report.voice import Voice

PAIRS_DRAWN = 6
"""Pairs that get figures and cases; the others are in the tables."""


@dataclass(frozen=True)
class Compared:
    """What the page is written from.

    Attributes:
        result: what compare.json holds.
        runs: in the order of the result.
        voice: the language.
        shelf: draws figures.
        pictures: draws cases: outlines, or thumbnails of what was classified.
    """

    result: dict[str, Any]
    runs: Sequence[ComparedRun]
    voice: Voice
    shelf: Shelf
    pictures: Painter | Album


def write_compare_page(out: Path, result: dict[str, Any], runs: Sequence[ComparedRun], voice: Voice) -> Path:
    """Write compare.html and figures/*.svg.

    Args:
        out: folder.
        result: of :func:`laudo.workflows.compare_runs.compare_runs`.
        runs: in the order of the result.
        voice: language.

    Returns:
        Path of the page.
    """
    pictures = Painter(runs) if is_of_masks(result) else Album(runs[0].manifest)
    path = out / "compare.html"
    write_text(path, render_compare(Compared(result, runs, voice, Shelf(out / "figures", voice), pictures)))
    return path


def render_compare(compared: Compared) -> str:
    """HTML of the page."""
    result, voice = compared.result, compared.voice
    names = [run.name for run in compared.runs]
    pairs = [_pair(compared, number) for number in range(len(result["pairs"]))]
    notes = [(str(note["id"]), note_text(note, names, voice)) for note in result["notes"]]
    template = environment(voice).get_template("compare.html.j2")
    return template.render(
        voice=voice,
        version=laudo.__version__,
        title=[side["name"] for side in result["sides"]],
        names=names,
        masks=is_of_masks(result),
        interval_words=voice.gettext("95 % interval"),
        date=voice.date(datetime.now(UTC).isoformat(timespec="minutes")),
        verdicts=_verdicts(result, voice),
        figures=_figures(result, voice),
        flattered=[text for name, text in notes if name in FLATTERED],
        notes=[text for name, text in notes if name not in FLATTERED],
        seeds=seed_figure(result, compared.shelf, voice),
        spread=spread_table(result, voice),
        summary=summary_table(result, names, voice),
        classes=class_tables(result, names, voice),
        overview=_overview(compared, names),
        pairs=pairs,
        pictured=any(pair["changed"] and pair["changed"]["pictures"] for pair in pairs),
        legend=compared.pictures.legend if isinstance(compared.pictures, Painter) else [],
        volumes=compared.runs[0].recipe.prepare.volume is not None,
        recipes=recipe_rows(result, voice),
        trained=run_rows(result, voice),
        methods=methods(result, voice),
    )


def _verdicts(result: Mapping[str, Any], voice: Voice) -> list[dict[str, Any]]:
    """The finding of every pair, and what stands beside it: of one pair all, of several what is found alone."""
    names = [side["name"] for side in result["sides"]]
    found = [{"lead": result["sentence"], "beside": []}] if "sentence" in result else []
    words = [pair_words(pair, names, voice) for pair in result["pairs"]]
    for number, one in enumerate(words, start=1):
        beside = [*one.others, *(one.beside if len(words) == 1 else [])]
        found.append({"lead": one.lead, "beside": [*beside, *(one.corrected if number == len(words) else [])]})
    return found


def _overview(compared: Compared, names: Sequence[str]) -> Picture | None:
    """The figure of all runs together."""
    if is_of_masks(compared.result):
        return box_figure(compared.result, compared.shelf, compared.voice)
    return forest_figure(compared.result, names, compared.shelf, compared.voice)


def _figures(result: Mapping[str, Any], voice: Voice) -> list[dict[str, str]]:
    """The first screen: the primary metric of every side, and of two sides their difference."""
    primary = result["primary"]
    label = compared_name(primary, voice)
    figures = []
    for number, side in enumerate(result["sides"]):
        value = voice.number(side_value(result, number, primary, None))
        if len(side["runs"]) == 1:
            interval = voice.interval(result["values"][primary]["mean"][side["runs"][0]])
            small = f"{voice.gettext('95 % interval')} {interval}" if interval else ""
        else:
            sd = voice.number(result["spread"][primary]["mean"][number]["sd"])
            text = voice.gettext("mean of {n} seeds, standard deviation {sd}")
            small = text.format(n=voice.integer(len(side["runs"])), sd=sd)
        figures.append({"name": f"{label}, {side['name']}", "value": value, "small": small})
    if len(result["pairs"]) == 1:
        cell = result["pairs"][0]["metrics"][primary]["mean"]
        interval = voice.interval(cell)
        figures.append(
            {
                "name": voice.gettext("Difference"),
                "value": signed(cell["value"], voice),
                "small": f"{voice.gettext('95 % interval')} {interval}" if interval else "",
            }
        )
    return figures


def _pair(compared: Compared, number: int) -> dict[str, Any]:
    """Tables of one pair, and its figures and cases where it is among the first."""
    result, voice = compared.result, compared.voice
    pair = result["pairs"][number]
    a, b = (result["sides"][pair[side]]["name"] for side in "ab")
    drawn = number < PAIRS_DRAWN
    return {
        "title": voice.gettext("{b} minus {a}").format(a=a, b=b),
        "a": a,
        "b": b,
        "beside": pair_words(pair, [side["name"] for side in result["sides"]], voice).beside,
        "figures": _pair_figures(compared, number) if drawn else [],
        "discordant": None if is_of_masks(result) else discordant(result, number, voice),
        "primary": main_table(result, number, voice),
        "others": other_tables(result, number, voice),
        "changed": _changed(compared, number) if drawn else None,
    }


def _pair_figures(compared: Compared, number: int) -> list[Picture]:
    result, shelf, voice = compared.result, compared.shelf, compared.voice
    if is_of_masks(result):
        return [difference_figure(result, number, shelf, voice)]
    return [bars_figure(result, number, shelf, voice), answers_figure(result, number, shelf, voice)]


def _changed(compared: Compared, number: int) -> dict[str, Any]:
    if isinstance(compared.pictures, Painter):
        return changed_cases(compared.result, number, compared.pictures, compared.voice)
    return changed_answers(compared.result, number, compared.pictures, compared.voice)
