"""Confusion matrix: counts and the share of each true class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from laudo.report.figures.sheet import INK, short
from laudo.report.voice import Voice

PAPER_TO_BLUE = LinearSegmentedColormap.from_list("paper-to-blue", ["#f5f8fa", "#0b5a7a"])


def draw(figure: Figure, voice: Voice, classes: Sequence[str], matrix: np.ndarray) -> None:
    """``matrix`` is (K, K), rows are the truth."""
    _ = voice.gettext
    axes = figure.subplots()
    totals = matrix.sum(axis=1, keepdims=True)
    share = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    axes.imshow(share, cmap=PAPER_TO_BLUE, vmin=0, vmax=1)
    size = 13 if len(classes) <= 3 else 10 if len(classes) <= 6 else 7
    for row in range(len(classes)):
        for column in range(len(classes)):
            colour = "white" if share[row, column] > 0.5 else INK
            count = voice.integer(float(matrix[row, column]))
            if len(classes) <= 6:
                axes.text(
                    column, row - 0.08, count, ha="center", va="center", color=colour, fontsize=size, weight="bold"
                )
                percent = voice.percent(float(share[row, column]))
                axes.text(column, row + 0.2, percent, ha="center", va="center", color=colour, fontsize=size * 0.68)
            else:
                axes.text(column, row, count, ha="center", va="center", color=colour, fontsize=size)
    names = [short(name, 14) for name in classes]
    turned = 0 if len(classes) <= 4 else 60
    axes.set_xticks(
        range(len(classes)), names, rotation=turned, ha="center" if not turned else "right", rotation_mode="anchor"
    )
    axes.set_yticks(range(len(classes)), names)
    axes.set_xlabel(_("Answer of the model"))
    axes.set_ylabel(_("Truth"))
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
