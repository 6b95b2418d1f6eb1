"""How many images each class has in each part."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from laudo.report.figures.sheet import COLOURS, short, whole
from laudo.report.names import part_name
from laudo.report.voice import Voice

HATCHES = ("", "///", "...", "xxx")


def draw(figure: Figure, voice: Voice, counts: pd.DataFrame) -> None:
    """Stacked bars; ``counts`` has a row a class and a column a part."""
    _ = voice.gettext
    axes = figure.subplots()
    left = np.zeros(len(counts))
    for index, part in enumerate(counts.columns):
        values = counts[part].to_numpy(dtype=float)
        axes.barh(
            [short(str(name)) for name in counts.index],
            values,
            left=left,
            height=0.62,
            label=part_name(str(part), voice),
            color=COLOURS[index % len(COLOURS)],
            hatch=HATCHES[index % len(HATCHES)],
            edgecolor="white",
            linewidth=0.8,
        )
        left += values
    for row, total in enumerate(left):
        axes.text(total, row, f" {voice.integer(total)}", va="center", fontsize=9)
    axes.set_xlim(0, float(left.max()) * 1.12 if len(left) else 1)
    axes.invert_yaxis()
    whole(axes, voice, "x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(_("Images"))
    if len(counts.columns) > 1:
        figure.legend(loc="outside upper left", ncols=len(counts.columns))
