"""The image side of a checkpoint that was trained on images and texts: what it is, how it is scaled, its tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from laudo.core.recipe import InputScaling, Network
from laudo.networks.backbone import BackboneSpec
from laudo.networks.checkpoint import Checkpoint, CheckpointKind
from laudo.networks.checkpoint_search import find_checkpoint
from laudo.networks.clip_backbone import clip_options, clip_scaling
from laudo.networks.clip_family import default_shape
from laudo.networks.open_clip_backbone import VIT_B_32, open_clip_options, open_clip_scaling


@dataclass(frozen=True)
class Reader:
    """How checkpoints of one form are read.

    Attributes:
        kind: the form.
        options: what builds the image side again.
        scaling: that it was trained with.
        beginnings: of the names of its tensors.
        usual: options without a checkpoint.
    """

    kind: CheckpointKind
    options: Callable[[Checkpoint], dict[str, Any]]
    scaling: Callable[[Checkpoint], InputScaling]
    beginnings: tuple[str, ...]
    usual: Callable[[], dict[str, Any]]


READERS: dict[str, Reader] = {
    "clip": Reader("clip", clip_options, clip_scaling, ("vision_model.", "visual_projection."), default_shape),
    "open_clip": Reader("open_clip", open_clip_options, open_clip_scaling, ("visual.",), lambda: dict(VIT_B_32)),
}
"""By name of the backbone."""


@dataclass(frozen=True)
class ImageSide:
    """What was found.

    Attributes:
        checkpoint: where.
        spec: what builds the backbone again without the checkpoint.
    """

    checkpoint: Checkpoint
    spec: BackboneSpec

    def tensors(self) -> dict[str, Tensor]:
        """Its weights, named as the backbone names them.

        Raises:
            WeightsError: a weights file is missing or damaged.
        """
        return self.checkpoint.tensors(*READERS[self.spec.name].beginnings)


def find_image_side(network: Network) -> ImageSide:
    """The image side of the checkpoint that the recipe names.

    Raises:
        WeightsError: it is nowhere, not complete, or not understood; see
            :func:`laudo.networks.checkpoint_search.find_checkpoint`.
    """
    reader = READERS[network.backbone]
    checkpoint = find_checkpoint(reader.kind, network.weights)
    options = reader.options(checkpoint)
    scaling = network.input_scaling or reader.scaling(checkpoint)
    return ImageSide(
        checkpoint,
        BackboneSpec(network.backbone, options, scaling, checkpoint.origin, checkpoint.weights_hash()),
    )
