"""Randomisation test of the maps: how alike they stay while the weights become random, layer by layer."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, GREY, decimals, short
from laudo.report.voice import Voice


def draw(figure: Figure, voice: Voice, stages: list[dict[str, Any]], limit: float) -> None:
    """Spearman correlation and SSIM with the trained network's map, from the top layer down."""
    _ = voice.gettext
    axes = figure.subplots()
    x = range(len(stages) + 1)
    for key, label, colour, marker in (
        ("spearman", _("rank correlation (Spearman)"), COLOURS[0], "o-"),
        ("ssim", _("structural similarity (SSIM)"), COLOURS[1], "s--"),
    ):
        values = [1.0, *[float("nan") if stage.get(key) is None else stage[key] for stage in stages]]
        axes.plot(x, values, marker, color=colour, label=label)
    axes.axhline(limit, color=GREY, linestyle=":", linewidth=1)
    axes.text(len(stages), limit, _("hardly changed above this line"), ha="right", va="bottom", fontsize=8, color=GREY)
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xticks(
        list(x), [_("trained"), *[short(str(stage["layer"]), 16) for stage in stages]], rotation=35, ha="right"
    )
    axes.set_ylim(min(-0.1, axes.get_ylim()[0]), 1.05)
    axes.set_xlabel(_("Weights made random down to this layer"))
    axes.set_ylabel(_("Likeness to the trained network's map"))
    decimals(axes, voice)
    figure.legend(loc="outside upper left", ncols=2)
