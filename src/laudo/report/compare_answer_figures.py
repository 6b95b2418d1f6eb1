"""Figures of a comparison of answers, with the words around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from laudo.report.compare_words import between, compared_name, digits, signed
from laudo.report.figures import difference_bars, forest, paired_answers
from laudo.report.figures.difference_bars import Bar
from laudo.report.figures.sheet import Picture, Shelf, Words
from laudo.report.names import LOWER_IS_BETTER, in_order
from laudo.report.voice import Voice

IN_FOREST = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1_macro", "auc_roc")
MOST_RUNS = 4
"""More runs are not drawn one by one."""


def forest_figure(result: Mapping[str, Any], names: Sequence[str], shelf: Shelf, voice: Voice) -> Picture | None:
    """Metrics of every run with their intervals; None with many runs, whose figure is that of the seeds."""
    if len(names) > MOST_RUNS:
        return None
    _ = voice.gettext
    rows, spoken = [], []
    for metric in (name for name in IN_FOREST if name in result["values"]):
        label = compared_name(metric, voice)
        for run, cell in enumerate(result["values"][metric]["mean"]):
            if cell["value"] is None:
                continue
            text = voice.estimate(cell)
            ends = None if cell["ci95"] is None else (cell["ci95"][0], cell["ci95"][1])
            short = f"{voice.number(cell['value'])}  {voice.interval(cell)}"
            rows.append(forest.Row(label, cell["value"], ends, run, short))
            spoken.append(f"{label}, {names[run]}: {text}")
            label = "" if run + 1 < len(names) else label
    if not rows:
        return None
    words = Words(
        alt="; ".join(spoken) + ".",
        caption=_("Metrics of every run with their 95 % intervals"),
        help=_(
            "The dot is the value, the line its 95 % interval. Intervals of two runs may overlap and their difference may "
            "still be shown, since both answered for the same images: judge by the differences below."
        ),
    )
    return shelf.add(
        "compared-metrics",
        words,
        lambda figure, v: forest.draw(figure, v, rows, list(names), chance=False),
        7.6,
        0.9 + 0.27 * len(rows),
    )


def bars_figure(result: Mapping[str, Any], number: int, shelf: Shelf, voice: Voice) -> Picture:
    """Differences of a pair with their intervals, metric by metric."""
    _ = voice.gettext
    pair = result["pairs"][number]
    a, b = (result["sides"][pair[side]]["name"] for side in "ab")
    bars, spoken = [], []
    for metric in in_order(name for name in result["values"] if name not in {"log_loss"}):
        cell = pair["metrics"][metric]["mean"]
        if cell["value"] is None:
            continue
        ends = None if cell["ci95"] is None else (cell["ci95"][0], cell["ci95"][1])
        written = digits(metric, result["kind"])
        text = f"{signed(cell['value'], voice, written)}  ({between(cell['ci95'], voice, written)})"
        name = compared_name(metric, voice)
        bars.append(Bar(name, cell["value"], ends, metric in LOWER_IS_BETTER, metric in result["tested"], text))
        spoken.append(f"{name} {text}")
    words = Words(
        alt=_("Differences of {b} minus {a}, metric by metric: {differences}.").format(
            a=a, b=b, differences="; ".join(spoken)
        ),
        caption=_("{b} minus {a}, metric by metric").format(a=a, b=b),
        help=_(
            "The mark is the difference, the line its 95 % interval: where it crosses zero, the difference is not told from "
            "chance. ▲: {b} is better, ▼: {a} is better; of Brier score, log loss and calibration error less is better. "
            "Filled: the metrics that are tested."
        ).format(a=a, b=b),
    )
    return shelf.add(
        f"compared-differences-{number + 1}",
        words,
        lambda figure, v: difference_bars.draw(figure, v, bars, _("difference")),
        7.2,
        0.9 + 0.3 * len(bars),
    )


def answers_figure(result: Mapping[str, Any], number: int, shelf: Shelf, voice: Voice) -> Picture:
    """Probability of the truth in both, a mark a case."""
    _ = voice.gettext
    pair = result["pairs"][number]
    sides = [result["sides"][pair[side]] for side in "ab"]
    a, b = (side["name"] for side in sides)
    chances, shares = (
        np.array([[_mean(case[name], side["runs"]) for side in sides] for case in result["cases"]], dtype=float)
        for name in ("probability", "right")
    )
    known = np.isfinite(chances).all(axis=1)
    chances, shares = chances[known], shares[known]
    better, worse = int((shares[:, 1] > shares[:, 0]).sum()), int((shares[:, 1] < shares[:, 0]).sum())
    words = Words(
        alt=_(
            "Probability of the true class in {a} and in {b}, a mark a case: {better} are right more often in {b}, {worse} in "
            "{a}."
        ).format(a=a, b=b, better=voice.integer(better), worse=voice.integer(worse)),
        caption=_("Probability of the truth in both"),
        help=_(
            "Each mark is a case. Above the diagonal {b} gave the truth more, below it {a} did. ▲: right more often in {b}, ▼: "
            "right more often in {a}, ●: right or wrong in both. Marks far from the diagonal are cases of which the two think "
            "differently."
        ).format(a=a, b=b)
        + (" " + _("Of several seeds it is the mean over them.") if "spread" in result else ""),
    )
    return shelf.add(
        f"compared-answers-{number + 1}",
        words,
        lambda figure, v: paired_answers.draw(figure, v, chances, shares, (a, b)),
        4.4,
        4.4,
    )


def _mean(values: Sequence[float | bool | None], runs: Sequence[int]) -> float:
    known = [float(value) for run in runs if (value := values[run]) is not None]
    return sum(known) / len(known) if known else float("nan")
