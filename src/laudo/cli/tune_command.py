"""The command that searches over settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Data, Debug, Json, Lang, Settings
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer


def tune(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=_("Name of a shipped recipe, or a YAML file."))],
    trials: Annotated[
        int | None,
        typer.Option("--trials", "-n", metavar="N", min=1, help=_("Trials in all; default: 30, of a grid all.")),
    ] = None,
    sampler: Annotated[
        str, typer.Option("--sampler", metavar="tpe|grid|genetic", help=_("What draws the settings of a trial."))
    ] = "tpe",
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="TUNE", help=_("Folder; default: tunes/<recipe>-<sampler>."))
    ] = None,
    settings: Settings = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range",
            metavar="a.b=…",
            help=_("Range of a key: LOW:HIGH, LOW:HIGH:log, LOW:HIGH:STEP, or values A,B,C; may be given many times."),
        ),
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option("--folds", metavar="inner", help=_("Judge by folds of training and validation part.")),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(
            "--storage",
            metavar="URL",
            help=_(
                "Data base that several processes and machines share: postgresql://…; default: a file in the folder."
            ),
        ),
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", metavar="M", min=0.0, help=_("Stop after the epoch in which this time is over.")),
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_tune import tune_answer

    def work() -> Answer:
        from laudo.core.recipe_range_text import range_setting
        from laudo.workflows import steps

        changes = [*(settings or ()), *(range_setting(text) for text in ranges or ())]
        place = out or Path("tunes") / f"{Path(recipe).stem}-{sampler}"
        found = steps.tune(
            recipe,
            data,
            place,
            changes,
            trials=trials,
            sampler=sampler,
            storage=storage,
            folds=folds,
            max_minutes=max_minutes,
        )
        return tune_answer(found, place)

    run_command(work, json, debug)


# A help text is a docstring at the time the table is read, so that it can be in the reader's language.
tune.__doc__ = _(
    "Search for the best settings of a recipe; start it many times with one --storage to share the work, again to go on."
)
