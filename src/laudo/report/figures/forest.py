"""Values with their intervals, one below the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, GREY, INK, MARKERS, decimals, shares
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Row:
    """A value with its interval.

    Attributes:
        label: what it is.
        value: between 0 and 1.
        ends: ends of its 95 % interval, or None.
        kind: 0, 1, …: colour and shape.
        text: value and interval as written beside it.
    """

    label: str
    value: float
    ends: tuple[float, float] | None
    kind: int
    text: str


def draw(figure: Figure, voice: Voice, rows: list[Row], kinds: list[str], chance: bool = True) -> None:
    """Dots with intervals; ``kinds`` names colours and shapes, empty when there is one kind only; ``chance``: a line at 0.5."""
    axes = figure.subplots()
    named: set[int] = set()
    for position, row in enumerate(rows):
        colour, marker = COLOURS[row.kind % len(COLOURS)], MARKERS[row.kind % len(MARKERS)]
        if row.ends:
            axes.plot(list(row.ends), [position] * 2, color=colour, linewidth=2.2, alpha=0.55, solid_capstyle="butt")
        label = kinds[row.kind] if kinds and row.kind not in named else None
        named.add(row.kind)
        axes.plot([row.value], [position], marker, color=colour, markersize=7, label=label, linestyle="none")
        axes.text(1.04, position, row.text, va="center", fontsize=8.5, color=INK, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    low = min(value for row in rows for value in (row.value, *(row.ends or ())))
    # Dots need no zero: the axis starts at a round tenth below the lowest interval, so that differences are seen.
    start = max(0.0, math.floor(low * 10 - 0.2) / 10)
    shares(axes, voice, "x")
    axes.set_xlim(start - 0.02 * (1 - start), 1 + 0.02 * (1 - start))
    decimals(axes, voice, "x")
    axes.grid(visible=False, axis="y")
    if chance and start < 0.5:
        axes.axvline(0.5, color=GREY, linewidth=0.8, linestyle=":")
    if kinds:
        figure.legend(loc="outside upper left", ncols=len(kinds))
