"""The steps as functions of the same names as the commands; the command line calls these.

Each imports what it needs when it is called: an audit must not wait for the training's libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laudo.core.errors import LaudoError
from laudo.core.messages import _, current_language
from laudo.workflows.catalog_steps import catalog_embed, catalog_export, catalog_import, catalog_search
from laudo.workflows.data_steps import audit, fetch_data, import_data, make_data, prepare, split_data, write_audit
from laudo.workflows.tune_steps import tune

if TYPE_CHECKING:
    import pandas as pd

    from laudo.core.run import Run

PathLike = str | Path

__all__ = [
    "audit",
    "catalog_embed",
    "catalog_export",
    "catalog_import",
    "catalog_search",
    "compare",
    "demo",
    "evaluate",
    "explain",
    "export",
    "fetch_data",
    "import_data",
    "make_data",
    "predict",
    "prepare",
    "report",
    "reproduce",
    "split_data",
    "train",
    "tune",
    "write_audit",
]


def demo(out: PathLike = "demo", language: str | None = None) -> Run:
    """The main job on synthetic images."""
    from laudo.workflows.demo import run_demo

    return run_demo(Path(out), language or current_language())


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
    from laudo.core.recipe_file import load_recipe

    loaded = load_recipe(recipe, settings)

    from laudo.train.loop import Deadline
    from laudo.workflows.train_run import Options, cross_validate, train_run

    options = Options(resume, Deadline.after(max_minutes), language or current_language())
    job = cross_validate if folds == "all" else train_run
    return job(loaded, None if data is None else Path(data), Path(out) if out else Path("runs") / loaded.name, options)


def evaluate(
    run: PathLike,
    data: PathLike | None = None,
    split: str | None = None,
    language: str | None = None,
    classes: Sequence[str] = (),
) -> tuple[str, dict[str, Any]]:
    """Name and metrics of a part of the run's split, computed anew (default: the one that is quoted), or of other images.

    Args:
        run: run folder.
        data: other images: an external validation; they are added to the run's metrics and report.
        split: part of the run's own split.
        language: of the report.
        classes: ``THEIRS=OURS`` of classes of other images that the model calls otherwise; ``THEIRS=`` leaves one out.
    """
    from laudo.core.run import Run
    from laudo.workflows.class_map import read_map
    from laudo.workflows.evaluate_run import evaluate_external, evaluate_part

    folder = Run(Path(run))
    if data is not None and split is not None:
        raise LaudoError(_("--split and --data exclude each other: other images are one part."), found=split)
    if data is not None:
        return "external", evaluate_external(folder, Path(data), language or current_language(), read_map(classes))
    if classes:
        raise LaudoError(_("--map is for other images: it needs --data."), found=classes[0])
    part = split or ("pooled" if folder.has_predictions("pooled") else folder.recipe().evaluation.headline)
    return part, evaluate_part(folder, part)


def predict(
    run: PathLike,
    paths: Sequence[PathLike],
    out: PathLike,
    masks: PathLike | None = None,
    texts: PathLike | None = None,
) -> pd.DataFrame:
    """One row an image, broken files included; also written into ``out`` as CSV and JSON.

    A model that was trained with masks needs those of the images, below the folder ``masks``; one that reads texts finds them in
    the table ``texts``, which names the images in its column ``image``.
    """
    from laudo.core.run import Run
    from laudo.workflows.use_model import predict_paths

    files = [Path(path) for path in paths]
    return predict_paths(Run(Path(run)), files, Path(out), _path(masks), _path(texts))


def explain(
    run: PathLike,
    paths: Sequence[PathLike],
    out: PathLike,
    method: str = "grad-cam",
    target: str | None = None,
    masks: PathLike | None = None,
    texts: PathLike | None = None,
) -> list[dict[str, Any]]:
    """Draw where in each image the evidence for a class lies: the predicted one, or ``target``; ``masks`` and ``texts`` as of
    :func:`predict`.
    """
    from laudo.core.run import Run
    from laudo.workflows.use_model import explain_paths

    files = [Path(path) for path in paths]
    return explain_paths(Run(Path(run)), files, Path(out), method, target, _path(masks), _path(texts))


def report(run: PathLike, language: str | None = None, pdf: bool = False) -> Path:
    """Write report.html, MODEL_CARD.md, references.bib and the checklists of a run again, and report.pdf where it is asked for.

    Returns:
        Path of report.pdf or, without ``pdf``, of report.html.

    Raises:
        LaudoError: what makes the PDF is not installed; the other files are written.
    """
    from laudo.core.run import Run
    from laudo.workflows.write_report import write_pdf_report, write_reports

    folder = Run(Path(run))
    folder.recipe()  # a folder without a recipe is no run
    write = write_pdf_report if pdf else write_reports
    return write(folder, language or current_language())


def reproduce(
    run: PathLike,
    out: PathLike,
    data: PathLike | None = None,
    resume: bool = False,
    max_minutes: float | None = None,
    tolerance: float | None = None,
    language: str | None = None,
) -> dict[str, Any]:
    """Train a run again from its own recipe and split, and compare what came out.

    Args:
        run: a finished run, or the root of a cross-validation.
        out: folder of the new run; ``reproduce.json`` is written there too.
        data: where the images are now; default: where they were, else ``LAUDO_DATA``.
        resume: go on with what ``out`` holds.
        max_minutes: stop after the epoch in which this time is over.
        tolerance: numbers agree within it; default :data:`laudo.evaluate.repeated.TOLERANCE`.
        language: of the new run's report; default the current one.

    Returns:
        What reproduce.json holds; see :func:`laudo.workflows.reproduce_run.reproduce_run`.
    """
    from laudo.core.run import Run
    from laudo.evaluate.repeated import TOLERANCE
    from laudo.train.loop import Deadline
    from laudo.workflows.reproduce_run import reproduce_run
    from laudo.workflows.train_run import Options

    options = Options(resume, Deadline.after(max_minutes), language or current_language())
    within = TOLERANCE if tolerance is None else tolerance
    return reproduce_run(Run(Path(run)), _path(data), Path(out), options, within)


def compare(
    runs: Sequence[PathLike],
    out: PathLike,
    shared: bool = False,
    language: str | None = None,
    any_structure: bool = False,
) -> dict[str, Any]:
    """Compare runs that outlined the same structures, or named the same classes, of the same cases: writes compare.json and
    compare.html into ``out``. Runs whose recipes differ in seeds only count as one recipe.

    Args:
        runs: two or more run folders.
        out: folder for the results.
        shared: compare on the cases that all runs share; else other cases are an error.
        language: of the page; default the current one.
        any_structure: score masks anew, as if all structures were one: for runs that outline other structures.
    """
    from laudo.workflows.compare_runs import compare_runs

    return compare_runs([Path(run) for run in runs], Path(out), language or current_language(), shared, any_structure)


def export(run: PathLike, kind: str, out: PathLike | None = None, images: Sequence[PathLike] = ()) -> dict[str, Any]:
    """Write a run's model as ``onnx`` or ``monai-bundle``; see :func:`laudo.workflows.export_run.export_run`."""
    from laudo.core.run import Run
    from laudo.workflows.export_run import export_run

    return export_run(Run(Path(run)), kind, _path(out), [Path(path) for path in images])


def _path(given: PathLike | None) -> Path | None:
    return None if given is None else Path(given)
