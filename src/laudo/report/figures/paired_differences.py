"""Differences of two runs, case by case, sorted: how many cases gain, how many lose, and how much."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, GREY, INK, decimals, short, whole
from laudo.report.voice import Voice

ACROSS = 3
"""Panels side by side."""


MANY = 2000
"""More marks than this are drawn as an image: as lines of SVG they would fill the page."""


@dataclass(frozen=True)
class Panel:
    """Differences in one structure, or in the mean over them.

    Attributes:
        title: what it is.
        differences: (n,) of the cases that have one.
        mean: that is quoted; None when undefined.
        ends: of its 95 % interval, or None.
    """

    title: str
    differences: np.ndarray
    mean: float | None
    ends: tuple[float, float] | None


def size(panels: int) -> tuple[float, float]:
    """Width and height in inches of a figure with so many panels."""
    return 8.4 if panels > 1 else 4.6, 2.9 * math.ceil(panels / ACROSS)


def draw(figure: Figure, voice: Voice, panels: list[Panel], label: str) -> None:
    """A dot a case, from the largest loss to the largest gain; ``label`` is written along the differences."""
    across = min(ACROSS, len(panels))
    rows = math.ceil(len(panels) / across)
    grid = figure.subplots(rows, across, squeeze=False, sharey=True)
    for axes, panel in zip(grid.ravel(), panels, strict=False):
        _panel(axes, voice, panel)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(label)
        decimals(axes, voice)
    for column in range(across):
        grid[(len(panels) - 1 - column) // across, column].set_xlabel(voice.gettext("cases, sorted"))


def _panel(axes: Axes, voice: Voice, panel: Panel) -> None:
    values = np.sort(panel.differences)
    places = np.arange(1, len(values) + 1)
    if panel.ends is not None:
        axes.axhspan(*panel.ends, color=GREY, alpha=0.22, linewidth=0)
    axes.axhline(0, color=INK, linewidth=0.9)
    if panel.mean is not None:
        axes.axhline(panel.mean, color=GREY, linewidth=1.2, linestyle="--")
    for chosen, colour, marker in (
        (values < 0, COLOURS[1], "v"),
        (values == 0, GREY, "o"),
        (values > 0, COLOURS[0], "^"),
    ):
        axes.plot(
            places[chosen],
            values[chosen],
            marker,
            color=colour,
            markersize=4,
            linestyle="none",
            alpha=0.8,
            rasterized=len(values) > MANY,
        )
    axes.set_title(short(panel.title, 30))
    axes.set_xlim(0, len(values) + 1)
    whole(axes, voice, "x")
