"""Several networks of one recipe, each with another fold of its training data left out; their mean answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.predictions import Threshold
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.companions import Companions
from laudo.networks.ensemble import Ensemble
from laudo.predict.model import Model
from laudo.split.grouped import fold_numbers
from laudo.split.groups import group_codes
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.dataset import Dataset
from laudo.workflows.looking import Looking
from laudo.workflows.network_learner import NetworkLearner


@dataclass
class EnsembleLearner(ClassifierLearner):
    """Trains ``training.ensemble`` networks and averages their probabilities.

    Training and validation part are thrown together and divided into so many folds, in groups. Each member is stopped by a fold
    that it has not seen, so that every image has one answer of a member not trained on it: those answers are the validation.

    Attributes:
        one: the learner that trains each member in turn.
        members: trained, in the order of their folds.
        out_of_fold: (n, K) probabilities, of the images that are divided into folds.
        folds: (n,) number of the member that has not seen the image; 0 outside the training part.
    """

    one: NetworkLearner
    members: list[NetworkLearner] = field(default_factory=list)
    out_of_fold: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    folds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Self:
        """Make the learner of the members ready."""
        return cls(recipe, dataset, unfitted or dataset, NetworkLearner.start(recipe, dataset, unfitted))

    @property
    def explained(self) -> Ensemble | None:
        """All members, when they are convolutional networks."""
        return self._together() if self.one.explained is not None else None

    @property
    def descriptors(self) -> np.ndarray | None:
        """(n, D) descriptors beside the images."""
        return self.one.descriptors

    @property
    def facts(self) -> dict[str, Any]:
        """How many members, whether features were computed once, and what the companions of each member are."""
        facts = [member.facts for member in self.members]
        beside = {"companions": [one["companions"] for one in facts]} if self.recipe.network.companions else {}
        return {**facts[0], **beside, "members": len(self.members)}

    @property
    def ready(self) -> bool:
        """Whether every member is trained."""
        return len(self.members) == self.recipe.training.ensemble

    def parts(self, manifest: Manifest) -> Manifest:
        """Every image of the validation part is trained on by all members but one."""
        parts = manifest.table["split"].to_numpy(dtype=object, copy=True)
        parts[parts == "val"] = "train"
        return manifest.with_columns(split=parts)

    def with_recipe(self, recipe: Recipe) -> Self:
        """See :meth:`ClassifierLearner.with_recipe`."""
        return replace(self, recipe=recipe, one=self.one.with_recipe(recipe))

    def with_beside(self, vectors: np.ndarray) -> Self:
        """The same with more (n, D) numbers beside each image."""
        return replace(self, one=self.one.with_beside(vectors))

    def without_image(self) -> Self:
        """See :meth:`NetworkLearner.without_image`."""
        return replace(self, one=self.one.without_image())

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """See :meth:`ClassifierLearner.train`. A member that is finished is not trained again when a run goes on."""
        rows = manifest.indices("train")
        folds = np.zeros(len(manifest), dtype=np.int64)
        folds[rows] = self._folds(manifest.rows(rows))
        self.members, self.folds = [], folds
        self.out_of_fold = np.zeros((len(manifest), len(manifest.classes)))
        epochs: list[dict[str, Any]] = []
        for number in range(1, self.recipe.training.ensemble + 1):
            say(_("Network {number} of {total}").format(number=number, total=self.recipe.training.ensemble))
            parts = manifest.table["split"].to_numpy(dtype=object, copy=True)
            parts[folds == number] = "val"
            seed = self.recipe.training.seed + number - 1
            training = self.recipe.training.model_copy(update={"ensemble": 1, "seed": seed})
            member = self.one.with_recipe(self.recipe.model_copy(update={"training": training}))
            place = Run(run.checkpoints / f"member-{number}")
            try:
                fitted = member.train(place, manifest.with_columns(split=parts), deadline)
            finally:  # of a member that fails, the epochs up to then
                epochs += [{"member": number, **line} for line in place.log()]
                run.write_log(epochs)
            if fitted.reason in ("max_minutes", "given_up"):
                return Fitted(fitted.kept_epoch, fitted.reason, epochs)
            self.members.append(member)
            self.out_of_fold[folds == number] = member.predict(np.flatnonzero(folds == number))
        return Fitted(kept_epoch=0, reason="all_members", epochs=epochs)

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 mean probabilities of these images."""
        answers = [member.predict(indices) for member in self.members]
        mean: np.ndarray = np.mean(answers, axis=0)
        return mean

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """All images that were trained on, each answered by the one member that has not seen it."""
        rows = manifest.indices("train")
        return rows, self.out_of_fold[rows]

    def looking(self, manifest: Manifest) -> list[Looking]:
        """See :meth:`ClassifierLearner.looking`."""
        numbers = range(1, len(self.members) + 1)
        trained = [np.flatnonzero((self.folds > 0) & (self.folds != number)) for number in numbers]
        unseen = [np.flatnonzero(self.folds == number) for number in numbers]
        looks = [member.look for member in self.members]
        return [Looking(*one) for one in zip(looks, trained, unseen, strict=True)]

    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """See :meth:`ClassifierLearner.model`."""
        models = [member.model(classes, threshold, facts) for member in self.members]
        companions = Companions.together([model.companions for model in models])
        return replace(models[0], classifier=self._together(), companions=companions)

    def _together(self) -> Ensemble:
        return Ensemble([member.classifier for member in self.members])

    def _folds(self, manifest: Manifest) -> np.ndarray:
        """(m,) fold of each image that is trained on; official folds are for testing, these are laudo's own."""
        split = self.recipe.split
        if split.by == "official":
            split = split.model_copy(update={"by": "group"})
        groups, members = len(np.unique(group_codes(manifest, split.by))), self.recipe.training.ensemble
        if groups < members:
            raise DataError(
                _("There are fewer groups than networks in the ensemble."),
                found=_("groups: {groups}, networks: {networks}").format(groups=groups, networks=members),
                cure=_("Choose at most {n} networks (training.ensemble).").format(n=groups),
            )
        return fold_numbers(manifest, self.recipe.training.ensemble, split, split.seed + 1)
