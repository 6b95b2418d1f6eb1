"""Answers for the prepared images of a manifest, by whatever answers for a run."""

from __future__ import annotations

import numpy as np
import torch

from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.networks.precision import Precision
from laudo.predict.model import Answer, Model
from laudo.prepare.cache import prepare_images
from laudo.prepare.describe import describe_images
from laudo.prepare.texts import sample_texts


def answer_images(model: Model, manifest: Manifest, precision: Precision, batch_size: int = 32) -> Answer:
    """What a model says of every sample, in the order of the manifest.

    Raises:
        UnreadableImageError: a file gives no image, or a mask is needed and missing.
    """
    images = prepare_images(manifest, model.prepare)
    groups = model.network.descriptors
    described = describe_images(manifest, model.prepare, groups) if groups else None
    texts = [] if model.text is None else sample_texts(manifest.table, model.text.columns)
    parts: list[Answer] = []
    with step(_("Predicting"), len(manifest)) as advance:
        for start in range(0, len(manifest), batch_size):
            chosen = np.arange(start, min(start + batch_size, len(manifest)))
            pixels = torch.from_numpy(images.read(chosen)).permute(0, 3, 1, 2)
            beside = None if described is None else described[chosen]
            parts.append(model.answer(pixels, precision, beside, [texts[row] for row in chosen] if texts else ()))
            advance(len(chosen))
    probabilities = np.concatenate([np.zeros((0, len(model.classes))), *(part.probabilities for part in parts)])
    unlike = [part.ood for part in parts if part.ood is not None]
    if not unlike:
        return Answer(probabilities, None)
    return Answer(probabilities, (np.concatenate([one for one, _d in unlike]), np.concatenate([d for _p, d in unlike])))
