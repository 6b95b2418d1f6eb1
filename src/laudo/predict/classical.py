"""Probabilities of a classical classifier on features of a frozen network, on descriptors, or on both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from laudo.core.recipe import View
from laudo.networks.classical import ClassicalClassifier
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.precision import MEMORY_FORMAT, Precision, autocast
from laudo.networks.views import seen


@torch.inference_mode()
def predict_classical(
    classical: ClassicalClassifier,
    backbone: Classifier | Ensemble | None,
    pixels: Tensor,
    precision: Precision,
    views: Sequence[View],
    descriptors: np.ndarray | None,
) -> np.ndarray:
    """(B, K) float64 probabilities, the mean over the views where there is a network to look at them.

    Args:
        classical: was fitted on the network's features followed by the descriptors.
        backbone: frozen network, whose head is not asked; None with descriptors alone.
        pixels: (B, C, H, W) uint8 prepared images.
        precision: of the network.
        views: of each image.
        descriptors: (B, D) float32; None without.
    """
    if not isinstance(backbone, Classifier):
        assert descriptors is not None, "a classical classifier has features or descriptors"
        return classical.probabilities(descriptors)
    answers = []
    for features in view_features(backbone, pixels, precision, views):
        both = features if descriptors is None else np.concatenate([features, descriptors], axis=1)
        answers.append(classical.probabilities(both))
    mean: np.ndarray = np.mean(answers, axis=0)
    return mean


@torch.inference_mode()
def view_features(
    network: Classifier | FrozenNetwork, pixels: Tensor, precision: Precision, views: Sequence[View]
) -> list[np.ndarray]:
    """(B, D) float32 features of each view of (B, C, H, W) uint8 prepared images, nothing measured beside them."""
    device = next(network.parameters()).device
    found = []
    for view in views:
        one = seen(pixels.to(device), view).contiguous(memory_format=MEMORY_FORMAT)
        with autocast(device, precision):
            found.append(network.image_vector(one).float().cpu().numpy())
    return found
