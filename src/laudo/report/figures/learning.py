"""Loss and accuracy over the epochs, of one training or of all folds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from laudo.report.figures.sheet import COLOURS, GREY, decimals, shares
from laudo.report.voice import Voice

Epochs = list[dict[str, Any]]

MANY = 5
"""Trainings above which their curves are drawn thinner."""


def draw(
    figure: Figure, voice: Voice, trainings: list[tuple[Epochs, int]], quantities: Sequence[str] = ("accuracy",)
) -> None:
    """Loss on the left, shares such as accuracy on the right, of the epochs of each training and the one whose weights were kept.

    A dotted line stands where a phase of the training ends.
    """
    _ = voice.gettext
    left, *others = figure.subplots(1, 1 + len(quantities))
    boundaries = sorted({end for epochs, _kept in trainings for end in phase_ends(epochs)})
    titles = {"loss": _("Loss"), "accuracy": _("Accuracy"), "dice": _("Dice")}
    for axes, quantity in zip((left, *others), ("loss", *quantities), strict=True):
        for epochs, kept in trainings:
            _curve(axes, epochs, f"train_{quantity}", COLOURS[1], "--")
            _curve(axes, epochs, f"val_{quantity}", COLOURS[0], "-")
            _mark(axes, epochs, f"val_{quantity}", kept)
        if len(trainings) > 1:
            for line in axes.lines:
                line.set_alpha(0.65)
                line.set_linewidth(1.2 if len(trainings) <= MANY else 0.8)
                line.set_markersize(7 if len(trainings) <= MANY else 4)
        for end in boundaries:
            axes.axvline(end + 0.5, color=GREY, linestyle=":", linewidth=1, zorder=0)
        axes.set_title(titles[quantity])
        axes.set_xlabel(_("Epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        decimals(axes, voice)
    for right in others:
        low, high = right.get_ylim()
        if low >= 0.5 and high <= 1.05:
            right.set_ylim(min(low, 0.5), 1.02)
        else:
            shares(right, voice, "y")
        decimals(right, voice)
    handles = [
        left.plot([], [], color=COLOURS[1], linestyle="--")[0],
        left.plot([], [], color=COLOURS[0])[0],
        left.plot([], [], color=GREY, marker="D", linestyle="none")[0],
    ]
    names = [_("training"), _("validation"), _("epoch kept")]
    if boundaries:
        handles.append(left.plot([], [], color=GREY, linestyle=":")[0])
        names.append(_("end of a phase"))
    figure.legend(handles, names, loc="outside upper left", ncols=4)


def phase_ends(epochs: Epochs) -> list[int]:
    """Last epoch of each phase but the last one."""
    pairs = itertools.pairwise(row for row in epochs if "epoch" in row)
    return [int(one["epoch"]) for one, other in pairs if one.get("phase", 1) != other.get("phase", 1)]


def _curve(axes: Axes, epochs: Epochs, key: str, colour: str, dashes: str) -> None:
    points = [(row["epoch"], row[key]) for row in epochs if row.get(key) is not None and "epoch" in row]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, dashes, color=colour, marker="." if len(points) < 3 else None)


def _mark(axes: Axes, epochs: Epochs, key: str, best: int | None) -> None:
    value = next((row.get(key) for row in epochs if row.get("epoch") == best), None)
    if best is not None and value is not None:
        axes.plot([best], [value], "D", color=COLOURS[0], markeredgecolor="white", markersize=7, zorder=5)
