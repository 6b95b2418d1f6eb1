"""The image side of CLIP, SigLIP or SigLIP 2 as a backbone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from laudo.core.errors import WeightsError
from laudo.core.messages import _
from laudo.core.recipe import InputScaling
from laudo.networks.backbone import Backbone
from laudo.networks.checkpoint import Checkpoint, read_object
from laudo.networks.checkpoint_search import SCALING
from laudo.networks.clip_family import build_side, shape_of

CLIP_SCALING = InputScaling(mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711))
"""Scaling that CLIP was trained with (Radford 2021)."""


class ClipBackbone(Backbone):
    """Its vector is the image's place in the space that images and texts share: after the projection, at length 1, so that the
    scalar product of two is their cosine.

    The feature map holds the tokens of the last layer after its norm.

    Args:
        shape: of :func:`laudo.networks.clip_family.shape_of`.

    Raises:
        LaudoError: transformers is not installed.
        KeyError, ValueError: the shape is not valid.
    """

    convolutional = False

    def __init__(self, shape: Mapping[str, Any]) -> None:
        super().__init__()
        self.form = json.dumps(shape, sort_keys=True, default=str)
        self.family = str(shape["family"])
        self.patch_px = int(shape["patch_size"])
        self.side_px = self._side_px(shape)
        self.exact_px = (self.side_px, self.side_px)
        self.map_channels = int(shape["hidden_size"])
        self.vector_size = int(shape["projection"] or self.map_channels)
        self.vision_model: Any = build_side(shape, "vision")
        if shape["projection"]:
            self.visual_projection = nn.Linear(self.map_channels, self.vector_size, bias=False)
        elif not shape.get("vision_use_head", True):
            raise ValueError("its image side has no vector of its own")

    def forward(self, x: Tensor) -> Tensor:
        """(B, vector_size) of length 1."""
        return self._placed(self._look(x).pooler_output)

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, C, h, w) tokens, laid back on their grid."""
        tokens = self._look(x).last_hidden_state
        if self.family == "clip":  # the others have normed all tokens; CLIP norms the first one alone
            tokens = self.vision_model.post_layernorm(tokens[:, 1:])
        side = self.side_px // self.patch_px
        grid: Tensor = tokens.transpose(1, 2).reshape(len(x), self.map_channels, side, side)
        return grid

    def pool(self, feature_map: Tensor) -> Tensor:
        """(B, vector_size) of length 1: of SigLIP, as it was trained; of CLIP, which reads its vector off a token that has no place
        in the map, the projected mean over the grid.
        """
        tokens = feature_map.flatten(2).transpose(1, 2)
        return self._placed(tokens.mean(dim=1) if self.family == "clip" else self.vision_model.head(tokens))

    def _placed(self, vector: Tensor) -> Tensor:
        projected = self.visual_projection(vector) if self.family == "clip" else vector
        return functional.normalize(projected.float(), dim=1)

    def _look(self, x: Tensor) -> Any:
        if tuple(x.shape[2:]) != self.exact_px:
            raise ValueError(f"images of {tuple(x.shape[2:])} pixels, trained with {self.exact_px}")
        if self.family != "siglip2":
            return self.vision_model(x)
        cells, patch = self.side_px // self.patch_px, self.patch_px
        patches = x.reshape(len(x), 3, cells, patch, cells, patch).permute(0, 2, 4, 3, 5, 1)
        grids = torch.full((len(x), 2), cells, dtype=torch.long)  # on the processor: it is read one by one
        return self.vision_model(patches.reshape(len(x), cells * cells, -1), None, grids)

    @staticmethod
    def _side_px(shape: Mapping[str, Any]) -> int:
        """Side of the images; SigLIP 2 of free size is given those that fill its grid."""
        if shape["family"] == "siglip2":
            return math.isqrt(int(shape["num_patches"])) * int(shape["patch_size"])
        return int(shape["image_size"])


def clip_options(checkpoint: Checkpoint) -> dict[str, Any]:
    """What builds the image side of a checkpoint again.

    Raises:
        WeightsError: its description is not understood.
    """
    with checkpoint.understood():
        return shape_of(checkpoint.description, "vision")


def clip_scaling(checkpoint: Checkpoint) -> InputScaling:
    """How the images of a checkpoint are scaled, as its own preprocessing says.

    Raises:
        WeightsError: it does not say.
    """
    found = checkpoint.settings(*SCALING) or _of_repository(checkpoint)
    found = found.get("image_processor", found)
    try:
        if not found.get("do_normalize", True):
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        else:
            mean, std = tuple(found["image_mean"]), tuple(found["image_std"])
        white = 255 * float(found.get("rescale_factor", 1 / 255)) if found.get("do_rescale", True) else 255.0
        return InputScaling(mean=mean, std=std, range=round(white, 9))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            _("The checkpoint does not say how its images are scaled; laudo does not guess."),
            file=checkpoint.folder / SCALING[0],
            expected="image_mean, image_std",
            found=f"{type(error).__name__}: {error}"[:300],
            cure=_(
                "Bring {name}, or say it in the recipe: network.input_scaling: {{mean: […], std: […], range: 1 or 255}}"
            ).format(name=SCALING[0]),
        ) from error


def _of_repository(checkpoint: Checkpoint) -> dict[str, Any]:
    """Where the hub's cache holds the weights only."""
    try:
        return read_object(checkpoint.companion(SCALING[0]))
    except WeightsError:
        return {}
