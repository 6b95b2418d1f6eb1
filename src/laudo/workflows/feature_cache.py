"""Features of a frozen backbone, kept between runs: the same are never computed twice."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import timm
import torch
from torch import Tensor

from laudo.core.cache_folder import cache_folder
from laudo.core.environment import OPTIONAL, describe_packages
from laudo.core.recipe import Recipe, View
from laudo.networks.classifier import Classifier
from laudo.networks.frozen import FrozenNetwork
from laudo.prepare.cache import picture_keys
from laudo.prepare.transform import transform_key
from laudo.train.features import frozen_features
from laudo.workflows.dataset import Dataset
from laudo.workflows.kept_array import kept_array


def cached_features(classifier: Classifier | FrozenNetwork, recipe: Recipe, dataset: Dataset, view: View) -> Tensor:
    """(n, D) features of one view of every image, from the cache when the same were computed before.

    The key holds everything that decides them: the backbone's weights and scaling, pooling, the plane that is looked at, precision,
    the prepared images.
    """
    digest = hashlib.sha256()
    for name, tensor in classifier.backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    facts = [
        recipe.network.backbone,
        *([classifier.backbone.form, *_versions()] if classifier.backbone.form else []),
        classifier.pooling,
        classifier.plane if isinstance(classifier, FrozenNetwork) else None,
        classifier.scaling.factor,
        classifier.scaling.mean.tolist(),
        classifier.scaling.std.tolist(),
        dataset.precision,
        dataset.device.type,
        torch.__version__,
        timm.__version__,
        transform_key(dataset.prepare),
        view,
        picture_keys(dataset.manifest, dataset.prepare),
    ]
    digest.update(json.dumps(facts).encode())
    path = cache_folder() / "features" / f"{digest.hexdigest()[:32]}.safetensors"

    def compute() -> np.ndarray:
        return frozen_features(classifier, dataset.images, dataset.device, dataset.precision, view).numpy()

    return torch.from_numpy(kept_array(path, compute))


def _versions() -> list[str]:
    """Of the libraries that networks of images and texts are built by."""
    packages = describe_packages()
    return [f"{name} {packages[name]}" for name in OPTIONAL if name in packages]
