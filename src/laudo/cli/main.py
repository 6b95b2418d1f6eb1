"""``laudo``: the program's entry, its table of commands, and what every command has in common."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from laudo.core.messages import LANGUAGES, _, set_language


def _language_of_arguments(arguments: list[str]) -> None:
    """Choose the language before the help texts are made: ``--lang`` anywhere on the line, else the environment's."""
    for place, word in enumerate(arguments):
        value = word.partition("=")[2] if word.startswith("--lang=") else ""
        if word == "--lang" and place + 1 < len(arguments):
            value = arguments[place + 1]
        if value in LANGUAGES:
            set_language(value)


_language_of_arguments(sys.argv[1:])

from laudo.cli import (  # noqa: E402 (their help texts need the language)
    catalog_commands,
    commands,
    data_commands,
    export_commands,
    reproduce_commands,
    tune_command,
)
from laudo.cli.options import Lang  # noqa: E402

app = typer.Typer(
    name="laudo",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,  # rich help costs 0.15 s of imports,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=_(
        "From a folder of medical images to a trained, explained and honestly evaluated model, and a report you can defend."
    ),
    epilog=_("Exit codes: 0 done · 1 the answer is no · 2 wrong usage or bad input · 3 partly done"),
    pretty_exceptions_enable=False,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": commands.demo,
    "train": commands.train,
    "evaluate": commands.evaluate,
    "predict": commands.predict,
    "explain": commands.explain,
    "report": commands.report,
    "reproduce": reproduce_commands.reproduce,
    "compare": commands.compare,
    "tune": tune_command.tune,
    "export": export_commands.export,
    "doctor": commands.doctor,
}
"""Every command. A new one is a function and a line here."""

DATA_COMMANDS: dict[str, Callable[..., None]] = {
    "sources": data_commands.sources,
    "make": data_commands.make,
    "fetch": data_commands.fetch,
    "import": data_commands.import_,
    "audit": data_commands.audit,
    "split": data_commands.split,
    "prepare": data_commands.prepare,
}

CATALOG_COMMANDS: dict[str, Callable[..., None]] = {
    "import": catalog_commands.import_,
    "search": catalog_commands.search,
    "export": catalog_commands.export,
    "embed": catalog_commands.embed,
}

for _name, _function in COMMANDS.items():
    app.command(_name)(_function)
data_app = typer.Typer(help=_("List, make, fetch, import, audit, split and prepare data sets."), no_args_is_help=True)
for _name, _function in DATA_COMMANDS.items():
    data_app.command(_name)(_function)
app.add_typer(data_app, name="data")
catalog_app = typer.Typer(help=_("Import cases into a catalogue, search them, export them."), no_args_is_help=True)
for _name, _function in CATALOG_COMMANDS.items():
    catalog_app.command(_name)(_function)
app.add_typer(catalog_app, name="catalog")


def examples() -> list[tuple[str, str]]:
    """Six commands to copy, and what each does."""
    return [
        ("laudo demo", _("the whole way on synthetic images: at most three minutes, no data needed")),
        ("laudo data audit path/to/images", _("what is wrong with a folder of images")),
        (
            "laudo train folders --data path/to/images --out runs/mine",
            _("train on your own images, one folder a class"),
        ),
        (
            "laudo train kaggle-vgg19 --data path/to/kaggle_brain --folds all --out runs/brain",
            _("cross-validate a published system, done well"),
        ),
        ("laudo predict runs/mine path/to/new -o answers", _("ask the model about new images")),
        ("laudo report runs/mine --lang pt", _("write the report in Portuguese")),
    ]


@app.callback()
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help=_("Show the version and leave."))] = False,
    lang: Lang = None,
) -> None:
    if version:
        from laudo import __version__

        typer.echo(f"laudo {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(_("laudo: medical images in, a model and an honest report out.") + "\n")
        for command, text in examples():
            typer.echo(f"  {command}\n      {text}")
        typer.echo("\n" + _("All commands: laudo --help"))


def main() -> None:
    """Run the command line; errors that a person can act on end with exit code 2 and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # pipes on Windows would refuse ✓ and ã
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    app()


if __name__ == "__main__":
    main()
