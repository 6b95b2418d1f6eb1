"""How far the images of each part lie from the training images."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, DASHES, GREY, decimals, shares
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, parts: dict[str, list[float]], limit: float | None) -> None:
    """Share of the images of each part up to each distance.

    Args:
        figure: to draw on.
        voice: its language.
        parts: name → quantiles of its distances, evenly spaced from the smallest to the largest.
        limit: distance from which images count as unlike; None: no line.
    """
    _ = voice.gettext
    axes = figure.subplots()
    for number, (name, quantiles) in enumerate(parts.items()):
        y = np.linspace(0, 1, len(quantiles))
        axes.plot(quantiles, y, DASHES[number % len(DASHES)], color=COLOURS[number % len(COLOURS)], label=name)
    if limit is not None:
        axes.axvline(limit, color=GREY, linewidth=1, linestyle=":", label=_("99th percentile of validation"))
    axes.set_xlabel(_("Distance to the training images (validation median = 1)"))
    axes.set_ylabel(_("Share of the images"))
    shares(axes, voice, "y")
    axes.set_xlim(left=0)
    decimals(axes, voice, "x")
    figure.legend(loc="outside upper left", ncols=3)
