"""The answer of ``laudo compare``: what differs between the runs, for a person and for a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from laudo.cli.console import Answer
from laudo.core.messages import _, current_language


def comparison_answer(result: dict[str, Any], out: Path) -> Answer:
    """Both runs' primary metric and their difference, the verdict, and where the page is."""
    page = out / "compare.html"

    def show(console: Console) -> None:
        from laudo.report.compare_words import FLATTERED, note_text
        from laudo.report.voice import Voice

        voice = Voice(current_language())
        names = [run["name"] for run in result["runs"]]
        for number, pair in enumerate(result["pairs"]):
            console.print(_table(result, number, names, voice))
            console.print(Text(pair["verdict"]["sentence"]))
        for note in result["notes"]:
            style = "yellow" if note["id"] in FLATTERED else "dim"
            console.print(Text("· " + note_text(note, names, voice), style=style))
        console.print(Text.assemble((_("Page: "), "bold"), str(page)))

    return {**result, "page": str(page), "table": str(out / "compare.json")}, show, 0


def _table(result: dict[str, Any], number: int, names: list[str], voice: Any) -> Table:
    from laudo.report.compare_tables import paired_table

    pair = result["pairs"][number]
    found = paired_table(result, number, result["primary"], voice)
    table = Table(title=found["name"], title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    columns = (
        names[pair["a"]],
        names[pair["b"]],
        _("difference"),
        _("95 % interval"),
        _("p (Holm)"),
        _("better / equal / worse"),
    )
    for column in columns:
        table.add_column(column, justify="right")
    for row in found["rows"]:
        counts = " / ".join(row["counts"])
        table.add_row(row["title"], row["a"], row["b"], row["difference"], row["interval"], row["p_holm"], counts)
    return table
