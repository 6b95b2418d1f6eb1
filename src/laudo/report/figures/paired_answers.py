"""Probabilities of the truth in two runs, case by case."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from laudo.report.figures.paired_differences import MANY
from laudo.report.figures.sheet import COLOURS, FAINT, GREY, shares, short
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, chances: np.ndarray, right: np.ndarray, names: tuple[str, str]) -> None:
    """A mark a case.

    Args:
        figure: to draw on.
        voice: the language of the numbers.
        chances: (n, 2) probability of the truth.
        right: (n, 2) share of the answers that are right.
        names: of the two.
    """
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, zorder=1)
    for chosen, colour, marker, size in (
        (right[:, 1] == right[:, 0], GREY, "o", 3.0),
        (right[:, 1] < right[:, 0], COLOURS[1], "v", 5.5),
        (right[:, 1] > right[:, 0], COLOURS[0], "^", 5.5),
    ):
        axes.plot(
            chances[chosen, 0],
            chances[chosen, 1],
            marker,
            color=colour,
            markersize=size,
            alpha=0.45 if marker == "o" else 0.85,
            linestyle="none",
            rasterized=len(chances) > MANY,
        )
    shares(axes, voice)
    axes.set_aspect("equal")
    axes.set_xlabel(short(names[0], 40))
    axes.set_ylabel(short(names[1], 40))
