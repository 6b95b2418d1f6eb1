"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from laudo.core.messages import LANGUAGES, _, set_language


def _check_language(value: str | None) -> str | None:
    if value is not None and value not in LANGUAGES:
        raise typer.BadParameter(_("choose one of {names}").format(names=", ".join(LANGUAGES)))
    if value is not None:
        set_language(value)
    return value


Json = Annotated[bool, typer.Option("--json", help=_("Print one JSON object on stdout and nothing else there."))]
Debug = Annotated[bool, typer.Option("--debug", help=_("Show the traceback of an error."))]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="en|pt|es",
        callback=_check_language,
        help=_("Language of messages and reports; default: the system's."),
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="ROOT",
        help=_("The data set's folder, one that holds it, or a manifest; default: LAUDO_DATA."),
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help=_("Change a value of the recipe; may be given many times.")),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help=_("A run folder."))]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help=_("Images, or folders of images."))]
Masks = Annotated[
    Path | None,
    typer.Option(
        "--masks",
        metavar="DIR",
        help=_("Folder of the images' masks, named like the images, for a model that needs them."),
    ),
]
Texts = Annotated[
    Path | None,
    typer.Option(
        "--texts",
        metavar="TABLE",
        help=_("Table of the images' texts (columns image, text), for a model that reads them."),
    ),
]
Output = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for the results."))]
