"""The answer of ``laudo compare``: what differs between the runs, for a person and for a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import Answer
from laudo.core.messages import _, current_language

SHOWN = ("a", "b", "difference", "p_holm", "test", "counts")
"""Columns that a terminal has room for; the page has all."""


def comparison_answer(result: dict[str, Any], out: Path) -> Answer:
    """Both runs' primary metric and their difference, the verdict, and where the page is."""
    page = out / "compare.html"

    def show(console: Console) -> None:
        from laudo.report.compare_notes import FLATTERED, note_text
        from laudo.report.compare_seeds import spread_table
        from laudo.report.voice import Voice

        voice = Voice(current_language())
        names = [run["name"] for run in result["runs"]]
        spread = spread_table(result, voice)
        if spread is not None:
            console.print(_spread(spread))
        if "sentence" in result:
            console.print(Text(result["sentence"]))
        for number, pair in enumerate(result["pairs"]):
            console.print(_table(result, number, voice))
            console.print(Text(pair["verdict"]["sentence"]))
        for note in result["notes"]:
            style = "yellow" if note["id"] in FLATTERED else "dim"
            console.print(Text("· " + note_text(note, names, voice), style=style))
        console.print(Text.assemble((_("Page: "), "bold"), str(page)))

    return {**result, "page": str(page), "table": str(out / "compare.json")}, show, 0


def _spread(found: dict[str, Any]) -> Table:
    """Mean and standard deviation over the seeds of every recipe."""
    table = _empty(_("Mean ± standard deviation over the seeds"))
    for name in found["sides"]:
        table.add_column(name, justify="right")
    for row in found["rows"]:
        table.add_row(row["title"], *(f"{cell['value']} ± {cell['sd']}" for cell in row["cells"]))
    return table


def _table(result: dict[str, Any], number: int, voice: Any) -> Table:
    """A pair: of masks its primary metric by structure, of classes every metric."""
    from laudo.report.compare_tables import main_table

    found = main_table(result, number, voice)
    table = _empty(found["name"])
    shown = [column for column in found["columns"] if column["key"] in SHOWN]
    for column in shown:
        table.add_column(column["title"], justify="right")
        if column["key"] == "difference":
            table.add_column(_("95 % interval"), justify="right")
    for row in found["rows"]:
        cells = []
        for column in shown:
            cells += [row[column["key"]], row["interval"]] if column["key"] == "difference" else [row[column["key"]]]
        table.add_row(row["title"], *cells)
    return table


def _empty(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    return table
