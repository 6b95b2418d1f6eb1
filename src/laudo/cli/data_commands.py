"""The commands that look after data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Data, Debug, Json, Lang, Settings
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer

KINDS = (
    "phantom-brain", "kaggle-brain", "figshare", "bus-uc", "busi", "brats", "msd", "medpix2", "folders", "images-masks", "csv",
    "jsonl", "dicom",
)  # fmt: skip
"""Kinds of synthetic data, named here so that the help needs no library; a test compares them with the table."""

Where = Annotated[
    Path,
    typer.Argument(metavar="ROOT_OR_MANIFEST", help=_("A data set's folder, a table of images, or a manifest.")),
]
SourceName = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="NAME", help=_("Source that reads the folder; default: the one whose layout fits.")
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help=_("Column that names the class; default: the source's own.")),
]


def sources(lang: Lang = None, json: Json = False, debug: Debug = False) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_data import sources_answer

    def work() -> Answer:
        from laudo.sources.table import SOURCES

        return sources_answer(list(SOURCES.values()))

    run_command(work, json, debug)


def make(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=", ".join(KINDS))],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=_("Folder to write into."))],
    n: Annotated[int | None, typer.Option("-n", min=1, help=_("Number of samples; default: the kind's own."))] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help=_("Seed."))] = 0,
    size: Annotated[
        int | None, typer.Option("--size", min=16, max=512, help=_("Side in pixels; default: the kind's own."))
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import file_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return file_answer("folder", steps.make_data(kind, folder, n, seed, size))

    run_command(work, json, debug)


def fetch(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=_("Name of a source (laudo data sources)."))],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=_("Folder to fetch into."))],
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_data import fetch_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return fetch_answer(steps.fetch_data(source, folder), folder)

    run_command(work, json, debug)


def import_(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=_("Name of a source (laudo data sources)."))],
    root: Annotated[Path, typer.Argument(metavar="ROOT", help=_("The data set's folder, or a table of images."))],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for the manifest."))],
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_data import import_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return import_answer(steps.import_data(source, root, out))

    run_command(work, json, debug)


def audit(
    where: Where,
    source: SourceName = None,
    label: LabelColumn = None,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="ROOT", help=_("Another data set: look for copies of its images too.")),
    ] = None,
    inflation: Annotated[
        bool,
        typer.Option(
            "--inflation", help=_("Train a cheap model under a random and under a grouped split; print both.")
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help=_("Write the findings as a page too."))
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help=_("Folder for audit.json, proposals.csv and the manifest of what can be used."),
        ),
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_data import audit_answer

    def work() -> Answer:
        from laudo.workflows import steps

        audited = steps.audit(where, source, label, against, inflation)
        return audit_answer(audited.audit, audited.inflation, steps.write_audit(audited, out, html))

    run_command(work, json, debug)


def split(
    where: Where,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for the manifest."))],
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="group|patient|duplicates|official|sample",
            help=_(
                "What stays together: patients and copies, one of them, or nothing; or the parts of the data set's authors."
            ),
        ),
    ] = "group",
    test: Annotated[float | None, typer.Option("--test", help=_("Share of the test part; default 0.2."))] = None,
    validation: Annotated[
        float | None, typer.Option("--validation", help=_("Share of the validation part; default 0.16."))
    ] = None,
    folds: Annotated[int | None, typer.Option("--folds", min=2, help=_("Make so many folds instead of parts."))] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, help=_("Draw the folds so often, each time with the next seed."))
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help=_("Seed."))] = 0,
    source: SourceName = None,
    label: LabelColumn = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_data import split_answer

    def work() -> Answer:
        from laudo.workflows import steps

        settings = {"by": by, "test": test, "validation": validation, "repeats": repeats, "seed": seed}
        given = {name: value for name, value in settings.items() if value is not None}
        return split_answer(steps.split_data(where, out, given, folds, source, label))

    run_command(work, json, debug)


def prepare(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=_("Name of a shipped recipe, or a YAML file."))],
    data: Data = None,
    settings: Settings = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help=_("Threads; default: one a core."))] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import table_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return table_answer(steps.prepare(recipe, data, settings or (), jobs))

    run_command(work, json, debug)


sources.__doc__ = _("List the data sets that laudo can read.")
make.__doc__ = _("Make synthetic images in the form of a data set.")
fetch.__doc__ = _("Fetch a public data set that needs no account; goes on where it was cut.")
import_.__doc__ = _("List the samples of a data set into a manifest (Parquet and CSV).")
audit.__doc__ = _("Say what is wrong with a data set; exit code 1 when something must be mended.")
split.__doc__ = _("Divide a data set into parts or folds and write its manifest.")
prepare.__doc__ = _("Prepare the images of a recipe ahead of its training.")
