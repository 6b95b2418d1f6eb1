"""Curves over all thresholds: ROC, and precision against recall."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, DASHES, GREY, shares
from laudo.report.voice import Voice


@dataclass(frozen=True)
class Curve:
    """One class's curve.

    Attributes:
        label: what the legend says.
        x: false positive rate, or recall.
        y: true positive rate, or precision.
    """

    label: str
    x: list[float]
    y: list[float]


def draw_roc(figure: Figure, voice: Voice, curves: list[Curve], point: tuple[float, float] | None) -> None:
    """Sensitivity against 1 − specificity; ``point`` is where the threshold puts the model."""
    _ = voice.gettext
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label=_("chance"))
    for index, curve in enumerate(curves):
        colour, dashes = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        axes.plot(curve.x, curve.y, label=curve.label, color=colour, linestyle=dashes)
    if point is not None:
        axes.plot(
            *point, "D", color=COLOURS[0], markeredgecolor="white", markersize=8, label=_("threshold used"), zorder=5
        )
    shares(axes, voice)
    axes.set_aspect("equal")
    axes.set_xlabel(_("False positive rate (1 − specificity)"))
    axes.set_ylabel(_("Sensitivity"))
    axes.legend(loc="lower right")


def draw_precision_recall(figure: Figure, voice: Voice, curves: list[Curve], prevalence: float | None) -> None:
    """Precision against recall; ``prevalence`` is what chance gives."""
    _ = voice.gettext
    axes = figure.subplots()
    if prevalence is not None:
        axes.axhline(prevalence, color=GREY, linewidth=1, linestyle=":", label=_("chance"))
    for index, curve in enumerate(curves):
        colour, dashes = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        axes.plot(curve.x, curve.y, label=curve.label, drawstyle="steps-pre", color=colour, linestyle=dashes)
    shares(axes, voice)
    axes.set_aspect("equal")
    axes.set_xlabel(_("Recall (sensitivity)"))
    axes.set_ylabel(_("Precision"))
    axes.legend(loc="lower left")
