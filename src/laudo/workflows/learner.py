"""A network and what it learns from: images, or features of its frozen backbone. Trains on any split of one data set."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.networks.backbone import BackboneSpec
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.head import Standardise
from laudo.networks.table import build_classifier
from laudo.predict.batches import predict_prepared
from laudo.prepare.cache import picture_keys
from laudo.prepare.transform import transform_key
from laudo.train.bookkeeper import weights_path
from laudo.train.features import frozen_features
from laudo.train.fit import Deadline, Fitted, fit
from laudo.train.inputs import FeatureInputs, ImageInputs, Inputs, Part
from laudo.workflows.dataset import Dataset


@dataclass
class Learner:
    """Trains and asks the recipe's network.

    Attributes:
        recipe: what to do.
        dataset: all images.
        classifier: the network; :meth:`train` begins with fresh weights each time.
        spec: how its backbone is built.
        features: (2, n, D) features of every image and of its mirror image, when they never change (backbone frozen, no blocks,
            nothing drawn); else None.
        unfitted: the data set as it was before something was fitted on a training part; the same where nothing is.
    """

    recipe: Recipe
    dataset: Dataset
    classifier: Classifier
    spec: BackboneSpec
    features: Tensor | None
    unfitted: Dataset

    @classmethod
    def start(cls, recipe: Recipe, dataset: Dataset, unfitted: Dataset | None = None) -> Learner:
        """Build the network; features that never change are computed now, once an image, if the images are ready."""
        classifier, spec = _build(recipe, dataset.manifest)
        features = None
        if dataset.prepared is not None and recipe.has_fixed_features:
            mirrored = recipe.augment.mirrored_copies or recipe.evaluation.flip
            features = torch.stack(
                [cached_features(classifier, recipe, dataset, m) for m in ([0, 1] if mirrored else [0])]
            )
        return cls(recipe, dataset, classifier, spec, features, unfitted or dataset)

    def for_split(self, manifest: Manifest) -> Learner:
        """A learner whose images are prepared with what this split's training part says; itself, when nothing is to be fitted."""
        if not self.unfitted.prepare.needs_fitting:
            return self
        return Learner.start(self.recipe, self.unfitted.fitted_on(manifest), self.unfitted)

    @property
    def is_frozen(self) -> bool:
        """Whether only the head is trained, on features."""
        return self.features is not None

    def train(self, run: Run, manifest: Manifest, deadline: Deadline) -> Fitted:
        """Train on a split from fresh weights, or go on where the run folder was left.

        Args:
            run: where log and checkpoints go.
            manifest: the data set's, with parts.
            deadline: of ``--max-minutes``.
        """
        self.classifier, self.spec = _build(self.recipe, manifest)
        train, val = (
            self._part(manifest, "train", self.recipe.augment.mirrored_copies),
            self._part(manifest, "val", False),
        )
        standardise = self.classifier.head.standardise
        if isinstance(standardise, Standardise):
            standardise.fit(self._features_of(train))
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
        flip = self.recipe.evaluation.flip
        if self.features is None:
            return predict_prepared(self.classifier, self.dataset.images, indices, self.dataset.precision, flip)
        head = self.classifier.head.eval().cpu()
        views = [class_probabilities(head(self.features[view][indices])) for view in ([0, 1] if flip else [0])]
        head.to(self.dataset.device)
        return torch.stack(views).mean(dim=0).double().numpy()

    def _part(self, manifest: Manifest, name: str, mirrored: bool) -> Part:
        indices, targets = manifest.indices(name), manifest.labels[manifest.indices(name)]
        if mirrored:
            indices, targets = np.concatenate([indices, indices + len(manifest)]), np.concatenate([targets, targets])
        inputs: Inputs
        if self.features is not None:
            inputs = FeatureInputs(self.features.flatten(0, 1))
        else:
            inputs = (
                MirroredInputs(ImageInputs(self.dataset.images), len(manifest))
                if mirrored
                else ImageInputs(self.dataset.images)
            )
        return Part(inputs, indices, targets)

    def _features_of(self, part: Part) -> Tensor:
        """(n, D) features of a part, to fit the standardisation on."""
        if self.features is not None:
            return part.inputs.read(part.indices)
        dataset = self.dataset
        every = frozen_features(self.classifier, dataset.images, dataset.device, dataset.precision)
        return every[part.indices % len(every)]


@dataclass(frozen=True)
class MirroredInputs:
    """Images whose positions from ``n`` on are the mirror images of the first ``n``."""

    inputs: ImageInputs
    n: int

    def read(self, indices: Sequence[int] | np.ndarray) -> Tensor:
        """(B, C, H, W) uint8."""
        positions = np.asarray(indices)
        pixels = self.inputs.read(positions % self.n)
        turned = torch.from_numpy(positions >= self.n).view(-1, 1, 1, 1)
        return torch.where(turned, pixels.flip(3), pixels)


def _build(recipe: Recipe, manifest: Manifest) -> tuple[Classifier, BackboneSpec]:
    torch.manual_seed(recipe.training.seed)
    size_px = (recipe.prepare.height, recipe.prepare.width)
    return build_classifier(recipe.network, len(manifest.classes), size_px)


def cached_features(classifier: Classifier, recipe: Recipe, dataset: Dataset, mirrored: bool | int) -> Tensor:
    """(n, D) features of every image (or of its mirror image), from the cache when the same were computed before.

    The key holds everything that decides them: the backbone's weights and scaling, pooling, precision, the prepared images.
    """
    digest = hashlib.sha256()
    for name, tensor in classifier.backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    facts = [
        recipe.network.backbone,
        recipe.network.pooling,
        classifier.scaling.factor,
        classifier.scaling.mean.tolist(),
        classifier.scaling.std.tolist(),
        dataset.precision,
        dataset.device.type,
        torch.__version__,
        timm.__version__,
        transform_key(dataset.prepare),
        bool(mirrored),
        picture_keys(dataset.manifest, dataset.prepare),
    ]
    digest.update(json.dumps(facts).encode())
    path = cache_folder() / "features" / f"{digest.hexdigest()[:32]}.safetensors"
    stored = _read_features(path)
    if stored is None:
        stored = frozen_features(classifier, dataset.images, dataset.device, dataset.precision, bool(mirrored))
        with atomic_path(path) as temporary:
            save_file({"features": stored}, temporary, metadata={"crc32": str(_checksum(stored))})
    return stored


def _read_features(path: Path) -> Tensor | None:
    """Stored features; a damaged file counts as none."""
    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="pt") as handle:
            features: Tensor = handle.get_tensor("features")
            return features if (handle.metadata() or {}).get("crc32") == str(_checksum(features)) else None
    except (SafetensorError, KeyError, OSError):
        return None


def _checksum(features: Tensor) -> int:
    return zlib.crc32(features.contiguous().numpy().tobytes())
