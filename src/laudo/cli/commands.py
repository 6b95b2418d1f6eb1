"""The commands that make and use runs. Each is a typed function; what it needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from laudo.cli.options import Data, Debug, Json, Lang, Masks, Output, Paths, RunFolder, Settings, Texts
from laudo.core.messages import _

if TYPE_CHECKING:
    from laudo.cli.console import Answer


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=_("Folder for data, run and report."))] = Path(
        "demo"
    ),
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import run_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return run_answer(steps.demo(out))

    run_command(work, json, debug)


def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help=_("Name of a shipped recipe, or a YAML file."))],
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="RUN", help=_("Run folder; default: runs/<recipe>."))
    ] = None,
    settings: Settings = None,
    folds: Annotated[
        str | None, typer.Option("--folds", metavar="all", help=_("Cross-validate: train every fold and pool."))
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help=_("Go on with the run in the folder."))] = False,
    max_minutes: Annotated[
        float | None,
        typer.Option("--max-minutes", metavar="M", min=0.0, help=_("Stop after the epoch in which this time is over.")),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Show what would be done; write nothing."))] = False,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import plan_answer, run_answer

    def work() -> Answer:
        if dry_run:
            from laudo.workflows.plan import plan_training

            return plan_answer(plan_training(recipe, settings or (), data, folds))
        from laudo.workflows import steps

        return run_answer(steps.train(recipe, data, out, settings or (), folds, resume, max_minutes))

    run_command(work, json, debug)


def evaluate(
    run: RunFolder,
    data: Data = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="PART",
            help=_("Part to score again: train, val, test or pooled; default: the quoted one."),
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="THEIRS=OURS",
            help=_("With --data: the model's class of one of the images' classes; THEIRS= leaves it out; repeatable."),
        ),
    ] = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import metrics_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return metrics_answer(*steps.evaluate(run, data, split, classes=classes or ()))

    run_command(work, json, debug)


def predict(
    run: RunFolder,
    paths: Paths,
    out: Output,
    masks: Masks = None,
    texts: Texts = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import predictions_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return predictions_answer(steps.predict(run, paths, out, masks, texts), out)

    run_command(work, json, debug)


def explain(
    run: RunFolder,
    paths: Paths,
    out: Output,
    method: Annotated[str, typer.Option("--method", help=_("How to explain."))] = "grad-cam",
    target: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help=_("Class to explain; default: the predicted one."))
    ] = None,
    masks: Masks = None,
    texts: Texts = None,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import explanations_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return explanations_answer(steps.explain(run, paths, out, method, target, masks, texts), out)

    run_command(work, json, debug)


def report(
    run: RunFolder,
    pdf: Annotated[bool, typer.Option("--pdf", help=_("Write report.pdf too."))] = False,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show import files_answer

    def work() -> Answer:
        from laudo.workflows import steps

        path = steps.report(run, pdf=pdf)
        return files_answer({"report": path.with_suffix(".html"), **({"pdf": path} if pdf else {})})

    run_command(work, json, debug)


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help=_("Two run folders, or more."))],
    out: Output,
    shared: Annotated[
        bool, typer.Option("--shared", help=_("Compare on the cases that all runs share, and leave out the others."))
    ] = False,
    any_structure: Annotated[
        bool,
        typer.Option("--any-structure", help=_("Score masks anew, as if all structures were one: for runs of others.")),
    ] = False,
    lang: Lang = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_comparison import comparison_answer

    def work() -> Answer:
        from laudo.workflows import steps

        return comparison_answer(steps.compare(runs, out, shared, any_structure=any_structure), out)

    run_command(work, json, debug)


def doctor(lang: Lang = None, json: Json = False, debug: Debug = False) -> None:
    from laudo.cli.console import run_command
    from laudo.cli.show_doctor import doctor_answer

    def work() -> Answer:
        from laudo.workflows.doctor import examine_machine

        return doctor_answer(examine_machine())

    run_command(work, json, debug)


# Help texts are docstrings at the time the table is read, so that they can be in the reader's language.
demo.__doc__ = _("The main job on synthetic images: make data, train, evaluate, explain, report.")
train.__doc__ = _("Train a recipe on a folder of images, judge it and write the report.")
evaluate.__doc__ = _("Score a run's predictions again, or the run on other images.")
predict.__doc__ = _("Ask a run's model about images; one row each, broken files included.")
explain.__doc__ = _("Show where in the images the evidence for a class lies.")
report.__doc__ = _("Write the report of a run again, in another language too.")
compare.__doc__ = _("Compare runs on the same cases: paired differences and tests, over several seeds of a recipe too.")
doctor.__doc__ = _("Show what laudo found on this machine: what is missing, what would be slow, and what to do.")
