"""Class probabilities of prepared images, in batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import View
from laudo.networks.classifier import Classifier, class_probabilities
from laudo.networks.ensemble import Ensemble
from laudo.networks.looks import looks_and_logits
from laudo.networks.precision import MEMORY_FORMAT, Precision, autocast
from laudo.networks.views import seen
from laudo.prepare.cache import PreparedImages


@torch.inference_mode()
def predict_pixels(
    classifier: Classifier | Ensemble,
    pixels: Tensor,
    precision: Precision,
    views: Sequence[View],
    descriptors: Tensor | None = None,
    looks: list[np.ndarray] | None = None,
) -> Tensor:
    """(B, K) float32 probabilities of (B, C, H, W) uint8 pixels, the mean over the views.

    Args:
        classifier: the network, or several that answer together.
        pixels: prepared images.
        precision: bf16 runs the network in autocast, channels last.
        views: of each image.
        descriptors: (B, D) measured features beside the images, the same for every view; None when the network is given none.
        looks: each network's (B, D) float32 features of the images as they are are added to it; None: nobody wants them.
    """
    device = next(classifier.parameters()).device
    pixels = pixels.to(device)
    beside = None if descriptors is None else descriptors.to(device)
    answers = []
    with autocast(device, precision):
        for view in views:
            one = seen(pixels, view).contiguous(memory_format=MEMORY_FORMAT)
            if looks is not None and view == "plain":
                found, logits = looks_and_logits(classifier, one, beside)
                looks += found
            else:
                logits = classifier(one, beside)
            answers.append(class_probabilities(logits, classifier.multilabel))
    return torch.stack(answers).mean(dim=0).cpu()


def predict_prepared(
    classifier: Classifier | Ensemble,
    images: PreparedImages,
    indices: np.ndarray,
    precision: Precision,
    views: Sequence[View],
    descriptors: Tensor | None = None,
    batch_size: int = 32,
) -> np.ndarray:
    """(n, K) float64 probabilities of these images; ``descriptors`` are (n, D), those of these images alone."""
    classifier.eval()
    parts = []
    with step(_("Predicting"), len(indices)) as advance:
        for start in range(0, len(indices), batch_size):
            chosen = indices[start : start + batch_size]
            pixels = torch.from_numpy(images.read(chosen)).permute(0, 3, 1, 2)
            beside = None if descriptors is None else descriptors[start : start + batch_size]
            parts.append(predict_pixels(classifier, pixels, precision, views, beside))
            advance(len(chosen))
    return torch.cat(parts).double().numpy()
