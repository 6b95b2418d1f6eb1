"""Train a run: from a recipe and a folder of images to a run folder with model, figures, maps and report."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laudo.core.disk import disk_told
from laudo.core.environment import describe_environment, file_hash
from laudo.core.errors import RunError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import dump_recipe
from laudo.core.run import Run
from laudo.networks.hardware import describe_hardware
from laudo.split.grouped import repeat
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.finish_classifier import finish_classifier
from laudo.workflows.finish_masks import finish_masks
from laudo.workflows.learner import Learner
from laudo.workflows.mask_learner import MaskLearner
from laudo.workflows.parts import DRAWN, Parts
from laudo.workflows.pool_folds import pool_folds, spread_over_repeats
from laudo.workflows.samples import Samples
from laudo.workflows.start_learner import open_data, start_learner
from laudo.workflows.write_report import report_even_if_failed, write_reports


@dataclass(frozen=True)
class Options:
    """What `laudo train` was asked beside the recipe.

    Attributes:
        resume: go on with what the folder holds.
        deadline: stop after the epoch in which it passes.
        language: of the report.
        parts: who says which samples train, choose and judge: drawn as the recipe says, or kept from another run.
    """

    resume: bool
    deadline: Deadline
    language: str
    parts: Parts = DRAWN


def train_run(recipe: Recipe, data: Path | None, out: Path, options: Options) -> Run:
    """Train once on the recipe's split.

    Raises:
        DataError, RecipeError, WeightsError: nothing was trained; a run that had begun says why in its report.
        RunError: the folder holds another run, or another process is training in it.
        DiskFullError: there is no room; what was trained is kept.
    """
    with disk_told(out), Run(out).locked():
        run = open_run(recipe, out, options.resume)
        if is_finished(run, options.language):
            return run
        dataset = open_data(recipe, data)
        _outside(run, dataset)
        run.begin(recipe)
        with report_even_if_failed(run, options.language):
            learner = start_learner(recipe, dataset)
            train_split(run, learner, options.parts.single(dataset.manifest, recipe), options)
            write_reports(run, options.language)
        return run


def cross_validate(recipe: Recipe, data: Path | None, out: Path, options: Options) -> Run:
    """Train every fold, each a run, and pool the out-of-fold predictions; with ``split.repeats``, do so with the next seeds too.

    The first repeat's folds are ``fold-1 …``; each further one is a cross-validation of its own in ``repeat-2 …``.
    """
    with disk_told(out), Run(out).locked():
        root = open_run(recipe, out, options.resume)
        if is_finished(root, options.language):
            return root
        dataset = open_data(recipe, data)
        _outside(root, dataset)
        root.begin(recipe)
        with report_even_if_failed(root, options.language):
            learner = _train_folds(root, recipe, dataset, None, options)
            if learner is not None:
                _train_repeats(root, recipe, learner, options)
            write_reports(root, options.language)
        return root


def _train_folds(
    root: Run, recipe: Recipe, dataset: Samples, learner: Learner[Any] | None, options: Options
) -> Learner[Any] | None:
    """Train and pool the folds of one cross-validation; None when time ran out before it was done."""
    manifest, divided = options.parts.folds(root, dataset.manifest, recipe)
    _begin(root, recipe, dataset, manifest)
    total = len(divided)
    learner = learner.with_recipe(recipe) if learner is not None else start_learner(recipe, dataset)
    for number, parts in enumerate(divided, start=1):
        say(_("Fold {number} of {total}").format(number=number, total=total))
        fold = open_run(recipe, root.folder / f"fold-{number}", resume=True)
        if not is_finished(fold, options.language):
            train_split(fold, learner, parts, options)
            write_reports(fold, options.language)
        if fold.state()["state"] == "stopped":
            root.set_state("stopped", reason="max_minutes", what=_("fold {n} is not finished").format(n=number))
            return None
    pool_folds(root, recipe)
    return learner


def _train_repeats(root: Run, recipe: Recipe, learner: Learner[Any], options: Options) -> None:
    """The further repeats, each in a folder of its own; then their spread in the root's metrics.json."""
    if recipe.split.repeats == 1:
        return
    repeats = [root]
    for number in range(2, recipe.split.repeats + 1):
        say(_("Repeat {number} of {total}").format(number=number, total=recipe.split.repeats))
        again = recipe.model_copy(update={"split": repeat(recipe.split, number)})
        run = open_run(again, root.folder / f"repeat-{number}", resume=True)
        repeats.append(run)
        if is_finished(run, options.language):
            continue
        run.begin(again)
        done = _train_folds(run, again, learner.unfitted, learner, options)
        write_reports(run, options.language)
        if done is None:
            what = _("repeat {n} is not finished").format(n=number)
            root.set_state("stopped", reason="max_minutes", what=what)
            return
    spread_over_repeats(root, repeats)


