"""Answer of the command that writes a model for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from laudo.core.messages import _

if TYPE_CHECKING:
    from rich.console import Console

    from laudo.cli.console import Answer


def export_answer(facts: dict[str, Any]) -> Answer:
    """Where the export is, and how it compared."""

    def show(console: Console) -> None:
        checked = facts["checked"]
        console.print(
            _("Compared with the model on {n} images: probabilities differ by at most {largest}.").format(
                n=checked["images"], largest=f"{checked['largest_difference_in_fp32']:.1e}"
            )
        )
        console.print(Text.assemble((_("Export: "), "bold"), facts["folder"]))

    return facts, show, 0
