"""The steps as functions of the same names as the commands; the command line calls these.

Each imports what it needs when it is called: an audit must not wait for the training's libraries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from laudo.core.errors import LaudoError
from laudo.core.messages import _, current_language

if TYPE_CHECKING:
    import pandas as pd

    from laudo.catalog.filters import Conditions
    from laudo.catalog.result import Found
    from laudo.core.run import Run
    from laudo.workflows.data_jobs import AuditedData

PathLike = str | Path


def demo(out: PathLike = "demo", language: str | None = None) -> Run:
    """The main job on synthetic images."""
    from laudo.workflows.demo import run_demo

    return run_demo(Path(out), language or current_language())


def make_data(kind: str, folder: PathLike, n: int | None = None, seed: int = 0, size: int | None = None) -> Path:
    """Write a synthetic data set; number and size default to the kind's own."""
    from laudo.workflows.data_jobs import make_phantoms

    return make_phantoms(kind, Path(folder), n, seed, size)


def fetch_data(source: str, folder: PathLike) -> dict[str, Any]:
    """Bring a public data set from its publisher, where that needs no account."""
    from laudo.sources.fetch import fetch
    from laudo.sources.table import get_source

    return fetch(get_source(source), Path(folder))


def import_data(source: str, root: PathLike, out: PathLike) -> dict[str, Any]:
    """List the samples of a data set into ``out``; a second time, only what has changed is read."""
    from laudo.workflows.import_set import import_data

    return import_data(source, Path(root), Path(out))


def audit(
    where: PathLike,
    source: str | None = None,
    label: str | None = None,
    against: PathLike | None = None,
    inflation: bool = False,
) -> AuditedData:
    """What is wrong with a data set: a folder, a table or a manifest.

    Args:
        where: its folder, table or manifest.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class; default: the source's own.
        against: another data set, of whose images copies are looked for.
        inflation: also train a cheap model under a random and under a grouped split.
    """
    from laudo.workflows.data_jobs import audit_data

    return audit_data(Path(where), source, label, None if against is None else Path(against), inflation)


def write_audit(
    audited: AuditedData, out: PathLike | None, html: PathLike | None, language: str | None = None
) -> dict[str, str]:
    """Write an audit: audit.json and the manifest of the usable samples into the folder ``out``, a page to the file ``html``."""
    from laudo.workflows.data_jobs import write_audit

    return write_audit(
        audited, Path(out) if out else None, Path(html) if html else None, language or current_language()
    )


def split_data(
    where: PathLike,
    out: PathLike,
    settings: Mapping[str, Any] | None = None,
    folds: int | None = None,
    source: str | None = None,
    label: str | None = None,
) -> dict[str, Any]:
    """Divide a data set into parts, or into folds, and write its manifest into ``out``.

    Args:
        where: its folder, table or manifest.
        out: folder for the manifest.
        settings: of the section ``split`` of a recipe (``by``, ``test``, ``validation``, ``repeats``, ``seed``).
        folds: number of folds; default: parts.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class; default: the source's own.

    Raises:
        LaudoError: the settings are not valid, or the data can not be divided so.
    """
    from pydantic import ValidationError

    from laudo.core.recipe import Split
    from laudo.workflows.data_jobs import split_data

    chosen = dict(settings or {})
    if folds and ({"test", "validation"} & set(chosen)):
        raise LaudoError(
            _("--test and --validation are shares of parts: with --folds each fold is the test part once.")
        )
    if not folds and "repeats" in chosen:
        raise LaudoError(_("--repeats needs --folds: parts are drawn once."))
    if chosen.get("by") == "official" and ({"test", "repeats"} & set(chosen)):
        raise LaudoError(_("An official split is as its authors made it: --test and --repeats do not belong to it."))
    try:
        split = Split.model_validate(chosen)
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise LaudoError(_("The split can not be made like this."), details=problems) from error
    return split_data(Path(where), Path(out), split, folds, source, label)


