"""Figures of a comparison of masks, with the words around them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from laudo.report.compare_tables import at, places
from laudo.report.compare_words import between, compared_name, signed
from laudo.report.figures import paired_boxes, paired_differences
from laudo.report.figures.paired_differences import Panel
from laudo.report.figures.sheet import Picture, Shelf, Words
from laudo.report.voice import Voice

PANELS = 9
"""Most panels of differences; further structures are in the table."""


def box_figure(result: Mapping[str, Any], shelf: Shelf, voice: Voice) -> Picture:
    """Boxes of the primary metric, every run or recipe beside the others; of several seeds the mean over them, case by case."""
    _ = voice.gettext
    metric = result["primary"]
    structures = list(result["structures"])
    values = [_values(result, side["runs"], structures) for side in result["sides"]]
    names = [side["name"] for side in result["sides"]]
    label = compared_name(metric, voice)
    medians = [
        f"{name}: "
        + ", ".join(
            f"{structure} {voice.number(float(np.nanmedian(column)) if np.isfinite(column).any() else None)}"
            for structure, column in zip(structures, own.T, strict=True)
        )
        for name, own in zip(names, values, strict=True)
    ]
    words = Words(
        alt=_("{metric} of every case, a box for each run and structure. Medians: {medians}.").format(
            metric=label, medians="; ".join(medians)
        ),
        caption=_("{metric} of every case, run beside run").format(metric=label),
        help=_(
            "Each dot is a case. The box holds the middle half of the cases and the line in it is the median. Boxes may "
            "overlap widely and the runs still differ, since easy and hard cases are the same for both: see the differences "
            "below."
        )
        + _of_seeds(result, voice),
    )
    width = min(10.0, max(4.6, 1.6 + 0.75 * len(structures) * len(names)))
    return shelf.add(
        "compared-boxes",
        words,
        lambda figure, v: paired_boxes.draw(figure, v, values, structures, names, label),
        width,
        3.4,
    )


def difference_figure(result: Mapping[str, Any], number: int, shelf: Shelf, voice: Voice) -> Picture:
    """Sorted differences of one pair, a panel for the mean and for each structure."""
    _ = voice.gettext
    pair, metric = result["pairs"][number], result["primary"]
    a, b = (result["sides"][pair[side]]["name"] for side in "ab")
    panels, spoken = [], []
    for place, title in places(result, voice)[:PANELS]:
        cell = at(pair["metrics"][metric], place)
        ends = None if cell["ci95"] is None else (cell["ci95"][0], cell["ci95"][1])
        found = _differences(result, pair, place)
        panels.append(Panel(title, found, cell["value"], ends))
        if len(found):
            text = _("{title}: {difference} ({interval}), {better} cases better, {equal} equal, {worse} worse")
            rounded = np.round(found, 10)
            counts = {"better": rounded > 0, "equal": rounded == 0, "worse": rounded < 0}
            told = {name: voice.integer(int(which.sum())) for name, which in counts.items()}
            difference, interval = signed(cell["value"], voice), between(cell["ci95"], voice)
            spoken.append(text.format(title=title, difference=difference, interval=interval, **told))
    label = _("difference in {metric}").format(metric=compared_name(metric, voice))
    words = Words(
        alt=_("Differences of {b} minus {a}, case by case.").format(a=a, b=b) + " " + "; ".join(spoken) + ".",
        caption=_("{metric} of {b} minus {a}, case by case").format(metric=compared_name(metric, voice), a=a, b=b),
        help=_(
            "Each mark is a case, sorted: ▲ above the line {b} is better, ▼ below it {a} is better, ● on it they are equal. "
            "The dashed line is the mean difference and the grey band its 95 % interval: where it holds zero, the difference "
            "is not told from chance. A mean may rest on few cases: look whether the marks lean one way, or a few lie far out."
        ).format(a=a, b=b)
        + _of_seeds(result, voice),
    )
    width, height = paired_differences.size(len(panels))
    return shelf.add(
        f"compared-differences-{number + 1}",
        words,
        lambda figure, v: paired_differences.draw(figure, v, panels, label),
        width,
        height,
    )


def _of_seeds(result: Mapping[str, Any], voice: Voice) -> str:
    if "spread" not in result:
        return ""
    return " " + voice.gettext("Where a recipe was trained with several seeds, a case counts with its mean over them.")


def _values(result: Mapping[str, Any], runs: Sequence[int], structures: Sequence[str]) -> np.ndarray:
    """(n, S) of the primary metric, mean over the runs; NaN where undefined."""
    metric = result["primary"]
    values = np.array(
        [
            [
                [np.nan if case[metric][name][run] is None else case[metric][name][run] for run in runs]
                for name in structures
            ]
            for case in result["cases"]
        ],
        dtype=float,
    ).reshape(len(result["cases"]), len(structures), len(runs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a case that no run of a side has
        return np.asarray(np.nanmean(values, axis=2))


def _differences(result: Mapping[str, Any], pair: Mapping[str, Any], place: str | None) -> np.ndarray:
    """(m,) differences of the cases that have one."""
    structures = list(result["structures"]) if place is None else [place]
    one, other = (_values(result, result["sides"][pair[side]]["runs"], structures) for side in "ab")
    found = other - one
    known = np.isfinite(found)
    kept = known.any(axis=1)
    return np.asarray(np.where(known, found, 0)[kept].sum(axis=1) / known[kept].sum(axis=1))
