"""Every case by its Dice, from the worst to the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, DASHES, GREY, INK, decimals, shares, short, whole
from laudo.report.voice import Voice

FEW = 60
"""Cases up to which each is marked by a dot."""


def draw(figure: Figure, voice: Voice, curves: Sequence[tuple[str, np.ndarray]], mean: np.ndarray) -> None:
    """A line a structure, each sorted on its own; the (n,) mean of the structures as a thick one.

    Args:
        figure: sheet.
        voice: language.
        curves: name and Dice of the cases that have one, of each structure.
        mean: of each case that has one; drawn where there are several structures.
    """
    _ = voice.gettext
    axes = figure.subplots()
    for index, (name, values) in enumerate(curves):
        ordered = np.sort(values)
        axes.plot(
            np.arange(1, len(ordered) + 1),
            ordered,
            color=COLOURS[index % len(COLOURS)],
            linestyle=DASHES[index % len(DASHES)],
            marker="." if len(ordered) <= FEW else None,
            label=short(name),
        )
    if len(curves) > 1:
        ordered = np.sort(mean)
        axes.plot(np.arange(1, len(ordered) + 1), ordered, color=INK, linewidth=2.6, label=_("mean of the structures"))
    shares(axes, voice, "y")
    decimals(axes, voice, "y")
    axes.set_ylim(-0.02, 1.02)
    if len(mean):
        axes.axhline(float(np.median(mean)), color=GREY, linestyle=":", linewidth=1)
    axes.set_xlabel(_("Cases, the worst first"))
    axes.set_ylabel(_("Dice"))
    whole(axes, voice, "x")
    axes.set_xlim(left=0.5)
    if len(curves) > 1:
        axes.legend(loc="lower right")
