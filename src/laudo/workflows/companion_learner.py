"""Companions of a network in training: what they look at, fitted anew with every split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import torch

from laudo.core.manifest import Manifest
from laudo.core.recipe import Companion, Recipe, View
from laudo.networks.companions import Companions
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.table import frozen_network
from laudo.train.classical import FittedClassical, fit_classical
from laudo.workflows.dataset import Dataset
from laudo.workflows.feature_cache import cached_features


@dataclass(frozen=True)
class CompanionLearner:
    """Fits the recipe's companions and asks them.

    Attributes:
        recipe: says which.
        described: (n, D) descriptors of every image; None without.
        network: through which those look that learn from features; None when none does.
        features: by view, (n, D) float32 that it gives of every image.
        fitted: what :meth:`trained` found, one for each companion.
    """

    recipe: Recipe
    described: np.ndarray | None
    network: FrozenNetwork | None
    features: dict[View, np.ndarray]
    fitted: tuple[FittedClassical, ...] = ()

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, described: np.ndarray | None) -> Self:
        """Compute the features, once an image, if the images are ready and a companion looks at them."""
        if all(one.learns_from != "features" for one in recipe.network.companions):
            return cls(recipe, described, None, {})
        torch.manual_seed(recipe.training.seed)  # of a backbone without weights
        network = frozen_network(recipe.network, recipe.prepare.image_plane)
        features: dict[View, np.ndarray] = {}
        if dataset.prepared is not None:
            views: list[View] = [*recipe.needed_views]
            if _mirrors(recipe):
                views.append("mirrored")
            features = {view: cached_features(network, recipe, dataset, view).numpy() for view in dict.fromkeys(views)}
        return cls(recipe, described, network, features)

    def trained(self, manifest: Manifest, recipe: Recipe) -> Self:
        """The same, fitted on a split. It takes seconds, so nothing is kept of it before the end.

        Classes are weighed when the network's are, or are drawn equally often; neighbours can not be weighed.

        Args:
            manifest: with the split's parts.
            recipe: of the network beside them.
        """
        network, training = recipe.network, recipe.training
        balanced = "balanced" in {training.class_weights, training.sampling}
        fitted = []
        for companion in network.companions:
            asked = network.model_copy(update={"classifier": companion.classifier})
            weights: Literal["none", "balanced"] = "balanced" if balanced and companion.classifier != "knn" else "none"
            train, val = (self._samples(companion, manifest, part) for part in ("train", "val"))
            fitted.append(fit_classical(asked, train, val, len(manifest.classes), training.seed, weights))
        return replace(self, recipe=recipe, fitted=tuple(fitted))

    def _samples(self, companion: Companion, manifest: Manifest, part: str) -> tuple[np.ndarray, np.ndarray]:
        """(m, D) and (m,): what a companion learns from, of a part.

        Where the network is trained on mirrored images, features are learned from both ways round too.
        """
        rows = manifest.indices(part)
        labels = manifest.labels[rows]
        if companion.learns_from == "descriptors":
            assert self.described is not None, "the recipe has descriptors"
            return self.described[rows], labels
        plain = self.features["plain"][rows]
        if part != "train" or not _mirrors(self.recipe):
            return plain, labels
        return np.concatenate([plain, self.features["mirrored"][rows]]), np.concatenate([labels, labels])

    def join(self, answers: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """(m, K) probabilities of a network for these images and the companions' together."""
        described = None if self.described is None else self.described[indices]
        views = self.recipe.evaluation.views if self.features else ()
        return self.companions.join(answers, described, [self.features[view][indices] for view in views])

    @property
    def companions(self) -> Companions:
        """What was fitted."""
        fitted = tuple((one.classifier,) for one in self.fitted)
        return Companions(self.recipe.network.companions, fitted, self.network)

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What validation has chosen among what, of each companion."""
        pairs = zip(self.recipe.network.companions, self.fitted, strict=True)
        return [{**asked.model_dump(), "tried": one.tried, "chosen": one.chosen} for asked, one in pairs]


def _mirrors(recipe: Recipe) -> bool:
    """Whether the network is trained on mirrored images, at random or as copies."""
    return recipe.augment.mirrored_copies or recipe.augment.horizontal_flip > 0
