"""Loss and accuracy over the epochs, of one training or of all folds."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from laudo.report.figures.sheet import COLOURS, GREY, decimals, shares
from laudo.report.voice import Voice

Epochs = list[dict[str, Any]]


def draw(figure: Figure, voice: Voice, logs: list[tuple[int, Epochs]], best: dict[int, int]) -> None:
    """Loss on the left, accuracy on the right; ``best`` maps a fold to the epoch whose weights were kept."""
    _ = voice.gettext
    left, right = figure.subplots(1, 2)
    for axes, quantity, title in ((left, "loss", _("Loss")), (right, "accuracy", _("Accuracy"))):
        for number, epochs in logs:
            _curve(axes, epochs, f"train_{quantity}", COLOURS[1], "--")
            _curve(axes, epochs, f"val_{quantity}", COLOURS[0], "-")
            _mark(axes, epochs, f"val_{quantity}", best.get(number))
        if len(logs) > 1:
            for line in axes.lines:
                line.set_alpha(0.65)
                line.set_linewidth(1.2)
        axes.set_title(title)
        axes.set_xlabel(_("Epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        decimals(axes, voice)
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
    figure.legend(handles, [_("training"), _("validation"), _("epoch kept")], loc="outside upper left", ncols=3)


def _curve(axes: Axes, epochs: Epochs, key: str, colour: str, dashes: str) -> None:
    points = [(row["epoch"], row[key]) for row in epochs if row.get(key) is not None and "epoch" in row]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, dashes, color=colour, marker="." if len(points) < 3 else None)


def _mark(axes: Axes, epochs: Epochs, key: str, best: int | None) -> None:
    value = next((row.get(key) for row in epochs if row.get("epoch") == best), None)
    if best is not None and value is not None:
        axes.plot([best], [value], "D", color=COLOURS[0], markeredgecolor="white", markersize=7, zorder=5)
