"""The sheet that figures are drawn on: one style, no global state, saved as SVG in the run and inline in the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from laudo.core.atomic import write_bytes
from laudo.report.voice import Voice

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8a7a00")
"""Okabe and Ito's colours, told apart with every kind of colour blindness; the yellow is darkened for white paper."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
INK = "#1d2730"
GREY = "#66727c"
FAINT = "#d9dfe3"

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "laudo",
    # Class names come from folder names: a $ in one must not start a formula.
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Picture:
    """A figure, ready for the page.

    Attributes:
        name: its file is figures/<name>.svg.
        uri: data URI.
        alt: what it shows, in words and numbers.
        caption: the sentence below it.
        help: how it is read.
    """

    name: str
    uri: str
    alt: str
    caption: str
    help: str


@dataclass(frozen=True)
class Words:
    """The words around a figure."""

    alt: str
    caption: str
    help: str


class Shelf:
    """Draws figures, writes them into the run and hands them out for the page."""

    def __init__(self, folder: Path, voice: Voice) -> None:
        self._folder = folder
        self._voice = voice

    def add(
        self, name: str, words: Words, draw: Callable[[Figure, Voice], None], width: float, height: float
    ) -> Picture:
        """Draw on a sheet of ``width`` × ``height`` inches, write figures/<name>.svg and give the picture."""
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(width, height))
            draw(figure, self._voice)
            buffer = io.BytesIO()
            # Without its date and tool, the same run gives the same bytes.
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        content = buffer.getvalue()
        write_bytes(self._folder / f"{name}.svg", content)
        uri = "data:image/svg+xml;base64," + base64.b64encode(content).decode("ascii")
        return Picture(name, uri, words.alt, words.caption, words.help)


def shares(axes: Axes, voice: Voice, which: str = "xy") -> None:
    """Axes from 0 to 1 with numbers in the reader's form."""
    formatter = FuncFormatter(lambda value, _position: voice.number(value, 1))
    if "x" in which:
        axes.set_xlim(-0.02, 1.02)
        axes.xaxis.set_major_formatter(formatter)
    if "y" in which:
        axes.set_ylim(-0.02, 1.02)
        axes.yaxis.set_major_formatter(formatter)


def decimals(axes: Axes, voice: Voice, which: str = "y") -> None:
    """Numbers on an axis in the reader's form, with as many decimals as the range needs."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(nbins="auto", steps=[1, 2, 5, 10]))  # steps of 2.5 would be written rounded
    low, high = axis.get_view_interval()
    span = abs(high - low)
    digits = 0 if span >= 8 else 1 if span >= 0.5 else 2 if span >= 0.05 else 3
    axis.set_major_formatter(FuncFormatter(lambda value, _position: voice.number(value, digits)))


def whole(axes: Axes, voice: Voice, which: str = "y") -> None:
    """Write counts on an axis as whole numbers in the reader's form."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: voice.integer(value)))


def short(text: str, most: int = 22) -> str:
    """Cut a class name so that an axis has room for it."""
    return text if len(text) <= most else text[: most - 1] + "…"
