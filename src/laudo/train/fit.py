"""Train a classifier: all of it on images, or its head alone on features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.classifier import Classifier, set_trainable
from laudo.networks.head import ClassifierHead
from laudo.networks.precision import MEMORY_FORMAT, Precision
from laudo.train.classifier_fitting import ClassifierFitting
from laudo.train.history import Epochs
from laudo.train.inputs import EpochOrder, Part, loader
from laudo.train.loop import Deadline, Fitted, run_job
from laudo.train.losses import balanced_weights

__all__ = ["Deadline", "Fitted", "fit"]


def fit(
    network: Classifier | ClassifierHead,
    train: Part,
    val: Part,
    recipe: Recipe,
    run: Run,
    device: torch.device,
    precision: Precision,
    deadline: Deadline,
) -> Fitted:
    """Train ``network`` in place; see :func:`laudo.train.loop.run_job`.

    Args:
        network: a classifier on images, or a head on features.
        train: what is learned from.
        val: what early stopping and the choice of the epoch look at.
        recipe: loss, optimiser, schedule.
        run: where log and checkpoints go.
        device: where to train.
        precision: of the network; a head on features is always trained in single precision.
        deadline: stop after the epoch in which it passes.
    """
    return run_job(_ClassifierJob(network, train, val, precision), recipe, run, device, deadline)


@dataclass
class _ClassifierJob:
    """See :class:`laudo.train.loop.Job`."""

    network: Classifier | ClassifierHead
    train: Part
    val: Part
    wanted: Precision

    @property
    def precision(self) -> Precision:
        return self.wanted if isinstance(self.network, Classifier) else "fp32"

    @property
    def threads(self) -> int | None:
        # a head is so small that waiting for a second thread costs more than it brings, and far more on a busy machine
        return None if isinstance(self.network, Classifier) else 1

    def fitting(self, recipe: Recipe, earlier: int, epochs: Epochs) -> ClassifierFitting:
        weights = None
        if recipe.training.class_weights == "balanced":
            head = self.network.head if isinstance(self.network, Classifier) else self.network
            # a class may be missing from both parts, even the last; one logit stands for two classes
            weights = balanced_weights(torch.from_numpy(self.train.targets), max(2, head.dense[-1].out_features))
        if isinstance(self.network, Classifier):
            set_trainable(self.network.backbone, recipe.network.trainable)
            self.network.to(memory_format=MEMORY_FORMAT)
        return ClassifierFitting(self.network, recipe, weights, _learn_batch_norm(recipe), earlier, epochs)

    def loaders(self, recipe: Recipe, earlier: int) -> tuple[DataLoader[Any], DataLoader[Any]]:
        training = recipe.training
        classes = self.train.targets if training.sampling == "balanced" else None
        order = EpochOrder(len(self.train), training.seed, earlier, classes)
        return (
            loader(self.train, training.batch_size, order),
            loader(self.val, training.micro_batch or max(training.batch_size, 64), None),
        )

    def finish(self, recipes: list[Recipe]) -> None:
        if isinstance(self.network, Classifier):
            set_trainable(self.network.backbone, max(recipe.network.trainable for recipe in recipes))


def _learn_batch_norm(recipe: Recipe) -> bool:
    if recipe.network.batch_norm == "auto":
        return recipe.network.weights == "none"
    return recipe.network.batch_norm in {"trained", "refitted"}
