"""Runs of several recipes, a dot each, with the mean and spread of every recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, FAINT, INK, MARKERS, decimals, short
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Panel:
    """One metric.

    Attributes:
        title: its name.
        values: of each recipe, those of its runs; None where undefined.
        means: of each recipe.
        sds: standard deviations; None of a single run.
    """

    title: str
    values: list[list[float | None]]
    means: list[float | None]
    sds: list[float | None]


def size(panels: int, recipes: int) -> tuple[float, float]:
    """Width and height in inches."""
    return min(10.0, 0.6 + panels * max(2.5, 0.9 * recipes + 0.8)), 3.2


def draw(figure: Figure, voice: Voice, panels: Sequence[Panel], names: Sequence[str], joined: bool) -> None:
    """A panel a metric; ``joined``: the runs of every recipe are in the order of the same seeds."""
    axes_of = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(axes_of, panels, strict=True):
        _panel(axes, voice, panel, names, joined)


def _panel(axes: Axes, voice: Voice, panel: Panel, names: Sequence[str], joined: bool) -> None:
    values = [np.array(own, dtype=float) for own in panel.values]
    places = [number + _spread(len(own)) for number, own in enumerate(values)]
    if joined:
        for run in range(len(values[0])):
            axes.plot([own[run] for own in places], [own[run] for own in values], color=FAINT, linewidth=1.2, zorder=1)
    for number, own in enumerate(values):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot(
            places[number],
            own,
            MARKERS[number % len(MARKERS)],
            color=colour,
            markersize=5.5,
            alpha=0.85,
            linestyle="none",
            zorder=2,
        )
        mean, sd = panel.means[number], panel.sds[number]
        if mean is not None and sd is not None:
            axes.plot([number - 0.3, number + 0.3], [mean, mean], color=INK, linewidth=2.2, zorder=3)
            axes.plot([number + 0.34] * 2, [mean - sd, mean + sd], color=INK, linewidth=1.1, zorder=3)
    axes.set_title(short(panel.title, 26))
    axes.set_xticks(range(len(names)), [short(name, 16) for name in names], rotation=30 if len(names) > 2 else 0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="x")
    decimals(axes, voice)


def _spread(n: int) -> np.ndarray:
    """(n,) places beside each other, so that equal runs are both seen."""
    return np.linspace(-0.16, 0.16, n) if n > 1 else np.zeros(1)
