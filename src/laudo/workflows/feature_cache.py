"""Features of a frozen backbone, kept between runs: the same are never computed twice."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.core.environment import OPTIONAL, describe_packages
from laudo.core.recipe import Recipe, View
from laudo.networks.classifier import Classifier
from laudo.networks.frozen import FrozenNetwork
from laudo.prepare.cache import picture_keys
from laudo.prepare.transform import transform_key
from laudo.train.features import frozen_features
from laudo.workflows.dataset import Dataset


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
    stored = _read_features(path)
    if stored is None:
        stored = frozen_features(classifier, dataset.images, dataset.device, dataset.precision, view)
        with atomic_path(path) as temporary:
            save_file({"features": stored}, temporary, metadata={"crc32": str(_checksum(stored))})
    return stored


def _versions() -> list[str]:
    """Of the libraries that networks of images and texts are built by."""
    packages = describe_packages()
    return [f"{name} {packages[name]}" for name in OPTIONAL if name in packages]


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
