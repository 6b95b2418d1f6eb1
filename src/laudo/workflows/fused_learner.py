"""Image and text together: the image's learner, the text's, and each part alone beside them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.predictions import Threshold
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.predict.model import Model
from laudo.predict.text_part import TextPart
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.classical_learner import ClassicalLearner
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.dataset import Dataset
from laudo.workflows.ensemble_learner import EnsembleLearner
from laudo.workflows.late_fusion import LateFusion, fit_late_fusion
from laudo.workflows.looking import Looking
from laudo.workflows.network_learner import NetworkLearner
from laudo.workflows.side import Side, SideName
from laudo.workflows.texts import ReadTexts, Texts

ImageLearner = NetworkLearner | EnsembleLearner | ClassicalLearner


@dataclass
class FusedLearner(ClassifierLearner):
    """Learns from images and from what was written about them.

    Attributes:
        image: learns from the images, and never changes: every split begins with it.
        texts: of every sample.
        read: the texts as numbers; None before :meth:`train`.
        late: the text's own answer, with `fusion: late`; None before :meth:`train`.
        trained: the image's learner after :meth:`train`, with `fusion: concatenation` given the texts too.
        seen: (n, K) the image's answers as far as they were asked for, NaN elsewhere: every side needs the same ones.
    """

    image: ImageLearner
    texts: Texts
    read: ReadTexts | None = None
    late: LateFusion | None = None
    trained: ImageLearner | None = None
    seen: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Self:
        """Make the image's learner ready and collect the texts."""
        texts = Texts.of(recipe, dataset)  # first: weights that are nowhere must not cost features
        return cls(recipe, dataset, unfitted or dataset, image_learner(recipe, dataset, unfitted), texts)

    @property
    def explained(self) -> Classifier | Ensemble | None:
        """The image's network, when maps can be drawn of it."""
        return self._asked.explained

    @property
    def descriptors(self) -> np.ndarray | None:
        """(n, D) what stands beside the images; concatenated texts too."""
        return self._asked.descriptors

    @property
    def ready(self) -> bool:
        """Whether both sides can answer."""
        return self._asked.ready and self.read is not None

    @property
    def facts(self) -> dict[str, Any]:
        """Of the image's side; and what validation chose among for the text."""
        beside = {} if self.late is None else {"text_classifiers": self.late.tried}
        return {**self._asked.facts, **beside}

    def parts(self, manifest: Manifest) -> Manifest:
        """As the image's learner uses them."""
        return self.image.parts(manifest)

    def with_recipe(self, recipe: Recipe) -> Self:
        """See :meth:`ClassifierLearner.with_recipe`."""
        return replace(self, recipe=recipe, image=self.image.with_recipe(recipe), read=None, late=None, trained=None)

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """See :meth:`ClassifierLearner.train`."""
        read = self.texts.read(manifest.indices("train"))  # first: should it fail, no hours are lost
        self.seen = np.full((len(manifest), len(manifest.classes)), np.nan)
        late = self.recipe.network.fusion == "late"
        self.late = None
        self.trained = replace(self.image) if late else self.image.with_beside(read.vectors)
        fitted = self.trained.train(run, manifest, deadline)
        if late and self.trained.ready:
            self.late = self._late(manifest, read)
        self.read = read
        return fitted

    @property
    def _asked(self) -> ImageLearner:
        """Who answers for the image: what was trained, before that what will be."""
        return self.image if self.trained is None else self.trained

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of image and text together."""
        answers = self._of_image(indices)
        return answers if self.late is None else self.late.joined(answers, indices)

    def _of_image(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) the image's answers, each sample looked at once."""
        new = indices[np.isnan(self.seen[indices]).any(axis=1)]
        if len(new):
            self.seen[new] = self._asked.predict(new)
        answers: np.ndarray = self.seen[indices]
        return answers

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """See :meth:`ClassifierLearner.validation`."""
        rows, answers = self._asked.validation(manifest)
        return rows, answers if self.late is None else self._unseen(self.late, rows, answers)

    def sides(self, run: Run, manifest: Manifest, deadline: Deadline) -> dict[SideName, Side] | None:
        """Image alone, text alone, and both without the words that name the class; None when time ran out.

        The last is fitted anew on texts without them: it has never read one.
        """
        masked = self.texts.read(manifest.indices("train"), masked=True)
        if self.late is None:
            return self._concatenated_sides(run, manifest, masked, deadline)
        rows, answers = self._asked.validation(manifest)
        late, without = self.late, self._late(manifest, masked)
        return {
            "image": Side(self.recipe, self._of_image, (rows, answers)),
            "text": Side(self.recipe, late.alone, (rows, late.unseen[rows])),
            "masked": Side(
                self.recipe,
                lambda indices: without.joined(self._of_image(indices), indices),
                (rows, self._unseen(without, rows, answers)),
            ),
        }

    def _concatenated_sides(
        self, run: Run, manifest: Manifest, masked: ReadTexts, deadline: Deadline
    ) -> dict[SideName, Side] | None:
        """The same classifier, trained again without the text, or with image features that say nothing."""
        assert self.read is not None, "train comes first"
        plain = image_learner(self.recipe, self.dataset, self.unfitted)
        learners: dict[SideName, ImageLearner] = {
            "image": plain,
            "text": plain.with_beside(self.read.vectors).without_image(),
            "masked": plain.with_beside(masked.vectors),
        }
        found: dict[SideName, Side] = {}
        for name, learner in learners.items():
            fitted = learner.train(Run(run.checkpoints / "sides" / name), manifest, deadline)
            if fitted.reason == "max_minutes":
                return None
            found[name] = Side(self.recipe, learner.predict, learner.validation(manifest))
        return found

    def looking(self, manifest: Manifest) -> list[Looking]:
        """See :meth:`ClassifierLearner.looking`: of the image alone."""
        return self._asked.looking(manifest)

    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """See :meth:`ClassifierLearner.model`."""
        assert self.read is not None, "train comes first"
        part = TextPart(self.read.encoder, self.recipe.data.text) if self.late is None else self.late.part
        return replace(self._asked.model(classes, threshold, facts), text=part)

    def _late(self, manifest: Manifest, read: ReadTexts) -> LateFusion:
        folds = self._asked.folds if isinstance(self._asked, EnsembleLearner) else None
        return fit_late_fusion(self.recipe, manifest, read, folds, self._asked.validation(manifest))

    @staticmethod
    def _unseen(late: LateFusion, rows: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """(m, K) joined answers where neither side was trained on the sample."""
        return late.part.join_answers(answers, late.unseen[rows], late.read.vectors[rows])


def image_learner(recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> ImageLearner:
    """A classical classifier, several networks, or one."""
    if recipe.network.classifier != "dense":
        return ClassicalLearner.start(recipe, dataset, unfitted)
    if recipe.training.ensemble > 1:
        return EnsembleLearner.start(recipe, dataset, unfitted)
    return NetworkLearner.start(recipe, dataset, unfitted)
