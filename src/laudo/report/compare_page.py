"""The comparison of runs as a page, in the report's style: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import laudo
from laudo.core.atomic import write_text
from laudo.report.compare_cases import changed_cases
from laudo.report.compare_figures import box_figure, difference_figure
from laudo.report.compare_tables import paired_table, recipe_rows, run_rows, summary_table
from laudo.report.compare_words import FLATTERED, compared_name, note_text, signed
from laudo.report.compared_run import ComparedRun
from laudo.report.figures.sheet import Shelf
from laudo.report.page import environment
from laudo.report.paired_pictures import Painter
from laudo.report.voice import Voice

PAIRS_DRAWN = 6
"""Pairs of runs that get figures and cases; the others are in the tables."""


@dataclass(frozen=True)
class Compared:
    """What the page is written from.

    Attributes:
        result: what compare.json holds.
        runs: whose scores are aligned.
        voice: the language.
        shelf: draws figures.
        painter: draws cases.
    """

    result: dict[str, Any]
    runs: Sequence[ComparedRun]
    voice: Voice
    shelf: Shelf
    painter: Painter


def write_compare_page(out: Path, result: dict[str, Any], runs: Sequence[ComparedRun], voice: Voice) -> Path:
    """Write compare.html and figures/*.svg.

    Args:
        out: folder.
        result: of :func:`laudo.workflows.compare_runs.compare_runs`.
        runs: with scores of the same cases in the same order.
        voice: language.

    Returns:
        Path of the page.
    """
    compared = Compared(result, runs, voice, Shelf(out / "figures", voice), Painter(runs))
    path = out / "compare.html"
    write_text(path, render_compare(compared))
    return path


def render_compare(compared: Compared) -> str:
    """HTML of the page."""
    result, voice = compared.result, compared.voice
    names = [run.name for run in compared.runs]
    pairs = [_pair(compared, number, names) for number in range(len(result["pairs"]))]
    notes = [(str(note["id"]), note_text(note, names, voice)) for note in result["notes"]]
    template = environment(voice).get_template("compare.html.j2")
    return template.render(
        voice=voice,
        version=laudo.__version__,
        names=names,
        interval_words=voice.gettext("95 % interval"),
        date=voice.date(datetime.now(UTC).isoformat(timespec="minutes")),
        verdicts=[pair["verdict"]["sentence"] for pair in result["pairs"]],
        figures=_figures(result, names, voice),
        flattered=[text for name, text in notes if name in FLATTERED],
        notes=[text for name, text in notes if name not in FLATTERED],
        summary=summary_table(result, names, voice),
        boxes=box_figure(result, compared.runs, compared.shelf, voice),
        pairs=pairs,
        pictured=any(pair["changed"] and pair["changed"]["pictures"] for pair in pairs),
        legend=compared.painter.legend,
        volumes=compared.runs[0].recipe.prepare.volume is not None,
        recipes=recipe_rows(result, voice),
        trained=run_rows(result, voice),
        methods=_methods(result, voice),
    )


def _figures(result: Mapping[str, Any], names: Sequence[str], voice: Voice) -> list[dict[str, str]]:
    """The first screen: the primary metric of every run, and of two runs their difference."""
    primary = result["primary"]
    label = compared_name(primary, voice)
    figures = [
        {"name": f"{label}, {name}", "value": voice.number(cell["value"]), "interval": voice.interval(cell)}
        for name, cell in zip(names, result["values"][primary]["mean"], strict=True)
    ]
    if len(names) == 2:
        cell = result["pairs"][0]["metrics"][primary]["mean"]
        figures.append(
            {
                "name": voice.gettext("Difference"),
                "value": signed(cell["value"], voice),
                "interval": voice.interval(cell),
            }
        )
    return figures


def _pair(compared: Compared, number: int, names: Sequence[str]) -> dict[str, Any]:
    """Tables of one pair, and its figures and cases where it is among the first."""
    result, voice = compared.result, compared.voice
    pair = result["pairs"][number]
    drawn = number < PAIRS_DRAWN
    primary = result["primary"]
    return {
        "title": voice.gettext("{b} minus {a}").format(a=names[pair["a"]], b=names[pair["b"]]),
        "a": names[pair["a"]],
        "b": names[pair["b"]],
        "figure": difference_figure(result, number, names, compared.shelf, voice) if drawn else None,
        "primary": paired_table(result, number, primary, voice),
        "others": [paired_table(result, number, name, voice) for name in result["values"] if name != primary],
        "changed": changed_cases(result, number, names, compared.painter, voice) if drawn else None,
    }


def _methods(result: Mapping[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    return [
        _(
            "Each figure is the mean over the structures of the mean over the cases. Differences are of the same case in both "
            "runs: the run that was named second minus the one that was named first."
        ),
        _(
            "Intervals are 95 %, from resampling whole groups with replacement, the same ones in all runs (percentile bootstrap): "
            "cases of one group, such as images of one patient, are no independent evidence."
        ),
        _(
            "The test is Wilcoxon's signed-rank test, two-sided, on one difference a group: the mean over its cases. Differences "
            "of zero are left out of the ranks; if all are zero, p is 1. Up to 50 other differences the p is exact, ties included; "
            "beyond, it is from the normal distribution."
        ),
        _(
            "p is corrected by Holm's method for all {tests} tests of {metric}: of each pair of runs the mean over the structures "
            "and, of several structures, each of them. p values of other metrics are not corrected and show nothing by themselves."
        ).format(tests=result["family"]["tests"], metric=compared_name(result["family"]["metric"], voice)),
        _(
            "A difference counts as shown when the corrected p is at most 0.05 and the interval excludes zero on the same side."
        ),
        _(
            "Effect sizes: the rank-biserial correlation (−1: all differences are negative, 1: all are positive) and Cohen's dz "
            "(the mean difference in standard deviations of the differences), both over groups."
        ),
        _(
            "A missed or invented structure counts with Dice, IoU, precision and surface Dice 0, and with the diagonal of the "
            "image as its distances."
        ),
    ]
