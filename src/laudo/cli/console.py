"""What a person sees: progress bars and messages on stderr, results on stdout, errors without tracebacks."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from laudo.core.disk import disk_told
from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.core.progress import listen

PARTLY_DONE = 3
"""Exit code when some of the input could be used and some could not."""

Answer = tuple[dict[str, Any], Callable[[Console], None], int]
"""What a command gives back: the JSON object, how to show it to a person, the exit code."""


class Bars:
    """Progress as Rich bars; outside a terminal only the messages."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def start(self, what: str, total: int | None) -> int:
        """Show a bar."""
        return int(self.progress.add_task(what, total=total, note=""))

    def advance(self, step: int, parts: int = 1, note: str = "") -> None:
        """Move it."""
        if note:
            self.progress.update(TaskID(step), note=note)
        self.progress.advance(TaskID(step), parts)

    def finish(self, step: int) -> None:
        """Take it away."""
        self.progress.remove_task(TaskID(step))

    def say(self, text: str) -> None:
        """One line that stays."""
        self.console.print(Text("· " + text))


def run_command(work: Callable[[], Answer], as_json: bool, debug: bool) -> None:
    """Do the work of a command, show its answer and leave with its exit code.

    With ``as_json`` stdout holds one JSON object and nothing else, errors included.
    """
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    bars = Bars(errors)
    try:
        with bars.progress, listen(bars), disk_told(Path.cwd()):
            facts, show, code = work()
    except LaudoError as error:
        if debug:
            traceback.print_exc()
        show_error(error, errors)
        if as_json:
            print(json.dumps(error.as_dict(), ensure_ascii=False))
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        errors.print(_("Stopped. What was finished is kept; go on with --resume."))
        raise typer.Exit(130) from None
    except (
        Exception
    ) as error:  # whatever a library lets out: a line for a person, an object for a program, never silence
        if debug:
            traceback.print_exc()
        text = str(error).strip().splitlines()
        unexpected = LaudoError(
            _("Something unexpected happened: {what}").format(what=text[0] if text else type(error).__name__),
            found=type(error).__name__,
            cure=_(
                "Run the command again with --debug to see where; if it looks like a fault of laudo, please report it."
            ),
        )
        show_error(unexpected, errors)
        if as_json:
            print(json.dumps(unexpected.as_dict(), ensure_ascii=False))
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        show(Console(file=sys.stdout, soft_wrap=True, highlight=False))
    if code:
        raise typer.Exit(code)


def show_error(error: LaudoError, console: Console) -> None:
    """What happened, and below it file, expectation, finding and cure."""
    console.print(Text.assemble((_("Error: "), "bold red"), (error.what, "bold")))
    for label, text in error.lines():
        console.print(Text.assemble((f"  {label}: " if label != "·" else "  · ", "dim"), text))
