"""How the scores of the two classes lie on either side of the threshold."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, INK, shares, short, whole
from laudo.report.voice import Voice

BINS = np.linspace(0, 1, 21)


def draw(
    figure: Figure,
    voice: Voice,
    classes: tuple[str, ...],
    positive: np.ndarray,
    truth: np.ndarray,
    threshold: float | None,
) -> None:
    """Histogram of the positive class's probability: (n,) ``positive``, (n,) ``truth`` as class index."""
    _ = voice.gettext
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, index, colour in ((upper, 1, COLOURS[1]), (lower, 0, COLOURS[0])):
        axes.hist(positive[truth == index], bins=BINS.tolist(), color=colour, edgecolor="white", linewidth=0.8)
        axes.set_title(_("Truth: {name}").format(name=short(classes[index])), fontsize=9)
        axes.set_ylabel(_("Images"))
        whole(axes, voice)
        axes.grid(visible=False, axis="x")
        if threshold is not None:
            axes.axvline(threshold, color=INK, linewidth=1.4, linestyle="--")
    if threshold is not None:
        label = " " + _("threshold {value}").format(value=voice.number(threshold))
        upper.text(
            threshold, upper.get_ylim()[1], label, va="top", ha="left" if threshold < 0.7 else "right", fontsize=8.5
        )
    shares(lower, voice, "x")
    lower.set_xlabel(_("Probability of {name}").format(name=short(classes[1])))
