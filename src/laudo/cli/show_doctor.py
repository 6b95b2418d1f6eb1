"""Answer of `laudo doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from laudo.core.messages import _

if TYPE_CHECKING:
    from rich.console import Console

    from laudo.cli.console import Answer
    from laudo.workflows.doctor import Findings

SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "bold red")}


def doctor_answer(findings: Findings) -> Answer:
    """Every check with its sign, and what to do; exit code 1 when something is missing."""

    def show(console: Console) -> None:
        width = max(len(check.title) for check in findings.checks)
        for check in findings.checks:
            sign, style = SIGNS[check.status]
            console.print(Text.assemble((f"{sign} ", style), (f"{check.title:<{width}}  ", "dim"), check.found))
            if check.cure:
                console.print(Text(f"{'':<{width + 4}}→ {check.cure}", style="" if check.status != "ok" else "dim"))
        console.print(Text.assemble(("  " + _("networks") + ": ", "dim"), findings.networks))
        console.print(Text.assemble(("  " + _("recipes") + ": ", "dim"), ", ".join(findings.recipes)))
        verdicts = {
            "ok": _("Everything that laudo needs is here."),
            "warning": _("laudo works here; see what is marked with !"),
            "problem": _("Something that laudo needs is not here; see what is marked with ✗"),
        }
        console.print(Text(verdicts[findings.status], style="bold"))

    return findings.as_dict(), show, 1 if findings.status == "problem" else 0
