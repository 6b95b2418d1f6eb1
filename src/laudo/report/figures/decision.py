"""Decision curves: net benefit against the probability from which one would act."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, GREY, decimals, shares, short
from laudo.report.voice import Voice

COLUMNS = 3
"""Curves beside each other when there are several."""


def draw(figure: Figure, voice: Voice, curves: dict[str, dict[str, Any]], threshold: float | None) -> None:
    """A panel for each class: the model with its interval, treating all, treating nobody, and the threshold that was used."""
    _ = voice.gettext
    columns = min(COLUMNS, len(curves))
    rows = math.ceil(len(curves) / columns)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, curve) in zip(panels, curves.items(), strict=False):
        _panel(axes, voice, curve, threshold)
        if len(curves) > 1:
            axes.set_title(short(name))
    for axes in panels[len(curves) :]:
        axes.set_visible(False)
    panels[0].set_ylabel(_("Net benefit an image"))
    panels[(rows - 1) * columns].set_xlabel(_("Probability from which one would act"))
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2 if columns == 1 else 4)


def _panel(axes: Axes, voice: Voice, curve: dict[str, Any], threshold: float | None) -> None:
    _ = voice.gettext
    x, model = np.asarray(curve["thresholds"]), np.asarray(curve["model"]["value"])
    ends = curve["model"]["ci95"]
    if ends:
        low, high = np.asarray(ends).T
        axes.fill_between(x, low, high, color=COLOURS[0], alpha=0.18, linewidth=0)
    axes.plot(x, model, color=COLOURS[0], label=_("the model, with 95 % interval"))
    axes.plot(x, curve["all"]["value"], "--", color=COLOURS[1], linewidth=1.4, label=_("act on every image"))
    axes.axhline(0, color=GREY, linewidth=1.2, linestyle=":", label=_("act on none"))
    if threshold is not None:
        axes.axvline(threshold, color=GREY, linewidth=1, linestyle="-.", label=_("threshold that was used"))
    top = max(float(model.max()), float(np.max(curve["all"]["value"])), *([float(high.max())] if ends else []))
    axes.set_ylim(-0.25 * top, 1.08 * top)
    shares(axes, voice, "x")
    decimals(axes, voice)
