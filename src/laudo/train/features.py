"""Features of a frozen backbone: computed once an image, whatever the number of epochs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import View
from laudo.networks.classifier import Classifier
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.memory import reused_memory
from laudo.networks.precision import MEMORY_FORMAT, Precision, autocast
from laudo.networks.views import seen
from laudo.prepare.cache import PreparedImages


@torch.no_grad()  # not inference mode: modules are moved here, and must stay trainable
def frozen_features(
    classifier: Classifier | FrozenNetwork,
    images: PreparedImages,
    device: torch.device,
    precision: Precision,
    view: View = "plain",
    batch_size: int = 32,
) -> Tensor:
    """(n, D) float32 features of every prepared image, without what is measured beside it, on the CPU.

    Args:
        classifier: its backbone is used in evaluation mode; the head is not touched.
        images: prepared images.
        device: where the backbone runs.
        precision: bf16 runs it in autocast, channels last.
        view: of each image.
        batch_size: images at a time.
    """
    classifier.eval().to(device).to(memory_format=MEMORY_FORMAT)
    parts = []
    with (
        step(_("Features of the frozen backbone, once an image"), len(images)) as advance,
        autocast(device, precision),
        reused_memory(device),
    ):
        for start in range(0, len(images), batch_size):
            indices = np.arange(start, min(start + batch_size, len(images)))
            pixels = torch.from_numpy(images.read(indices)).permute(0, 3, 1, 2).to(device)
            parts.append(
                classifier.image_vector(seen(pixels, view).contiguous(memory_format=MEMORY_FORMAT)).float().cpu()
            )
            advance(len(indices))
    return torch.cat(parts).clone()
