"""Any network of timm (Wightman 2019) as a backbone, without its classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from timm.models.vgg import VGG
from torch import Tensor, nn

from laudo.networks.backbone import Backbone
from laudo.networks.depthwise import mark_depthwise


class TimmBackbone(Backbone):
    """A timm network with its classifier taken off.

    VGG also loses its two fully connected layers, as in transfer learning without the top: of VGG19, 20,024,384 parameters stay.

    Args:
        name: timm's name.
        options: further arguments of ``timm.create_model``.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.model = _create(name, options or {})
        mark_depthwise(self.model)
        self._is_vgg = isinstance(self.model, VGG)
        self.map_channels = int(self.model.num_features)
        self.vector_size = self._vector_size()
        self.convolutional = getattr(self.model, "output_fmt", "NCHW") == "NCHW" and not hasattr(
            self.model, "patch_embed"
        )
        # block5_conv4 after its ReLU, as system S3 draws it: twice as fine as the pooled map
        self.cam_layer = "model.features.35" if name.split(".")[0] == "vgg19" else ""

    def feature_map(self, x: Tensor) -> Tensor:
        """Last feature map; tokens of a transformer are laid back on their grid."""
        return self._as_map(self.model.forward_features(x))

    def forward(self, x: Tensor) -> Tensor:
        """Vector as timm pools it."""
        return self._pool_raw(self.model.forward_features(x))

    def pool(self, feature_map: Tensor) -> Tensor:
        """Vector of a feature map; for transformers and channels-last networks the mean over the grid."""
        if self.convolutional:
            return self._pool_raw(feature_map)
        return feature_map.mean(dim=(2, 3))

    def _pool_raw(self, raw: Tensor) -> Tensor:
        if self._is_vgg:
            return raw.mean(dim=(2, 3))
        vector: Tensor = self.model.forward_head(raw, pre_logits=True)
        return vector

    def _as_map(self, raw: Tensor) -> Tensor:
        if raw.ndim == 3:
            tokens = raw[:, getattr(self.model, "num_prefix_tokens", 0) :]
            side = round(tokens.shape[1] ** 0.5)
            return tokens.transpose(1, 2).reshape(len(raw), -1, side, tokens.shape[1] // side)
        return raw if self.convolutional else raw.permute(0, 3, 1, 2)

    def _vector_size(self) -> int:
        """Length of the vector: VGG's is that of its map, the others say it."""
        return self.map_channels if self._is_vgg else int(self.model.head_hidden_size)


def _create(name: str, options: Mapping[str, Any]) -> Any:
    """A network of timm without weights and classifier; what it offers differs from one to the next, hence Any."""
    model: Any = timm.create_model(name, pretrained=False, num_classes=0, **options)
    if isinstance(model, VGG):
        setattr(model, "pre_logits", nn.Identity())  # noqa: B010 (its declared type is the layer we take out)
    return model
