"""The data and the learner that a recipe asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from laudo.core.recipe import Recipe
from laudo.workflows.dataset import Dataset, open_dataset
from laudo.workflows.fused_learner import FusedLearner, image_learner
from laudo.workflows.learner import Learner
from laudo.workflows.mask_dataset import MaskDataset, open_mask_dataset
from laudo.workflows.mask_learner import MaskLearner
from laudo.workflows.samples import Samples


def open_data(recipe: Recipe, data: Path | None) -> Samples:
    """List, audit, group and prepare the samples of a recipe.

    Raises:
        DataError: the data can not be used; nothing was written but the cache.
        RecipeError: the recipe does not go with the data.
    """
    return open_mask_dataset(recipe, data) if recipe.outlines else open_dataset(recipe, data)


def start_learner(recipe: Recipe, samples: Samples) -> Learner[Any]:
    """A network that outlines structures; or what learns from images, and from texts beside them."""
    if isinstance(samples, MaskDataset):
        return MaskLearner.start(recipe, samples)
    assert isinstance(samples, Dataset), "classifiers look at prepared pictures"
    if recipe.network.text is not None:
        return FusedLearner.start(recipe, samples)
    return image_learner(recipe, samples)
