"""Values of every run side by side: a box and its cases, structure by structure."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from laudo.report.figures.paired_differences import MANY
from laudo.report.figures.sheet import COLOURS, INK, MARKERS, decimals, short
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, values: list[np.ndarray], names: list[str], runs: list[str], label: str) -> None:
    """Boxes from the first to the third quartile with the median, whiskers to 1.5 times that length, and every case.

    Args:
        figure: to draw on.
        voice: the language of the numbers.
        values: of each run, (n, S).
        names: of the S structures.
        runs: their names.
        label: what is measured.
    """
    axes = figure.subplots()
    width = 0.8 / len(runs)
    random = np.random.default_rng(0)
    for number, (name, own) in enumerate(zip(runs, values, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        centres = np.arange(len(names)) + (number - (len(runs) - 1) / 2) * width
        known = [column[np.isfinite(column)] for column in own.T]
        axes.boxplot(
            known,
            positions=list(centres),
            widths=0.8 * width,
            showfliers=False,
            patch_artist=True,
            boxprops={"facecolor": colour, "alpha": 0.3, "edgecolor": colour},
            medianprops={"color": INK, "linewidth": 1.6},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
        for place, (centre, column) in enumerate(zip(centres, known, strict=True)):
            spread = centre + random.uniform(-0.25, 0.25, len(column)) * width
            axes.plot(
                spread,
                column,
                MARKERS[number % len(MARKERS)],
                color=colour,
                markersize=2.6,
                alpha=0.55,
                linestyle="none",
                rasterized=len(column) > MANY,
                label=short(name, 40) if place == 0 else None,
            )
    axes.set_xticks(range(len(names)), [short(name) for name in names])
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="x")
    axes.set_ylabel(label)
    decimals(axes, voice)
    figure.legend(loc="outside upper left", ncols=min(3, len(runs)), markerscale=2.2)
