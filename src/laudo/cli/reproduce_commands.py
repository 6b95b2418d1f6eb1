"""The command that trains a run again and compares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Data, Debug, Json, Lang, RunFolder
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer


def reproduce(
    run: RunFolder,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="NEW", help=_("Folder of the new run."))],
    data: Data = None,
    resume: Annotated[bool, typer.Option("--resume", help=_("Go on with the run in the folder."))] = False,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", metavar="M", min=0.0, help=_("Stop after the epoch in which this time is over.")),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            metavar="T",
            min=0.0,
            help=_("Figures agree within it, absolute or relative; default: 0.001."),
        ),
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_reproduction import reproduction_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return reproduction_answer(steps.reproduce(run, out, data, resume, max_minutes, tolerance), out)

    run_command(work, json, debug)


reproduce.__doc__ = _("Train a run again from its own recipe and split, and compare every figure and prediction.")
