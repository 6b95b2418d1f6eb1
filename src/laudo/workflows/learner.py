"""What every kind of learner can do: train on any split of one data set, and answer for any of its images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.predictions import Threshold
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.predict.model import Model
from laudo.train.fit import Deadline, Fitted
from laudo.workflows.dataset import Dataset


@dataclass
class Learner(ABC):
    """A procedure of the recipe, ready to be trained again and again from nothing.

    Attributes:
        recipe: what to do.
        dataset: all images.
        unfitted: the data set as it was before something was fitted on a training part; the same where nothing is.
    """

    recipe: Recipe
    dataset: Dataset
    unfitted: Dataset

    @classmethod
    @abstractmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Self:
        """Make ready: what never changes, whatever the split, is computed now."""

    @abstractmethod
    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """Train on a split from nothing, or go on where the run folder was left.

        Args:
            run: where log and checkpoints go.
            manifest: the data set's, with parts.
            deadline: of ``--max-minutes``.
        """

    @abstractmethod
    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these images."""

    @abstractmethod
    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """What was trained, to be kept.

        Args:
            classes: in the order of the outputs.
            threshold: of the positive class of two.
            facts: what else model.json is to say.
        """

    @property
    @abstractmethod
    def explained(self) -> Classifier | Ensemble | None:
        """The network of which class-activation maps can be drawn; None when there is none."""

    @property
    def descriptors(self) -> np.ndarray | None:
        """(n, D) descriptors beside the images that :attr:`explained` is given; None without."""
        return None

    @property
    def facts(self) -> dict[str, Any]:
        """What model.json says of the training beside its end."""
        return {}

    @property
    def ready(self) -> bool:
        """Whether it can answer: not when time ran out before there was a model."""
        return True

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose answers may choose a threshold, (m,), and their (m, K) probabilities: none of them was trained on."""
        rows = manifest.indices("val")
        return rows, self.predict(rows)

    def parts(self, manifest: Manifest) -> Manifest:
        """The parts as this learner uses them."""
        return manifest

    def for_split(self, manifest: Manifest) -> Self:
        """A learner whose images are prepared with what this split's training part says; itself, when nothing is to be fitted."""
        if not self.unfitted.prepare.needs_fitting:
            return self
        return type(self).start(self.recipe, self.unfitted.fitted_on(manifest), self.unfitted)

    def with_recipe(self, recipe: Recipe) -> Self:
        """The same for another repeat of the recipe, which differs in its split."""
        return replace(self, recipe=recipe)
