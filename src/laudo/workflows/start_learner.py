"""The data and the learner that a recipe asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from laudo.core.errors import RecipeError
from laudo.core.messages import _
from laudo.core.recipe import Recipe, WantedRate
from laudo.workflows.dataset import Dataset, open_dataset
from laudo.workflows.fused_learner import FusedLearner, image_learner
from laudo.workflows.learner import Learner
from laudo.workflows.mask_dataset import MaskDataset, open_mask_dataset
from laudo.workflows.mask_learner import MaskLearner
from laudo.workflows.samples import Samples
from laudo.workflows.subgroup_columns import check_subgroups


def open_data(recipe: Recipe, data: Path | None) -> Samples:
    """List, audit, group and prepare the samples of a recipe.

    Raises:
        DataError: the data can not be used; nothing was written but the cache.
        RecipeError: the recipe does not go with the data.
    """
    samples: Samples = open_mask_dataset(recipe, data) if recipe.outlines else open_dataset(recipe, data)
    check_subgroups(recipe, samples.manifest)
    _check_threshold(recipe, samples)
    return samples


def _check_threshold(recipe: Recipe, samples: Samples) -> None:
    """Refuse a wanted rate where the largest of several classes' probabilities decides: nothing would come of it."""
    manifest = samples.manifest
    if isinstance(recipe.evaluation.threshold, WantedRate) and not manifest.multilabel and len(manifest.classes) != 2:
        raise RecipeError(
            _("evaluation.threshold wants a rate, which is for two classes, or for several labels a sample."),
            found=", ".join(manifest.classes),
            cure=_("Leave evaluation.threshold out: of more than two classes the largest probability decides."),
        )


def start_learner(recipe: Recipe, samples: Samples) -> Learner[Any]:
    """A network that outlines structures; or what learns from images, and from texts beside them."""
    if isinstance(samples, MaskDataset):
        return MaskLearner.start(recipe, samples)
    assert isinstance(samples, Dataset), "classifiers look at prepared pictures"
    if recipe.network.text is not None:
        return FusedLearner.start(recipe, samples)
    return image_learner(recipe, samples)
