"""How much of the differences between trials each key accounts for."""

from __future__ import annotations

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, short
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, shares: dict[str, float]) -> None:
    """A bar a key, the most important one above."""
    axes = figure.subplots()
    order = sorted(shares.items(), key=lambda one: one[1])
    names = [short(key, 36) for key, _share in order]
    bars = axes.barh(names, [share for _key, share in order], color=COLOURS[0], height=0.6)
    axes.bar_label(bars, labels=[voice.percent(share) for _key, share in order], padding=4, fontsize=8.5)
    axes.set_xlim(0, max(0.05, 1.15 * max(shares.values())))
    axes.xaxis.set_visible(False)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
