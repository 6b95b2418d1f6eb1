"""The answer of ``laudo tune``: the best settings, what they are worth, and where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import PARTLY_DONE, Answer
from laudo.core.messages import _, current_language

NO = 1
"""Exit code when all trials are over and none is finished: the search has found nothing."""


def tune_answer(result: dict[str, Any], out: Path) -> Answer:
    """The verdict, the best values, and the files."""
    page, recipe = out / "tune.html", out / "recipe.yaml"

    def show(console: Console) -> None:
        from laudo.report.tune_words import against_own, verdict, warning
        from laudo.report.voice import Voice

        voice = Voice(current_language())
        console.print(Text(verdict(result, voice), style="bold"))
        if own := against_own(result, voice):
            console.print(Text(own))
        counts = result["counts"]
        console.print(
            _("Trials: {finished} finished, {pruned} ended early, {failed} failed, {open} not over").format(**counts)
        )
        if result["best"] is not None:
            console.print(_table(result))
            for text in warning(result, voice):
                console.print(Text("· " + text, style="yellow"))
            console.print(Text.assemble((_("Recipe: "), "bold"), str(recipe)))
        console.print(Text.assemble((_("Page: "), "bold"), str(page)))

    found = {} if result["best"] is None else {"recipe_file": str(recipe)}
    facts = {**result, **found, "page": str(page), "table": str(out / "tune.json")}
    if result["state"] == "stopped":
        return facts, show, PARTLY_DONE
    return facts, show, 0 if result["best"] is not None else NO


def _table(result: dict[str, Any]) -> Table:
    best = result["trials"][result["best"] - 1]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for key, value in best["shown"].items():
        table.add_row(key, f"{value:.4g}" if isinstance(value, float) else str(value))
    return table
