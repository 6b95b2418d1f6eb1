"""The steps as functions of the same names as the commands; the command line calls these.

Each imports what it needs when it is called: an audit must not wait for the training's libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from laudo.core.errors import LaudoError
from laudo.core.messages import _, current_language
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run

if TYPE_CHECKING:
    from laudo.audit.audit import Audit

PathLike = str | Path


def demo(out: PathLike = "demo", language: str | None = None) -> Run:
    """The main job on synthetic images."""
    from laudo.workflows.demo import run_demo

    return run_demo(Path(out), language or current_language())


def audit(where: PathLike) -> Audit:
    """What is wrong with a folder of images or a manifest."""
    from laudo.workflows.data_jobs import audit_data

    return audit_data(Path(where))


def train(
    recipe: PathLike,
    data: PathLike | None = None,
    out: PathLike | None = None,
    settings: Sequence[str] = (),
    folds: str | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    language: str | None = None,
) -> Run:
    """Train a recipe on a folder of images, judge it, explain it and write the report.

    Args:
        recipe: name of a shipped recipe, or a YAML file.
        data: the data set's folder, or one that holds it; default ``LAUDO_DATA``.
        out: run folder; default ``runs/<recipe>``.
        settings: changes of the recipe, ``a.b=c`` each.
        folds: ``all`` trains every fold and pools the out-of-fold predictions.
        resume: go on with what the folder holds.
        max_minutes: stop after the epoch in which this time is over.
        language: of the report; default the current one.

    Raises:
        LaudoError: the recipe, the data or the weights can not be used; it says why and what to do.
    """
    if folds not in (None, "all"):
        raise LaudoError(_("--folds takes one value."), found=str(folds), expected="all")
    loaded = load_recipe(recipe, settings)

    from laudo.train.fit import Deadline
    from laudo.workflows.train_run import Options, cross_validate, train_run

    options = Options(resume, Deadline.after(max_minutes), language or current_language())
    job = cross_validate if folds == "all" else train_run
    return job(loaded, None if data is None else Path(data), Path(out) if out else Path("runs") / loaded.name, options)


def evaluate(
    run: PathLike, data: PathLike | None = None, split: str | None = None, language: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Name and metrics of a part of the run's split, computed anew (default: the one that is quoted), or of other images."""
    from laudo.workflows.evaluate_run import evaluate_external, evaluate_part

    folder = Run(Path(run))
    if data is not None and split is not None:
        raise LaudoError(_("--split and --data exclude each other: other images are one part."), found=split)
    if data is not None:
        return "external", evaluate_external(folder, Path(data), language or current_language())
    part = split or ("pooled" if folder.has_predictions("pooled") else folder.recipe().evaluation.headline)
    return part, evaluate_part(folder, part)


def predict(run: PathLike, paths: Sequence[PathLike], out: PathLike) -> pd.DataFrame:
    """One row an image, broken files included; also written into ``out`` as CSV and JSON."""
    from laudo.workflows.use_model import predict_paths

    return predict_paths(Run(Path(run)), [Path(path) for path in paths], Path(out))


def explain(
    run: PathLike, paths: Sequence[PathLike], out: PathLike, method: str = "grad-cam", target: str | None = None
) -> list[dict[str, Any]]:
    """Draw where in each image the evidence for a class lies: the predicted one, or ``target``."""
    from laudo.workflows.use_model import explain_paths

    return explain_paths(Run(Path(run)), [Path(path) for path in paths], Path(out), method, target)


def report(run: PathLike, language: str | None = None) -> Path:
    """Write report.html and MODEL_CARD.md of a run again."""
    from laudo.workflows.write_report import write_reports

    folder = Run(Path(run))
    folder.recipe()  # a folder without a recipe is no run
    return write_reports(folder, language or current_language())
