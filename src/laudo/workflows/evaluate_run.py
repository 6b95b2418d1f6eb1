"""Score a run again: a part of its own split, or other images."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.duplicates import near_pairs
from laudo.audit.inspect import inspect_images
from laudo.core.errors import DataError, LaudoError, RunError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import say
from laudo.core.run import Run
from laudo.core.structures import Structures
from laudo.evaluate.unpaired import unpaired_differences
from laudo.networks.precision import choose_device, choose_precision
from laudo.predict.images import answer_images
from laudo.sources.named_manifest import named_manifest, open_manifest
from laudo.sources.records import unlabelled_rows_kept
from laudo.sources.table import detect, find_root, get_source, import_manifest
from laudo.split.grouped import assign_groups
from laudo.workflows.class_map import map_classes
from laudo.workflows.dataset import with_labels, with_mask
from laudo.workflows.ood import external_ood, with_ood
from laudo.workflows.open_mask_model import open_mask_model
from laudo.workflows.open_model import open_model
from laudo.workflows.outline_part import outline_part
from laudo.workflows.score_part import score_classes, score_masks
from laudo.workflows.write_report import write_reports


def evaluate_part(run: Run, part: str) -> dict[str, Any]:
    """Metrics of a part, computed anew from its predictions; metrics.json is not touched.

    Raises:
        RunError: there are no predictions of this part.
    """
    recipe = run.recipe()
    if not run.has_predictions(part):
        names = sorted(path.stem for path in (run.folder / "predictions").glob("*.parquet"))
        raise RunError(
            _("The run has no predictions of this part."), file=run.folder, found=part, expected=", ".join(names) or "–"
        )
    if recipe.outlines:
        return score_masks(run.mask_scores(part), recipe, run.manifest())
    return score_classes(run.predictions(part), recipe, run.manifest())


def evaluate_external(run: Run, data: Path, language: str, classes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Predict and score other images with the run's model; adds ``external`` to metrics and report.

    Images that the run has used, or near copies of them, are left out and counted. ``compared`` holds each figure minus that
    of the part that the run quotes.

    Args:
        run: a finished run.
        data: other images.
        language: of the report.
        classes: the model's class of some of the images'; "" leaves a class out. Classes of the same name need no line.

    Raises:
        DataError: a class has no counterpart, structures differ, or every image was used by the run.
    """
    judge = _external_masks if run.recipe().outlines else _external_classes
    scores = {"data": data.name, **judge(run, data, classes or {})}
    metrics = run.json("metrics")
    quoted = "pooled" if "pooled" in metrics else run.recipe().evaluation.headline
    if quoted in metrics:
        differences = unpaired_differences(scores["metrics"], metrics[quoted]["metrics"])
        scores["compared"] = {"part": quoted, "differences": differences}
    run.write_json("metrics", {**metrics, "external": scores, **external_ood(metrics, run, run.recipe())})
    write_reports(run, language)
    return scores


def _external_classes(run: Run, data: Path, classes: Mapping[str, str]) -> dict[str, Any]:
    recipe = run.recipe()
    model = open_model(run)
    with unlabelled_rows_kept() if recipe.data.separator is not None else nullcontext():
        manifest = _list(recipe.data.source, data)
    if recipe.data.separator is not None:
        manifest = with_labels(manifest, recipe.data)
    manifest, mapped = map_classes(manifest, model.classes, classes, data)
    fresh, left_out = _fresh(run, manifest, data, model.needs_mask)
    precision = choose_precision(recipe.training.precision, choose_device())
    answer = answer_images(model, fresh, precision)
    built = Predictions.build(fresh.table, answer.probabilities, model.classes, model.threshold, model.separator)
    predictions = Predictions(with_ood(built.table, answer.ood), built.classes)
    predictions.save(run.predictions_path("external"))
    return {**score_classes(predictions, recipe, fresh), "left_out": left_out, "classes": mapped.facts()}


def _external_masks(run: Run, data: Path, classes: Mapping[str, str]) -> dict[str, Any]:
    recipe = run.recipe()
    model = open_mask_model(run)
    manifest = with_mask(_list(recipe.data.source, data), recipe.data)
    mapped: dict[str, Any] = {}
    if model.structures.of_label:
        manifest, found = map_classes(manifest, model.classes, classes, data)
        mapped = {"classes": found.facts()}
    elif classes:
        raise LaudoError(_("--map is for models that name classes; this one outlines structures."), file=run.folder)
    elif not model.structures.any_value:
        _same_structures(manifest, model.structures, data)
    fresh, left_out = _fresh(run, manifest, data, masks_needed=True)
    precision = choose_precision(recipe.training.precision, choose_device())
    part = "external"
    fresh = fresh.with_columns(split=np.full(len(fresh), part, dtype=object))
    scores = outline_part(run, model, fresh, part, recipe.evaluation.nsd_tolerance_mm, precision)
    return {**score_masks(scores, recipe, fresh), "left_out": left_out, **mapped}


def _same_structures(manifest: Manifest, structures: Structures, data: Path) -> None:
    """Refuse masks whose values are other structures than those that the model outlines."""
    known = {value for values in structures.values for value in values}
    strange = sorted(set(manifest.mask_labels) - known)
    if strange or not manifest.mask_labels:
        raise DataError(
            _("The structures in these masks are not those of the model."),
            file=data,
            expected=", ".join(structures.names),
            found=", ".join(manifest.mask_labels[value] for value in strange) or _("masks without named values"),
        )


def _fresh(run: Run, manifest: Manifest, data: Path, masks_needed: bool) -> tuple[Manifest, dict[str, Any]]:
    """The usable samples that the run has not used, in groups, and what is to be said of the others."""
    audit = audit_manifest(manifest, unreadable="skip", masks_needed=masks_needed)
    if not len(audit.manifest):
        raise DataError(_("No image can be used."), file=data, cure=_("See what is wrong with each: laudo data audit"))
    used, compared_by = _used_before(run.manifest(), audit)
    fresh = audit.manifest.rows(np.flatnonzero(~used))
    if used.any():
        say(_("Images used by this run, left out here: {n}").format(n=int(used.sum())))
    if not len(fresh):
        raise DataError(_("Every image was used by this run: nothing is left to judge it by."), file=data)
    return assign_groups(fresh), {"n": int(used.sum()), "compared_by": compared_by}


def _list(source: str, data: Path) -> Manifest:
    """Samples of other images: a manifest, the run's own kind, another source that knows the layout, or a folder a class."""
    if given := named_manifest(data):
        return open_manifest(given)
    own = get_source(source)
    root = find_root(own, data)
    if own.fits(root):
        return import_manifest(source, root)
    fitting = detect(root)
    return import_manifest(fitting.name if fitting else "folders", root)


def _used_before(trained: Manifest, audit: Audit) -> tuple[np.ndarray, str]:
    """(n,) which images the run has used, and how that was found: by pictures, or by bytes when the run's images are gone."""
    used = audit.manifest.table["sha256"].isin(set(trained.table["sha256"])).to_numpy(copy=True)
    if not all(path.is_file() for path in trained.paths):
        return used, "bytes"
    own = [image.thumbnail for image in inspect_images(trained) if image.thumbnail is not None]
    others = [image.thumbnail for image in audit.images if image.thumbnail is not None]
    for pair in near_pairs(np.stack([*own, *others])):
        if pair.is_copy and pair.first < len(own) <= pair.second:
            used[pair.second - len(own)] = True
    return used, "pictures"
