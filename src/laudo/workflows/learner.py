"""What every kind of learner can do: train on any split of one data set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.samples import Samples

S = TypeVar("S", bound=Samples)


@dataclass
class Learner(ABC, Generic[S]):
    """A procedure of the recipe, ready to be trained again and again from nothing.

    Attributes:
        recipe: what to do.
        dataset: all images.
        unfitted: the data set as it was before something was fitted on a training part; the same where nothing is.
    """

    recipe: Recipe
    dataset: S
    unfitted: S

    @classmethod
    @abstractmethod
    def start(cls, recipe: Recipe, dataset: S, unfitted: S | None = None) -> Self:
        """Make ready: what never changes, whatever the split, is computed now."""

    @abstractmethod
    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """Train on a split from nothing, or go on where the run folder was left.

        Args:
            run: where log and checkpoints go.
            manifest: the data set's, with parts.
            deadline: of ``--max-minutes``.
        """

    @property
    def facts(self) -> dict[str, Any]:
        """What model.json says of the training beside its end."""
        return {}

    @property
    def ready(self) -> bool:
        """Whether it can answer: not when time ran out before there was a model."""
        return True

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
