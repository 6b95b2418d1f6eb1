"""Value of every trial in the order of their numbers, and the best one so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from laudo.report.figures.sheet import COLOURS, GREY, INK, decimals, whole
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, trials: Sequence[dict[str, Any]], higher: bool, label: str) -> None:
    """A dot a finished trial, a line for the best so far; pruned and failed trials as marks at the lower edge."""
    axes = figure.subplots()
    done = [one for one in trials if one["value"] is not None]
    numbers, values = [one["number"] for one in done], np.array([one["value"] for one in done], dtype=float)
    if done:
        best = np.maximum.accumulate(values) if higher else np.minimum.accumulate(values)
        ends = [*numbers, len(trials) + 0.5]
        axes.step(ends, [*best, best[-1]], where="post", color=INK, linewidth=1.3, label=voice.gettext("best so far"))
        bounds = [one.get("ci95") for one in done]
        for number, value, ends_of in zip(numbers, values, bounds, strict=True):
            if ends_of is not None:
                axes.vlines(number, ends_of[0], ends_of[1], color=GREY, linewidth=0.8, alpha=0.55)
            axes.plot(number, value, "o", color=COLOURS[0], markersize=4.5)
    for state, marker, colour, name in (
        ("pruned", "x", COLOURS[4], voice.gettext("ended early")),
        ("failed", "v", COLOURS[1], voice.gettext("failed")),
    ):
        places = [one["number"] for one in trials if one["state"] == state]
        if places:
            floor = [0.02] * len(places)
            axes.plot(
                places, floor, marker, color=colour, markersize=5, linestyle="none", label=name,
                transform=axes.get_xaxis_transform(), clip_on=False,
            )  # fmt: skip
    axes.set_xlim(0.5, max(1, len(trials)) + 0.5)
    axes.set_xlabel(voice.gettext("trial"))
    axes.set_ylabel(label)
    whole(axes, voice, "x")
    if done:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        decimals(axes, voice)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3)
