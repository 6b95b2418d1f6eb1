"""The values of each key against the figure that they gave: one panel a key."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from laudo.report.figures.sheet import COLOURS, INK, decimals, short
from laudo.report.voice import Voice

ACROSS = 3
"""Panels side by side."""


def size(panels: int) -> tuple[float, float]:
    """Width and height in inches of a figure with so many panels."""
    return (8.4 if panels > 2 else 3.2 * max(1, panels) + 0.6), 2.6 * math.ceil(panels / ACROSS)


def draw(
    figure: Figure, voice: Voice, trials: Sequence[dict[str, Any]], ranges: dict[str, dict[str, Any]], label: str
) -> None:
    """A dot a finished trial, the later the darker; the best one is a ringed star."""
    across = min(ACROSS, len(ranges))
    rows = math.ceil(len(ranges) / across)
    grid = figure.subplots(rows, across, squeeze=False, sharey=True)
    best = next((one for one in trials if one.get("is_best")), None)
    for axes, (key, given) in zip(grid.ravel(), ranges.items(), strict=False):
        _panel(axes, voice, [one for one in trials if key in one["shown"]], best, (key, given))
    for axes in grid.ravel()[len(ranges) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(short(label, 30))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        decimals(axes, voice)


def _panel(
    axes: Axes,
    voice: Voice,
    trials: Sequence[dict[str, Any]],
    best: dict[str, Any] | None,
    named: tuple[str, dict[str, Any]],
) -> None:
    key, given = named
    choices = _names(given)
    places = [choices.index(str(one["shown"][key])) if choices else float(one["shown"][key]) for one in trials]
    values = [one["value"] for one in trials]
    shade = np.linspace(0.35, 1.0, max(1, len(trials)))
    for x, y, alpha in zip(places, values, shade, strict=True):
        axes.plot(x, y, "o", color=COLOURS[0], alpha=float(alpha), markersize=4.5)
    if best is not None and key in best["shown"]:
        x = choices.index(str(best["shown"][key])) if choices else float(best["shown"][key])
        axes.plot(x, best["value"], "*", color=COLOURS[1], markeredgecolor=INK, markeredgewidth=0.7, markersize=12)
    axes.set_title(short(key, 34), fontsize=8.5)
    if choices:
        axes.set_xticks(range(len(choices)), [short(one, 14) for one in choices])
        axes.set_xlim(-0.6, len(choices) - 0.4)
    elif given.get("log"):
        axes.set_xscale("log")
        axes.set_xlim(given["low"] / 1.3, given["high"] * 1.3)
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: voice.short(value)))
    else:
        edge = 0.05 * (given["high"] - given["low"])
        axes.set_xlim(given["low"] - edge, given["high"] + edge)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _position: voice.short(round(value, 10))))


def _names(given: dict[str, Any]) -> list[str]:
    """Texts of the choices, as the trials name them."""
    return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in given.get("choices", ())]
