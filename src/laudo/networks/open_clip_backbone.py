"""The image side of a network of open_clip (Ilharco 2021) as a backbone; BiomedCLIP (Zhang 2023) is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import timm
from torch import Tensor
from torch.nn import functional

from laudo.core.recipe import InputScaling
from laudo.networks.backbone import Backbone
from laudo.networks.checkpoint import Checkpoint
from laudo.networks.clip_backbone import CLIP_SCALING
from laudo.networks.optional_package import load_package

VIT_B_32: dict[str, Any] = {
    "embed_dim": 512,
    "quick_gelu": False,
    "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
}


class OpenClipBackbone(Backbone):
    """Its vector is the image's place in the space that images and texts share, at length 1.

    The feature map is the last one of the image side: tokens on their grid, or the map of a convolutional network.

    Args:
        options: of :func:`open_clip_options`.

    Raises:
        LaudoError: open_clip is not installed.
        KeyError, TypeError, ValueError: the options are not valid.
    """

    convolutional = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.form = json.dumps(options, sort_keys=True, default=str)
        model = load_package("open_clip").model
        settings = model.CLIPVisionCfg(**{**options["vision_cfg"], "timm_model_pretrained": False})
        _refuse(settings)
        self.vector_size = int(options["embed_dim"])
        self.visual: Any = model._build_vision_tower(self.vector_size, settings, bool(options["quick_gelu"]))
        self.is_timm = bool(settings.timm_model_name)
        self.is_residual = isinstance(settings.layers, list | tuple) and not self.is_timm
        size_px = self.visual.image_size
        self.size_px = (size_px, size_px) if isinstance(size_px, int) else (int(size_px[0]), int(size_px[1]))
        self.exact_px = self.size_px
        self.map_channels = self._map_channels(settings)
        if not self.is_timm and not self.is_residual:
            self.visual.output_tokens = True

    def forward(self, x: Tensor) -> Tensor:
        """(B, vector_size) of length 1."""
        found = self.visual(self._checked(x))
        return _unit(found[0] if isinstance(found, tuple) else found)

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, C, h, w) last feature map; tokens are laid back on their grid."""
        x = self._checked(x)
        if self.is_residual:
            for layer in ("stem", "layer1", "layer2", "layer3", "layer4"):
                x = getattr(self.visual, layer)(x)
            return x
        if not self.is_timm:
            return self._on_grid(self.visual(x)[1])
        trunk = self.visual.trunk
        found: Tensor = trunk.forward_features(x)
        if found.ndim == 3:
            return self._on_grid(found[:, getattr(trunk, "num_prefix_tokens", 0) :])
        return found if getattr(trunk, "output_fmt", "NCHW") == "NCHW" else found.permute(0, 3, 1, 2)

    def pool(self, feature_map: Tensor) -> Tensor:
        """(B, vector_size) of length 1: pooled by attention where the network does so, else the projected mean over the grid, also
        of those that read their vector off a token that has no place in the map.
        """
        mean = feature_map.mean(dim=(2, 3))
        if self.is_residual:
            return _unit(self.visual.attnpool(feature_map))
        if not self.is_timm:
            return _unit(mean if self.visual.proj is None else mean @ self.visual.proj)
        trunk = self.visual.trunk
        if not hasattr(trunk, "num_prefix_tokens"):  # a map, which the network pools itself
            first = getattr(trunk, "output_fmt", "NCHW") == "NCHW"
            pooled = trunk.forward_head(feature_map if first else feature_map.permute(0, 2, 3, 1))
        elif getattr(trunk, "attn_pool", None) is not None:
            pooled = trunk.head(trunk.fc_norm(trunk.attn_pool(feature_map.flatten(2).transpose(1, 2))))
        else:
            pooled = trunk.head(trunk.fc_norm(mean))
        return _unit(self.visual.head(pooled))

    def _checked(self, x: Tensor) -> Tensor:
        if tuple(x.shape[2:]) != self.exact_px:
            raise ValueError(f"images of {tuple(x.shape[2:])} pixels, trained with {self.exact_px}")
        return x

    def _on_grid(self, tokens: Tensor) -> Tensor:
        height, width = self.size_px
        rows = round((tokens.shape[1] * height / width) ** 0.5)
        return tokens.transpose(1, 2).reshape(len(tokens), -1, rows, tokens.shape[1] // rows)

    def _map_channels(self, settings: Any) -> int:
        if self.is_timm:
            return int(self.visual.trunk.num_features)
        return int(settings.width) * (32 if self.is_residual else 1)


def open_clip_options(checkpoint: Checkpoint) -> dict[str, Any]:
    """What builds the image side of a checkpoint again.

    Raises:
        WeightsError: its description is not understood.
    """
    with checkpoint.understood():
        model = model_settings(checkpoint)
        return {
            "embed_dim": int(model["embed_dim"]),
            "quick_gelu": bool(model.get("quick_gelu", False)),
            "vision_cfg": dict(model["vision_cfg"]),
        }


def model_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """How a checkpoint's network is built.

    Raises:
        ValueError: it writes texts too, which is another kind of network.
    """
    found: dict[str, Any] = checkpoint.description["model_cfg"]
    if "multimodal_cfg" in found:
        raise ValueError("multimodal_cfg: networks that write texts are not read")
    return found


def open_clip_scaling(checkpoint: Checkpoint) -> InputScaling:
    """How the images of a checkpoint are scaled; where it does not say, as CLIP's, which is open_clip's rule.

    Raises:
        WeightsError: its description is not understood.
    """
    with checkpoint.understood():
        found = checkpoint.description.get("preprocess_cfg") or {}
        return InputScaling(mean=found.get("mean") or CLIP_SCALING.mean, std=found.get("std") or CLIP_SCALING.std)


def _refuse(settings: Any) -> None:
    if settings.timm_model_name and not timm.is_model(settings.timm_model_name):  # else timm would look at the hub
        raise ValueError(f"timm_model_name: timm has no network {settings.timm_model_name}")
    if settings.attentional_pool or settings.pool_type not in {"tok", "avg"}:
        raise ValueError("attentional_pool, pool_type: tokens that have no place in the image")


def _unit(vector: Tensor) -> Tensor:
    return functional.normalize(vector.float(), dim=1)
