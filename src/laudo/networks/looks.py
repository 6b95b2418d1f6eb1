"""What images look like to a network: its pooled features, before the head."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.networks.precision import MEMORY_FORMAT, Precision, autocast


def members(classifier: Classifier | Ensemble) -> list[Classifier]:
    """The networks that answer together, or the one."""
    return classifier.networks if isinstance(classifier, Ensemble) else [classifier]


@torch.no_grad()
def looks_of(classifier: Classifier, pixels: Tensor, precision: Precision) -> np.ndarray:
    """(B, D) float32 features of (B, C, H, W) uint8 prepared images, nothing measured beside them."""
    device = next(classifier.parameters()).device
    with autocast(device, precision):
        vector = classifier.image_vector(pixels.to(device).contiguous(memory_format=MEMORY_FORMAT))
    return as_look(classifier, vector)


def looks_and_logits(
    classifier: Classifier | Ensemble, pixels: Tensor, descriptors: Tensor | None
) -> tuple[list[np.ndarray], Tensor]:
    """Each network's (B, D) float32 features, and the logits that all of them give together, from one look at each image."""
    networks = members(classifier)
    vectors = [network.image_vector(pixels) for network in networks]
    logits = [
        network.head(network.join(vector, descriptors)) for network, vector in zip(networks, vectors, strict=True)
    ]
    looks = [as_look(network, vector) for network, vector in zip(networks, vectors, strict=True)]
    return looks, classifier.together(logits) if isinstance(classifier, Ensemble) else logits[0]


def as_look(classifier: Classifier, vector: Tensor) -> np.ndarray:
    """(B, D) float32 on the processor of (B, D') pooled features."""
    return classifier.averaged(vector.float()).cpu().numpy()
