"""Boxes of a metric, one below the other, with every case as a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from laudo.report.figures.sheet import COLOURS, INK, MARKERS, decimals, shares, short
from laudo.report.voice import Voice

MANY = 600
"""Points above which they are drawn as one picture inside the figure, so that the file stays small."""

FAR = 8.0
"""Largest over median value above which the axis of distances is logarithmic."""


@dataclass(frozen=True)
class Box:
    """One row.

    Attributes:
        label: what it is.
        values: (n,) of the cases that have one.
        failed: (n,) bool: the structure was missed, or outlined where there is none.
        kind: 0, 1, …: its colour.
    """

    label: str
    values: np.ndarray
    failed: np.ndarray
    kind: int


def draw(figure: Figure, voice: Voice, boxes: Sequence[Box], axis: str, share: bool) -> None:
    """Box (quartiles, median), whiskers (1.5 interquartile ranges) and points; ``share``: the axis runs from 0 to 1."""
    _ = voice.gettext
    axes = figure.subplots()
    for position, box in enumerate(boxes):
        colour = COLOURS[box.kind % len(COLOURS)]
        if len(box.values):
            axes.boxplot(
                box.values,
                positions=[position],
                orientation="horizontal",
                widths=0.62,
                showfliers=False,
                manage_ticks=False,
                patch_artist=True,
                boxprops={"facecolor": colour + "22", "edgecolor": colour, "linewidth": 1.2},
                medianprops={"color": INK, "linewidth": 2},
                whiskerprops={"color": colour, "linewidth": 1.2},
                capprops={"color": colour, "linewidth": 1.2},
            )
        points(axes, box, position, colour)
    axes.set_yticks(range(len(boxes)), [short(box.label) for box in boxes])
    axes.set_ylim(len(boxes) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(axis)
    if share:
        low = min((float(box.values.min()) for box in boxes if len(box.values)), default=0.0)
        shares(axes, voice, "x")
        start = max(0.0, np.floor(low * 10 - 0.2) / 10)
        axes.set_xlim(start - 0.02 * (1 - start), 1 + 0.02 * (1 - start))
        decimals(axes, voice, "x")
    else:
        _lengths(axes, voice, np.concatenate([box.values for box in boxes]))
    if any(box.failed.any() for box in boxes):
        handle = axes.plot([], [], "x", color=INK, markersize=6, linestyle="none")[0]
        figure.legend([handle], [_("missed altogether, or outlined where there is none")], loc="outside upper left")


def _lengths(axes: Axes, voice: Voice, values: np.ndarray) -> None:
    """An axis from 0 on; where some values are far beyond the others it is logarithmic from 1 on, so that both are seen."""
    if len(values) and float(values.max()) > FAR * max(float(np.median(values)), 1.0):
        axes.set_xscale("symlog", linthresh=1.0, linscale=0.6)
        axes.set_xlim(-0.05, float(values.max()) * 1.25)
        ticks = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
        axes.set_xticks([tick for tick in ticks if tick <= values.max() * 1.25])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: voice.short(value)))
    else:
        axes.set_xlim(left=0)
        decimals(axes, voice, "x")


def points(axes: Axes, box: Box, position: int, colour: str) -> None:
    """The cases, spread over the height of their row so that equal ones are told apart."""
    heights = position + spread(len(box.values))
    rough = len(box.values) > MANY
    order = np.argsort(box.values, kind="stable")
    values, failed = box.values[order], box.failed[order]
    size = 4.0 if len(values) <= 60 else 2.6 if len(values) <= MANY else 1.6
    for which, marker, tint, width in (
        (~failed, MARKERS[box.kind % len(MARKERS)], colour, 0.0),
        (failed, "x", INK, 1.3),
    ):
        if which.any():
            axes.plot(
                values[which],
                heights[which],
                marker,
                color=tint,
                markersize=size if which is not failed else 6,
                markeredgewidth=width,
                alpha=0.65 if which is not failed else 1.0,
                linestyle="none",
                rasterized=rough,
                zorder=3,
            )


def spread(n: int) -> np.ndarray:
    """(n,) offsets between -0.24 and 0.24 that repeat late and do not depend on chance: multiples of the golden section."""
    return np.asarray((np.arange(n) * 0.6180339887498949 % 1 - 0.5) * 0.48)
