"""A network and what it learns from: images, or features of its frozen backbone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.predictions import Threshold
from laudo.core.progress import step
from laudo.core.recipe import Recipe, View
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.head import Standardise
from laudo.networks.looks import as_look, looks_of
from laudo.networks.refit_norms import refit_batch_norm
from laudo.networks.table import build_classifier
from laudo.predict.batches import predict_prepared
from laudo.predict.model import Model
from laudo.prepare.describe import describe_images
from laudo.train.bookkeeper import weights_path
from laudo.train.features import frozen_features
from laudo.train.fit import Deadline, Fitted, fit
from laudo.train.inputs import FeatureInputs, ImageInputs, Inputs, MirroredInputs, Part
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.companion_learner import CompanionLearner
from laudo.workflows.dataset import Dataset
from laudo.workflows.feature_cache import cached_features
from laudo.workflows.looking import Looking

BATCH = 32
"""Images that are looked at together."""
REFIT_IMAGES, REFIT_PIXELS = 128, 128 * 224 * 224
"""Training images on which `batch_norm: refitted` measures; of large ones fewer, since all are in memory at once."""


@dataclass
class NetworkLearner(ClassifierLearner):
    """Trains and asks the recipe's network.

    Attributes:
        classifier: the network; :meth:`train` begins with fresh weights each time.
        spec: how its backbone is built.
        features: by view, (n, D) features of every image, when they never change (backbone frozen, no blocks, nothing drawn);
            else None.
        described: (n, D) descriptors beside the images; None without.
        companions: classical classifiers beside the network, fitted by :meth:`train`; None without.
        added: how many of the last numbers in ``described`` :meth:`with_beside` has added.
    """

    classifier: Classifier
    spec: BackboneSpec
    features: dict[View, Tensor] | None
    described: np.ndarray | None
    companions: CompanionLearner | None = None
    added: int = 0

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Self:
        """Build the network; features that never change are computed now, once an image, if the images are ready."""
        described = None
        if recipe.network.descriptors and dataset.prepared is not None:
            described = describe_images(dataset.manifest, dataset.prepare, recipe.network.descriptors)
        classifier, spec = build(recipe, dataset.manifest, 0 if described is None else described.shape[1])
        features = None
        if dataset.prepared is not None and recipe.has_fixed_features:
            features = {view: cached_features(classifier, recipe, dataset, view) for view in recipe.needed_views}
        companions = CompanionLearner.start(recipe, dataset, described) if recipe.network.companions else None
        return cls(recipe, dataset, unfitted or dataset, classifier, spec, features, described, companions)

    @property
    def is_frozen(self) -> bool:
        """Whether only the head is trained, on features."""
        return self.features is not None

    @property
    def explained(self) -> Classifier | None:
        """The network, when it is a convolutional one."""
        return self.classifier if self.classifier.backbone.convolutional else None

    @property
    def descriptors(self) -> np.ndarray | None:
        """(n, D) descriptors beside the images."""
        return self.described

    @property
    def facts(self) -> dict[str, Any]:
        """Whether features were computed once; of companions, what validation has chosen among what."""
        beside = {} if self.companions is None else {"companions": self.companions.facts}
        return {"frozen_features": self.is_frozen, **beside}

    def with_beside(self, vectors: np.ndarray) -> Self:
        """The same with more (n, D) numbers beside each image."""
        described = vectors if self.described is None else np.concatenate([self.described, vectors], axis=1)
        return replace(self, described=described, added=self.added + vectors.shape[1])

    def without_image(self) -> Self:
        """The same with features and descriptors that say nothing; what :meth:`with_beside` has added stays.

        Raises:
            ValueError: the network is trained on pixels.
        """
        if self.features is None:
            raise ValueError("only features that never change can be held still")
        described = None if self.described is None else self.described.copy()
        if described is not None:
            described[:, : described.shape[1] - self.added] = 0.0
        still: dict[View, Tensor] = {view: torch.zeros_like(one) for view, one in self.features.items()}
        return replace(self, features=still, described=described)

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """See :meth:`ClassifierLearner.train`."""
        before = self.classifier
        if self.companions is not None:  # first: should they fail, no hours are lost
            self.companions = self.companions.trained(manifest, self.recipe)
        self.classifier, self.spec = build(
            self.recipe, manifest, 0 if self.described is None else self.described.shape[1]
        )
        if self.is_frozen:  # a random backbone of another seed is not the one that the features are of
            self.classifier.backbone.load_state_dict(before.backbone.state_dict())
        if self.described is not None and self.classifier.beside is not None:
            self.classifier.beside.fit(torch.from_numpy(self.described[manifest.indices("train")]))
        mirrored = self.recipe.augment.mirrored_copies
        train, val = self._part(manifest, "train", mirrored), self._part(manifest, "val", False)
        standardise = self.classifier.head.standardise
        if isinstance(standardise, Standardise):
            standardise.fit(self._features_of(train))
        if self.recipe.network.batch_norm == "refitted" and not self.is_frozen:
            self._refit_norms(train)
        network = self.classifier.head if self.is_frozen else self.classifier
        device = torch.device("cpu") if self.is_frozen else self.dataset.device
        fitted = fit(network, train, val, self.recipe, run, device, self.dataset.precision, deadline)
        self.classifier.to(self.dataset.device).eval()
        return fitted

    def load_epoch(self, run: Run, epoch: int) -> None:
        """Put back the weights of an epoch whose weights were kept."""
        network = self.classifier.head if self.is_frozen else self.classifier
        network.load_state_dict(load_file(weights_path(run, epoch)))

    @torch.no_grad()  # not inference mode: the head is moved here, and must stay trainable
    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these images."""
        answers = self._network_answers(indices)
        return answers if self.companions is None else self.companions.join(answers, indices)

    def _network_answers(self, indices: np.ndarray) -> np.ndarray:
        views = self.recipe.evaluation.views
        if self.features is None:
            beside = None if self.described is None else torch.from_numpy(self.described[indices])
            return predict_prepared(
                self.classifier, self.dataset.images, indices, self.dataset.precision, views, beside
            )
        head = self.classifier.head.eval().cpu()
        answers = [
            class_probabilities(head(self._beside(self.features[view])[indices]), head.multilabel) for view in views
        ]
        head.to(self.dataset.device)
        return torch.stack(answers).mean(dim=0).double().numpy()

    def looking(self, manifest: Manifest) -> list[Looking]:
        """See :meth:`ClassifierLearner.looking`."""
        return [Looking(self.look, manifest.indices("train"), manifest.indices("val"))]

    def look(self, indices: np.ndarray) -> np.ndarray:
        """(m, D) float32 features of these images as they are."""
        if self.features is not None:
            return as_look(self.classifier, self.features["plain"][indices])
        self.classifier.eval()
        parts = []
        with step(_("Looking at the images"), len(indices)) as advance:
            for start in range(0, len(indices), BATCH):
                chosen = indices[start : start + BATCH]
                pixels = torch.from_numpy(self.dataset.images.read(chosen)).permute(0, 3, 1, 2)
                parts.append(looks_of(self.classifier, pixels, self.dataset.precision))
                advance(len(chosen))
        return np.concatenate(parts)

    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """See :meth:`ClassifierLearner.model`."""
        return Model(
            classifier=self.classifier,
            classical=None,
            spec=self.spec,
            network=self.recipe.network,
            prepare=self.dataset.prepare,
            classes=classes,
            threshold=threshold,
            views=self.recipe.evaluation.views,
            facts=facts,
            companions=None if self.companions is None else self.companions.companions,
        )

    def _part(self, manifest: Manifest, name: str, mirrored: bool) -> Part:
        indices, targets = manifest.indices(name), manifest.targets[manifest.indices(name)]
        if mirrored:
            indices, targets = np.concatenate([indices, indices + len(manifest)]), np.concatenate([targets, targets])
        inputs: Inputs
        if self.features is not None:
            plain = self._beside(self.features["plain"])
            inputs = FeatureInputs(torch.cat([plain, self._beside(self.features["mirrored"])]) if mirrored else plain)
        else:
            beside = None if self.described is None else torch.from_numpy(self.described)
            images = ImageInputs(self.dataset.images, beside)
            inputs = MirroredInputs(images, len(manifest)) if mirrored else images
        return Part(inputs, indices, targets)

    @torch.no_grad()
    def _beside(self, features: Tensor) -> Tensor:
        """Features as the head is given them: with the descriptors, as this split's training part scales them."""
        if self.described is None or self.classifier.beside is None:
            return features
        beside = self.classifier.beside(torch.from_numpy(self.described).to(self.classifier.beside.mean.device))
        return torch.cat([features, beside.cpu()], dim=1)

    def _refit_norms(self, train: Part) -> None:
        """Give the backbone's batch normalisation the statistics of images drawn from the training part."""
        drawn = np.random.default_rng(self.recipe.training.seed).permutation(len(train))
        area = self.recipe.prepare.height * self.recipe.prepare.width
        drawn = drawn[: min(REFIT_IMAGES, max(8, REFIT_PIXELS // area))]
        pixels = train.inputs.read(train.indices[drawn])[0].to(self.dataset.device)
        self.classifier.to(self.dataset.device)
        refit_batch_norm(self.classifier.backbone, self.classifier.scaling(pixels))

    def _features_of(self, part: Part) -> Tensor:
        """(n, D) features of a part, to fit the standardisation on."""
        if self.features is not None:
            return part.inputs.read(part.indices)[0]
        dataset = self.dataset
        every = self._beside(frozen_features(self.classifier, dataset.images, dataset.device, dataset.precision))
        return every[part.indices % len(every)]


def build(recipe: Recipe, manifest: Manifest, descriptors: int) -> tuple[Classifier, BackboneSpec]:
    """The recipe's network with fresh weights, drawn from its seed.

    Args:
        recipe: says which.
        manifest: whose classes the network tells apart.
        descriptors: number of descriptors beside each image.
    """
    torch.manual_seed(recipe.training.seed)
    size_px = (recipe.prepare.height, recipe.prepare.width)
    return build_classifier(recipe.network, len(manifest.classes), size_px, descriptors)
