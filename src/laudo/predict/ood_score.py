"""How unlike a model's training images an image is: the mean over its networks, stored beside the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from laudo.core.atomic import atomic_path
from laudo.core.run import Run
from laudo.networks.feature_distance import FeatureDistance

OOD, OOD_DISTANCE = "ood", "ood_distance"
"""Columns of predictions: per cent of the validation images that are less unlike the training images, and the distance as a
multiple of the validation images' median."""

FIELDS = ("mean", "deviation", "reference", "training", "validation")


@dataclass(frozen=True)
class OodScore:
    """Fitted distances, one for each network of a model, in their order."""

    networks: tuple[FeatureDistance, ...]

    def score(self, looks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """(B,) percentile among the validation images, (B,) distance as a multiple of their median: means over the networks.

        Args:
            looks: (B, D) features of each network.

        Raises:
            ValueError: not as many as networks, or not as many features as they were fitted on.
        """
        pairs = list(zip(self.networks, looks, strict=True))
        far = [network.distances(features) for network, features in pairs]
        percentiles = [network.percentiles(one) for network, one in zip(self.networks, far, strict=True)]
        relative = [network.relative(one) for network, one in zip(self.networks, far, strict=True)]
        return np.mean(percentiles, axis=0), np.mean(relative, axis=0)

    def save(self, run: Run) -> None:
        """Write ood.safetensors."""
        tensors = {
            f"{number}.{name}": np.ascontiguousarray(array)
            for number, network in enumerate(self.networks, start=1)
            for name, array in network.arrays().items()
        }
        with atomic_path(run.ood_path) as temporary:
            save_file(tensors, temporary)

    @classmethod
    def load(cls, run: Run, networks: int) -> OodScore | None:
        """Read what :meth:`save` wrote; None when the run has none, as one of an older laudo.

        Args:
            run: the folder.
            networks: how many the model has.

        Raises:
            RunError: the file is damaged, or belongs to another model.
        """
        if not run.ood_path.is_file():
            return None
        try:
            tensors = load_file(run.ood_path)
            if len(tensors) != networks * len(FIELDS):
                raise ValueError(f"{len(tensors)} tensors for {networks} networks")
            found = [
                FeatureDistance(**{name: tensors[f"{number}.{name}"] for name in FIELDS})
                for number in range(1, networks + 1)
            ]
            for one in found:
                one.distances(np.zeros((1, one.reference.shape[1]), np.float32))
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise run.damaged(run.ood_path, f"{type(error).__name__}: {error}") from error
        return cls(tuple(found))

    @classmethod
    def together(cls, parts: Sequence[OodScore | None]) -> OodScore | None:
        """Those of several models that answer together; None when one of them has none."""
        found = [part for part in parts if part is not None]
        if not found or len(found) < len(parts):
            return None
        return cls(tuple(network for part in found for network in part.networks))
