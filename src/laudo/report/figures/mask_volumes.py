"""Predicted against true volume, and their difference over their mean (Bland and Altman 1986)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from laudo.report.figures.mask_boxes import MANY
from laudo.report.figures.sheet import COLOURS, GREY, INK, MARKERS, decimals, short
from laudo.report.voice import Voice

WIDE = 30.0
"""Largest over smallest volume above which the axes are logarithmic."""

LARGE_MM3 = 20_000.0
"""Volume from which they are given in mL."""

MOST_LIMITS = 3
"""Structures whose limits of agreement are drawn: more lines could not be told apart."""

AGREEMENT = 1.96
"""Standard deviations of the limits of agreement."""


@dataclass(frozen=True)
class Volumes:
    """Of one structure.

    Attributes:
        name: its name.
        true: (n,) volumes of the cases that have it.
        predicted: (n,) volumes of the same cases, 0 where it was missed.
    """

    name: str
    true: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class Agreement:
    """Mean of the differences, and the limits between which 95 % of them lie if they are normally distributed."""

    bias: float
    low: float
    high: float


def agreement(of: Volumes) -> Agreement | None:
    """Of one structure; None with fewer than three cases."""
    differences = of.predicted - of.true
    if len(differences) < 3:
        return None
    bias, deviation = float(differences.mean()), float(differences.std(ddof=1))
    return Agreement(bias, bias - AGREEMENT * deviation, bias + AGREEMENT * deviation)


def in_millilitres(of: Sequence[Volumes], unit: str) -> tuple[list[Volumes], str]:
    """The same in mL, where mm³ are many."""
    largest = max(float(max(one.true.max(), one.predicted.max())) for one in of)
    if unit != "mm³" or largest < LARGE_MM3:
        return list(of), unit
    return [Volumes(one.name, one.true / 1000, one.predicted / 1000) for one in of], "mL"


def draw(figure: Figure, voice: Voice, of: Sequence[Volumes], unit: str) -> None:
    """Scatter on the left, with the line on which they are equal; Bland and Altman's plot on the right."""
    _ = voice.gettext
    left, right = figure.subplots(1, 2)
    rough = sum(len(one.true) for one in of) > MANY
    smallest = min(float(one.true.min()) for one in of)
    largest = max(float(max(one.true.max(), one.predicted.max())) for one in of)
    wide = largest > WIDE * smallest
    handles = []
    for index, one in enumerate(of):
        style = {
            "color": COLOURS[index % len(COLOURS)],
            "marker": MARKERS[index % len(MARKERS)],
            "linestyle": "none",
            "alpha": 0.7,
            "markersize": 4,
            "markeredgewidth": 0,
            "rasterized": rough,
        }
        shown = np.maximum(one.predicted, smallest / 2) if wide else one.predicted
        handles += left.plot(one.true, shown, label=short(one.name), **style)
        right.plot((one.true + one.predicted) / 2, one.predicted - one.true, **style)
    ends = [smallest / 2, largest * 1.3] if wide else [0.0, largest * 1.05]
    left.plot(ends, ends, color=GREY, linewidth=1, linestyle=":", zorder=0)
    left.set_xlabel(_("True size ({unit})").format(unit=unit))
    left.set_ylabel(_("Predicted size ({unit})").format(unit=unit))
    if wide:
        left.set_xscale("log")
        left.set_yscale("log")
        right.set_xscale("log")
    left.set_xlim(*ends)
    left.set_ylim(*ends)
    for index, one in enumerate(of if len(of) <= MOST_LIMITS else ()):
        found = agreement(one)
        colour = INK if len(of) == 1 else COLOURS[index % len(COLOURS)]
        for value, dashes in ((found.bias, "-"), (found.low, "--"), (found.high, "--")) if found is not None else ():
            right.axhline(value, color=colour, linewidth=1, linestyle=dashes, zorder=1)
    right.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    right.set_xlabel(_("Mean of both ({unit})").format(unit=unit))
    right.set_ylabel(_("Predicted minus true ({unit})").format(unit=unit))
    write = FuncFormatter(lambda value, _position: voice.short(round(value, 6)))
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        axis.set_major_locator(MaxNLocator(nbins=5))
        if wide:
            axis.set_major_locator(LogLocator(numticks=5))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(write)
    decimals(right, voice, "y")
    if len(of) > 1:
        figure.legend(handles=handles, loc="outside upper left", ncols=min(4, len(of)))
