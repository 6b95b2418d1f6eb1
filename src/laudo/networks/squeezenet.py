"""SqueezeNet 1.1 (Iandola et al. 2016) of torchvision, its convolutional part."""

from __future__ import annotations

from torch import Tensor
from torchvision.models import squeezenet1_1

from laudo.networks.backbone import Backbone


class SqueezeNet(Backbone):
    """``squeezenet1_1().features``: 722,496 parameters, 512 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = squeezenet1_1(weights=None).features
        self.map_channels = 512
        self.vector_size = 512

    def feature_map(self, x: Tensor) -> Tensor:
        """Output of the last fire module."""
        features: Tensor = self.features(x)
        return features
