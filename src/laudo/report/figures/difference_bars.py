"""Differences with their intervals, one below the other, around a line at zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, GREY, INK, decimals
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Bar:
    """A difference.

    Attributes:
        label: of which metric.
        value: of the difference.
        ends: of its 95 % interval, or None.
        lower_is_better: of the metric.
        filled: it is one of those that are tested.
        text: as written beside it.
    """

    label: str
    value: float
    ends: tuple[float, float] | None
    lower_is_better: bool
    filled: bool
    text: str


def draw(figure: Figure, voice: Voice, bars: Sequence[Bar], label: str) -> None:
    """Marks that point up where the later run is better, and down where the earlier one is."""
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=0.9)
    for position, bar in enumerate(bars):
        gain = -bar.value if bar.lower_is_better else bar.value
        colour, marker = (GREY, "o") if gain == 0 else (COLOURS[0], "^") if gain > 0 else (COLOURS[1], "v")
        if bar.ends:
            axes.plot(list(bar.ends), [position] * 2, color=colour, linewidth=2.2, alpha=0.55, solid_capstyle="butt")
        axes.plot(
            [bar.value],
            [position],
            marker,
            color=colour,
            markersize=7.5,
            markerfacecolor=colour if bar.filled else "white",
            linestyle="none",
        )
        axes.text(1.04, position, bar.text, va="center", fontsize=8.5, color=INK, transform=axes.get_yaxis_transform())
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(label)
    decimals(axes, voice, "x")
