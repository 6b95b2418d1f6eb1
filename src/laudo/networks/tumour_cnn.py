"""The convolutional network of system S2, trained from nothing on brain tumours."""

from __future__ import annotations

from torch import Tensor, nn

from laudo.networks.backbone import Backbone
from laudo.networks.fast_dropout import FastDropout

WIDTHS = (32, 64, 64, 128)
DROPOUT = 0.25
"""Ours: the published table shows where dropout stands, and no rate."""


class TumourCNN(Backbone):
    """Four 3×3 convolutions without padding, each with 2×2 max pooling and ReLU; dropout after all of them but the first.

    Pooling stands before the ReLU, in publication after it: both orders are the same function, because a ReLU keeps the order of
    numbers, and gradients are the same too; this one rectifies a quarter of the numbers.

    With ``pooling: flatten``, dropout on the features and one dense layer for three classes it is the published network: of
    512×512×3 pixels a vector of 115,200, and 475,779 parameters. Weights start as Keras starts them: Glorot uniform kernels, zero
    biases. Class-activation maps are drawn on the feature map itself: the last convolution, pooled and rectified.
    """

    smallest_px = 46  # below it nothing is left to pool

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage, width in enumerate(WIDTHS):
            convolution = nn.Conv2d(channels, width, 3)
            nn.init.xavier_uniform_(convolution.weight)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
            layers += [convolution, nn.MaxPool2d(2), nn.ReLU()]
            self.cam_layer = f"features.{len(layers) - 1}"
            if stage:
                layers.append(FastDropout(DROPOUT))
            channels = width
        self.features = nn.Sequential(*layers)
        self.map_channels = self.vector_size = WIDTHS[-1]

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, 128, h, w): 30×30 of 512×512."""
        features: Tensor = self.features(x)
        return features