def prepare(
    recipe: PathLike, data: PathLike | None = None, settings: Sequence[str] = (), jobs: int | None = None
) -> dict[str, Any]:
    """Write what a recipe's network eats into the cache, ahead of the training."""
    from laudo.workflows.prepare_data import prepare_data

    return prepare_data(str(recipe), settings, None if data is None else Path(data), jobs)


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
    run: PathLike, data: PathLike | None = None, split: str | None = None, language: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Name and metrics of a part of the run's split, computed anew (default: the one that is quoted), or of other images."""
    from laudo.core.run import Run
    from laudo.workflows.evaluate_run import evaluate_external, evaluate_part

    folder = Run(Path(run))
    if data is not None and split is not None:
        raise LaudoError(_("--split and --data exclude each other: other images are one part."), found=split)
    if data is not None:
        return "external", evaluate_external(folder, Path(data), language or current_language())
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


def report(run: PathLike, language: str | None = None) -> Path:
    """Write report.html and MODEL_CARD.md of a run again."""
    from laudo.core.run import Run
    from laudo.workflows.write_report import write_reports

    folder = Run(Path(run))
    folder.recipe()  # a folder without a recipe is no run
    return write_reports(folder, language or current_language())


def compare(
    runs: Sequence[PathLike], out: PathLike, shared: bool = False, language: str | None = None
) -> dict[str, Any]:
    """Compare runs that outlined the same structures of the same cases: writes compare.json and compare.html into ``out``.

    Args:
        runs: two or more run folders.
        out: folder for the results.
        shared: compare on the cases that all runs share; else other cases are an error.
        language: of the page; default the current one.
    """
    from laudo.workflows.compare_runs import compare_runs

    return compare_runs([Path(run) for run in runs], Path(out), language or current_language(), shared)


def _path(given: PathLike | None) -> Path | None:
    return None if given is None else Path(given)


def catalog_import(
    what: PathLike,
    root: PathLike | None = None,
    *,
    db: PathLike | None = None,
    name: str | None = None,
    embed: str | None = None,
    prune: bool = False,
) -> dict[str, Any]:
    """Bring a data set, a manifest or a run into a catalogue.

    Args:
        what: name of a source; or a manifest, a folder of images, or a run, whose predictions are registered.
        root: the data set's folder, of a source.
        db: file or address of the catalogue; default: LAUDO_CATALOG, else ``laudo-catalog.sqlite``.
        name: of the data set in the catalogue; default: its source's or folder's.
        embed: backbone that makes vectors of the images.
        prune: remove images of the data set that are not listed any more.
    """
    from laudo.workflows.catalog_jobs import import_into

    return import_into(str(what), None if root is None else Path(root), _db(db), name, embed, prune)


def catalog_embed(backbone: str, *, db: PathLike | None = None, again: bool = False) -> dict[str, Any]:
    """Make the vectors that the images of a catalogue lack."""
    from laudo.workflows.catalog_jobs import embed_into

    return embed_into(backbone, _db(db), again)


def catalog_search(
    words: str = "",
    *,
    db: PathLike | None = None,
    limit: int = 20,
    like: PathLike | None = None,
    encoder: str | None = None,
    **conditions: Unpack[Conditions],
) -> Found:
    """Images of a catalogue by words of their cases, by filters, by likeness: the best first, with their cases.

    Args:
        words: all must stand in the texts; ``"a phrase"``, ``-excluded``, ``beginning*``.
        db: file or address of the catalogue.
        limit: images at most.
        like: an image; the nearest to it come first.
        encoder: whose vectors are compared; default: the only one that the catalogue has.
        conditions: ``modality, plane, location, sex, age, split, source, wrong, part``; see
            :class:`laudo.catalog.filters.Filters`.
    """
    from laudo.catalog.filters import Filters
    from laudo.workflows.catalog_jobs import search_in

    image = None if like is None else Path(like)
    return search_in(_db(db), words, Filters.of(conditions), limit, image, encoder)


def catalog_export(
    out: PathLike,
    words: str = "",
    *,
    db: PathLike | None = None,
    limit: int | None = None,
    **conditions: Unpack[Conditions],
) -> dict[str, Any]:
    """Write the manifest of the images that :func:`catalog_search` finds into the folder ``out``, for a training."""
    from laudo.catalog.filters import Filters
    from laudo.workflows.catalog_jobs import export_from

    return export_from(_db(db), words, Filters.of(conditions), Path(out), limit)


def _db(named: PathLike | None) -> str | None:
    return None if named is None else str(named)
