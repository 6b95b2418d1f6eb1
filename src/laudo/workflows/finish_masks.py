"""After the training of a network that outlines structures: choose its post-processing, judge it, keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.networks.feature_distance import MOST_IMAGES
from laudo.networks.precision import Precision
from laudo.predict.mask_model import MaskModel
from laudo.predict.outline import outline, true_label_map
from laudo.predict.post_process import Case, PostProcessing, choose_post_processing
from laudo.train.loop import Fitted
from laudo.workflows.mask_learner import MaskLearner
from laudo.workflows.ood import fit_ood, ood_metrics
from laudo.workflows.outline_part import outline_part
from laudo.workflows.score_part import score_masks

MOST_VOLUMES = 200
"""Training volumes that are looked at, to know images that are unlike them: each takes a few windows through the network."""
JUDGED = ("val", "test")
"""Parts whose masks are written: outlining what was trained on would say nothing and may take hours."""


def finish_masks(run: Run, learner: MaskLearner, manifest: Manifest, fitted: Fitted) -> bool:
    """Write masks, scores, metrics and model.

    Returns:
        Whether time ran out before all epochs.
    """
    recipe, dataset = learner.recipe, learner.dataset
    facts: dict[str, Any] = {
        "best_epoch": fitted.kept_epoch,
        "source": manifest.source,
        "recipe": recipe.name,
        **learner.facts,
    }
    model = chosen_model(learner, manifest, facts)
    networks = learner.looking(manifest)
    model = replace(model, ood=fit_ood(recipe, networks, MOST_VOLUMES if model.window else MOST_IMAGES))
    metrics: dict[str, Any] = {}
    for part in JUDGED:
        if len(manifest.indices(part)):
            scores = outline_part(run, model, manifest, part, recipe.evaluation.nsd_tolerance_mm, dataset.precision)
            metrics[part] = score_masks(scores, recipe, manifest)
    if model.ood is not None:
        metrics["ood"] = ood_metrics(run, model.ood, recipe)
    run.write_json("metrics", metrics)
    model.save(run)
    return fitted.reason == "max_minutes"


def chosen_model(learner: MaskLearner, manifest: Manifest, facts: dict[str, Any]) -> MaskModel:
    """What was trained, with the post-processing that the recipe asks for.

    Args:
        learner: that was trained.
        manifest: with parts; validation chooses.
        facts: what model.json is to say.
    """
    model = learner.model(PostProcessing(()), facts)
    if learner.recipe.evaluation.post_processing == "none":
        return model
    dataset = learner.dataset
    return learner.model(choose_post_processing(_cases(model, manifest, dataset.precision), dataset.structures), facts)


def _cases(model: MaskModel, manifest: Manifest, precision: Precision) -> Iterator[Case]:
    """Truth, prediction and spacing of each case of the validation part."""
    for index in track(manifest.indices("val"), _("Choosing the post-processing")):
        paths, masks = manifest.image_paths(index), manifest.mask_paths(index)
        found = outline(model, paths, precision)
        label = int(manifest.labels[index]) if model.structures.of_label else -1
        yield true_label_map(model, paths, masks, label, found, manifest.mask_labels), found.label_map, found.spacing_mm