def train_split(run: Run, learner: Learner[Any], manifest: Manifest, options: Options) -> None:
    """Train on one split, judge, explain; everything but the report."""
    started = time.monotonic()
    recipe = learner.recipe
    manifest = learner.parts(manifest)
    _begin(run, recipe, learner.dataset, manifest)
    learner = learner.for_split(manifest)
    fitted = learner.train(run, manifest, options.deadline)
    if not learner.ready:
        run.set_state("stopped", reason=fitted.reason, epochs=len(fitted.epochs), seconds=_seconds(started, fitted))
        return
    stopped = _finish(run, learner, manifest, fitted, options.deadline)
    reason = "max_minutes" if stopped else fitted.reason
    run.set_state(
        "stopped" if stopped else "finished",
        reason=reason,
        epochs=len(fitted.epochs),
        seconds=_seconds(started, fitted),
    )


def open_run(recipe: Recipe, out: Path, resume: bool) -> Run:
    """The run folder: a new one, or the one to go on with. Nothing is written yet: the data may still be refused.

    Raises:
        RunError: it exists and ``resume`` was not asked for, or it belongs to another recipe.
    """
    run = Run(out)
    if not run.recipe_path.is_file():
        if out.is_dir() and any(path for path in out.iterdir() if not path.name.startswith(".")):
            raise RunError(_("The folder is not empty."), file=out, cure=_("Choose another one with --out."))
        return run
    begun = run.log_path.is_file() or run.checkpoints.is_dir() or bool(run.folds())
    if run.state()["state"] == "failed" and not begun:
        return run  # nothing was trained: weights or data were missing, and the user has mended that
    if not resume:
        raise RunError(
            _("There is a run in this folder already."),
            file=out,
            cure=_("Go on with it by --resume, or choose another folder with --out."),
        )
    if dump_recipe(run.recipe()) != dump_recipe(recipe):
        raise RunError(
            _("The run in this folder was begun with another recipe."),
            file=run.recipe_path,
            cure=_("Resume with the same recipe and the same --set, or choose another folder with --out."),
        )
    return run


def is_finished(run: Run, language: str) -> bool:
    """Whether there is nothing left to train; a report that a kill has prevented is written."""
    if run.state()["state"] != "finished":
        return False
    say(_("This run is already finished."))
    if not run.has_report():
        write_reports(run, language)
    return True


def _begin(run: Run, recipe: Recipe, dataset: Samples, manifest: Manifest) -> None:
    _same_data(run, manifest)
    run.begin(recipe)
    manifest.save(run.manifest_path)
    # of a cross-validation, every fold is a part that may share nothing with the others
    parts = (
        manifest
        if manifest.table["split"].any()
        else manifest.with_columns(split=manifest.table["fold"].astype(str).to_numpy())
    )
    run.write_json("audit", dataset.audit.with_split(parts).as_dict())
    hashes = {"manifest": manifest.content_hash(), "recipe": file_hash(run.recipe_path)}
    hardware = describe_hardware(dataset.device)
    run.write_json("environment", describe_environment(str(dataset.device), dataset.precision, hardware, **hashes))


def _outside(run: Run, dataset: Samples) -> None:
    """Refuse to write a run among the images: its pictures would become images of a class."""
    root = dataset.manifest.root.resolve()
    if run.folder.resolve().is_relative_to(root):
        raise RunError(
            _("The run folder lies inside the folder of the images."),
            file=run.folder,
            expected=_("a folder outside {root}").format(root=root),
            cure=_("Choose another one with --out."),
        )


def _same_data(run: Run, manifest: Manifest) -> None:
    """Refuse to go on with other data than a run was begun with: its test part may have been trained on.

    Raises:
        RunError: something was trained, and images, labels, groups or parts have changed since.
    """
    begun = run.log_path.is_file() or run.checkpoints.is_dir() or bool(run.folds())
    if begun and run.manifest_path.is_file() and run.manifest().content_hash() != manifest.content_hash():
        raise RunError(
            _("The data have changed since this run was begun."),
            file=run.manifest_path,
            cure=_("Bring the images back as they were, or begin a new run with another --out."),
        )


def _finish(run: Run, learner: Learner[Any], manifest: Manifest, fitted: Fitted, deadline: Deadline) -> bool:
    """Judge what was trained and keep it; whether time ran out."""
    if isinstance(learner, MaskLearner):
        return finish_masks(run, learner, manifest, fitted)
    assert isinstance(learner, ClassifierLearner), "there are two kinds"
    return finish_classifier(run, learner, manifest, fitted, deadline)


def _since(started: float) -> float:
    return round(time.monotonic() - started, 1)


def _seconds(started: float, fitted: Fitted) -> float:
    """Time a run took; of one that was resumed, at least that of its epochs, whichever process trained them."""
    return max(_since(started), round(sum(line.get("seconds") or 0.0 for line in fitted.epochs), 1))
