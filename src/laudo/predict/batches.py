"""Class probabilities of prepared images, in batches."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.precision import Precision, autocast, memory_format
from laudo.prepare.cache import PreparedImages


@torch.inference_mode()
def predict_pixels(classifier: Classifier, pixels: Tensor, precision: Precision, flip: bool) -> Tensor:
    """(B, K) float32 probabilities of (B, C, H, W) uint8 pixels; ``flip`` averages those of the mirrored images in."""
    device = next(classifier.parameters()).device
    pixels = pixels.to(device).contiguous(memory_format=memory_format(precision))
    with autocast(device, precision):
        probabilities = class_probabilities(classifier(pixels))
        if flip:
            probabilities = (probabilities + class_probabilities(classifier(pixels.flip(3)))) / 2
    return probabilities.cpu()


def predict_prepared(
    classifier: Classifier,
    images: PreparedImages,
    indices: np.ndarray,
    precision: Precision,
    flip: bool,
    batch_size: int = 32,
) -> np.ndarray:
    """(n, K) float64 probabilities of these images."""
    classifier.eval()
    parts = []
    with step(_("Predicting"), len(indices)) as advance:
        for start in range(0, len(indices), batch_size):
            chosen = indices[start : start + batch_size]
            pixels = torch.from_numpy(images.read(chosen)).permute(0, 3, 1, 2)
            parts.append(predict_pixels(classifier, pixels, precision, flip))
            advance(len(chosen))
    return torch.cat(parts).double().numpy()
