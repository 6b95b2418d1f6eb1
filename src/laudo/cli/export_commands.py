"""The command that writes a model for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Debug, Json, Lang, RunFolder
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer


def export(
    run: RunFolder,
    format: Annotated[str, typer.Option("--format", metavar="onnx|monai-bundle", help=_("What to write."))],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="PATH",
            help=_("Folder for the export, or a .zip file of a bundle; default: RUN/export/…."),
        ),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help=_("Images to compare the export with the model by; default: the run's own."),
        ),
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_export import export_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return export_answer(steps.export(run, format, out, images or ()))

    run_command(work, json, debug)


export.__doc__ = _(
    "Write a run's model for other programs, as an ONNX graph or a MONAI bundle, compared with it first."
)
