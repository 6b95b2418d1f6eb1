"""What makes the vectors by which a catalogue finds images that look alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import timm
import torch

from laudo.catalog.vectors import ImageEncoder
from laudo.core.recipe import Network, Prepare
from laudo.networks.backbone import Backbone, Scaling
from laudo.networks.precision import MEMORY_FORMAT, autocast, choose_device, choose_precision
from laudo.networks.table import pretrained_backbone
from laudo.prepare.transform import prepare_file, transform_key

SIDE_PX = 224

BATCH = 16


def image_encoder(name: str) -> ImageEncoder:
    """The encoder of a name: any backbone that laudo can load, with its pretrained weights; its own pooled vector is taken.

    Args:
        name: of a timm network or of one of laudo's own (`clip`, `open_clip` …); weights are looked for in LAUDO_WEIGHTS, then in
            the hub's cache, then at the hub. ``NAME=WEIGHTS`` says where else they are, as `network.weights` does.

    Raises:
        UnknownNameError, WeightsError: see :func:`laudo.networks.table.pretrained_backbone`.
    """
    kind, _equals, weights = name.partition("=")
    backbone, spec = pretrained_backbone(Network(backbone=kind, weights=weights or "hub"))
    side = backbone.exact_px or (SIDE_PX, SIDE_PX)
    # images keep their aspect: a stretched skull would look like another one
    prepare = Prepare(height=side[0], width=side[1], fit="pad", colour="rgb")
    facts = [spec.as_dict(), transform_key(prepare), timm.__version__]
    identity = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    scaling, device = Scaling(spec.scaling), choose_device()
    backbone.requires_grad_(False).eval().to(device).to(memory_format=MEMORY_FORMAT)
    scaling.to(device)

    def embed(paths: Sequence[Path]) -> np.ndarray:
        parts = [
            _vectors(backbone, scaling, [prepare_file(path, prepare) for path in paths[start : start + BATCH]], device)
            for start in range(0, len(paths), BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, backbone.vector_size), dtype=np.float32)

    return ImageEncoder(name, identity, embed)


@torch.inference_mode()
def _vectors(backbone: Backbone, scaling: Scaling, pictures: Sequence[np.ndarray], device: torch.device) -> np.ndarray:
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(device)
    with autocast(device, choose_precision("auto", device)):
        vectors: np.ndarray = backbone(scaling(batch)).float().cpu().numpy()
    return vectors
