"""Reliability diagram: how often answers of a given confidence are right."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, FAINT, GREY, shares, whole
from laudo.report.voice import Voice


def draw(
    figure: Figure, voice: Voice, bins: list[dict[str, Any]], axis: str, before: list[dict[str, Any]] | None = None
) -> None:
    """Observed share with its interval in each bin of probability, and below it how many images each bin holds.

    Args:
        figure: to draw on.
        voice: its language.
        bins: of metrics.json.
        axis: what the probabilities are of.
        before: the bins before a temperature scaled the probabilities; None where none did.
    """
    _ = voice.gettext
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":", label=_("perfect calibration"))
    for entry in bins:
        ends = entry.get("ci95") or (None, None)
        if None not in ends:
            upper.plot([entry["confidence"]] * 2, list(ends), color=COLOURS[0], linewidth=1.4, alpha=0.6)
    if before:
        points = [entry["confidence"] for entry in before], [entry["observed"] for entry in before]
        upper.plot(*points, "s--", color=COLOURS[1], linewidth=1.2, alpha=0.8, label=_("before scaling"))
    x = [entry["confidence"] for entry in bins]
    upper.plot(
        x, [entry["observed"] for entry in bins], "o-", color=COLOURS[0], label=_("observed, with 95 % interval")
    )
    shares(upper, voice)
    upper.set_ylabel(_("Observed share"))
    figure.legend(loc="outside upper left", ncols=3 if before else 2)
    lower.bar(x, [entry["n"] for entry in bins], width=0.05, color=FAINT, edgecolor=GREY, linewidth=0.8)
    lower.set_ylabel(_("Images"))
    lower.set_xlabel(axis)
    whole(lower, voice)
    lower.grid(visible=False, axis="x")
    shares(lower, voice, "x")
