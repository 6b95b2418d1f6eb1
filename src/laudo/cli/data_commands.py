"""The commands that look after data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Debug, Json, Lang
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer


def sources(lang: Lang = None, json: Json = False, debug: Debug = False) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import sources_answer

    def work() -> Answer:
        from laudo.sources.table import SOURCES

        return sources_answer(list(SOURCES.values()))

    run_command(work, json, debug)


def make(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=_("phantom-brain"))],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=_("Folder to write into."))],
    n: Annotated[int, typer.Option("-n", min=8, help=_("Number of images."))] = 400,
    seed: Annotated[int, typer.Option("--seed", min=0, help=_("Seed."))] = 0,
    size: Annotated[int, typer.Option("--size", min=32, max=512, help=_("Side in pixels."))] = 128,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import file_answer

    def work() -> Answer:
        from laudo.workflows.data_jobs import make_phantoms

        return file_answer("folder", make_phantoms(kind, folder, n, seed, size))

    run_command(work, json, debug)


def import_(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=_("Name of a source (laudo data sources)."))],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help=_("The data set's folder."))],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for the manifest."))],
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import file_answer

    def work() -> Answer:
        from laudo.workflows.data_jobs import import_data

        return file_answer("manifest", import_data(source, root, out))

    run_command(work, json, debug)


def audit(
    where: Annotated[Path, typer.Argument(metavar="ROOT_OR_MANIFEST", help=_("A folder of images, or a manifest."))],
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import audit_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return audit_answer(steps.audit(where))

    run_command(work, json, debug)


sources.__doc__ = _("List the data sets that laudo can read.")
make.__doc__ = _("Make synthetic images in the form of a data set.")
import_.__doc__ = _("List the samples of a data set into a manifest (Parquet and CSV).")
audit.__doc__ = _("Say what is wrong with a data set; exit code 1 when something must be mended.")
