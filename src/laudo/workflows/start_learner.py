"""The learner that a recipe asks for."""

from __future__ import annotations

from laudo.core.recipe import Recipe
from laudo.workflows.classical_learner import ClassicalLearner
from laudo.workflows.dataset import Dataset
from laudo.workflows.ensemble_learner import EnsembleLearner
from laudo.workflows.learner import Learner
from laudo.workflows.network_learner import NetworkLearner


def start_learner(recipe: Recipe, dataset: Dataset) -> Learner:
    """A classical classifier, several networks, or one."""
    if recipe.network.classifier != "dense":
        return ClassicalLearner.start(recipe, dataset)
    if recipe.training.ensemble > 1:
        return EnsembleLearner.start(recipe, dataset)
    return NetworkLearner.start(recipe, dataset)
