"""The answer of ``laudo reproduce``: whether it came out the same, and what can explain it where it did not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import PARTLY_DONE, Answer
from laudo.core.messages import _, current_language

CODES = {"identical": 0, "close": 0, "unfinished": PARTLY_DONE}
"""Exit code of each verdict; 1 of the others."""


def reproduction_answer(found: dict[str, Any], out: Path) -> Answer:
    """Every quoted figure of both runs, the verdict, and where the new run is."""
    paths = {"report": str(out / "report.html"), "table": str(out / "reproduce.json")}

    def show(console: Console) -> None:
        from laudo.report.reproduction_words import sentences
        from laudo.report.voice import Voice

        voice = Voice(current_language())
        if found.get("figures"):
            console.print(_table(found, voice))
        first, *others = sentences(found, voice)
        console.print(Text(first, style="bold"))
        for text in others:
            console.print(Text("· " + text))
        console.print(Text.assemble((_("Table: "), "bold"), paths["table"]))

    return {**found, **paths}, show, CODES.get(found["verdict"], 1)


def _table(found: dict[str, Any], voice: Any) -> Table:
    from laudo.report.reproduction_words import figure_rows

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for column in (found["run"], found["again"], _("difference")):
        table.add_column(column, justify="right")
    table.add_column("")
    for row in figure_rows(found, voice):
        table.add_row(row["name"], row["first"], row["again"], row["difference"], row["agreement"])
    return table
