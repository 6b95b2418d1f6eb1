"""A classifier of scikit-learn and what it learns from: descriptors, features of a frozen backbone, or both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.predictions import Threshold
from laudo.core.recipe import Recipe, View
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec
from laudo.networks.classifier import Classifier
from laudo.predict.model import Model
from laudo.prepare.describe import describe_images, descriptor_names
from laudo.train.classical import FittedClassical, fit_classical
from laudo.train.loop import Deadline, Fitted
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.dataset import Dataset
from laudo.workflows.feature_cache import cached_features
from laudo.workflows.looking import Looking
from laudo.workflows.network_learner import build


@dataclass
class ClassicalLearner(ClassifierLearner):
    """Trains and asks the recipe's classical classifier.

    Attributes:
        backbone: frozen network whose features are used; its head is not. None with descriptors alone.
        spec: how it is built; None without.
        features: by view, (n, D) float32 features and descriptors of every image; None while images are still to be fitted.
        fitted: what :meth:`train` found.
        beside: how many of the last numbers of each image :meth:`with_beside` has added.
    """

    backbone: Classifier | None
    spec: BackboneSpec | None
    features: dict[View, np.ndarray] | None
    fitted: FittedClassical | None = None
    beside: int = 0

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Self:
        """Compute features and descriptors, once an image, if the images are ready."""
        backbone, spec = None, None
        if recipe.network.backbone != "descriptors":
            backbone, spec = build(recipe, dataset.manifest, 0)
        features = None
        if dataset.prepared is not None:
            features = {view: _features(recipe, dataset, backbone, view) for view in recipe.needed_views}
        return cls(recipe, dataset, unfitted or dataset, backbone, spec, features)

    @property
    def explained(self) -> None:
        """There are no class-activation maps: no gradient goes through the classifier."""
        return

    @property
    def facts(self) -> dict[str, Any]:
        """What validation has chosen among what."""
        assert self.fitted is not None, "train comes first"
        return {"classical": {"tried": self.fitted.tried, "chosen": self.fitted.chosen}}

    def with_beside(self, vectors: np.ndarray) -> Self:
        """The same with more (n, D) numbers behind each image's features."""
        assert self.features is not None, "for_split comes first"
        more = {view: np.concatenate([one, vectors], axis=1) for view, one in self.features.items()}
        return replace(self, features=more, beside=self.beside + vectors.shape[1])

    def without_image(self) -> Self:
        """The same with features that say nothing; what :meth:`with_beside` has added stays."""
        assert self.features is not None, "for_split comes first"
        still = {view: one.copy() for view, one in self.features.items()}
        for one in still.values():
            one[:, : one.shape[1] - self.beside] = 0.0
        return replace(self, features=still)

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """See :meth:`ClassifierLearner.train`; it takes seconds, so there is nothing to go on with."""
        assert self.features is not None, "for_split comes first"
        labels, train, val = manifest.labels, manifest.indices("train"), manifest.indices("val")
        plain, targets = self.features["plain"][train], labels[train]
        if self.recipe.augment.mirrored_copies:
            plain = np.concatenate([plain, self.features["mirrored"][train]])
            targets = np.concatenate([targets, targets])
        self.fitted = fit_classical(
            self.recipe.network,
            (plain, targets),
            (self.features["plain"][val], labels[val]),
            len(manifest.classes),
            self.recipe.training.seed,
            self.recipe.training.class_weights,
        )
        return Fitted(kept_epoch=0, reason="fitted", epochs=[])

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these images."""
        assert self.features is not None
        assert self.fitted is not None, "train comes first"
        views = self.recipe.evaluation.views if self.backbone is not None else ("plain",)
        answers = [self.fitted.classifier.probabilities(self.features[view][indices]) for view in views]
        mean: np.ndarray = np.mean(answers, axis=0)
        return mean

    def looking(self, manifest: Manifest) -> list[Looking]:
        """See :meth:`ClassifierLearner.looking`: the backbone's features; without one the descriptors."""
        assert self.features is not None, "for_split comes first"
        plain, measured = self.features["plain"], self.backbone is None
        groups = self.recipe.network.descriptors
        behind = self.beside + (len(descriptor_names(groups)) if groups and not measured else 0)
        own = plain[:, : plain.shape[1] - behind]
        return [Looking(lambda indices: own[indices], manifest.indices("train"), manifest.indices("val"), measured)]

    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """See :meth:`ClassifierLearner.model`."""
        assert self.fitted is not None, "train comes first"
        return Model(
            classifier=self.backbone,
            classical=self.fitted.classifier,
            spec=self.spec,
            network=self.recipe.network,
            prepare=self.dataset.prepare,
            classes=classes,
            threshold=threshold,
            views=self.recipe.evaluation.views,
            facts=facts,
        )


def _features(recipe: Recipe, dataset: Dataset, backbone: Classifier | None, view: View) -> np.ndarray:
    """(n, D) float32 features of one view of every image, then its descriptors, which are those of the image as it is."""
    parts = []
    if backbone is not None:
        parts.append(cached_features(backbone, recipe, dataset, view).numpy())
    if recipe.network.descriptors:
        parts.append(describe_images(dataset.manifest, dataset.prepare, recipe.network.descriptors))
    return np.concatenate(parts, axis=1)
