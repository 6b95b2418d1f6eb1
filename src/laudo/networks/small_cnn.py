"""A small convolutional network for training from nothing on small images: the demonstration's."""

from __future__ import annotations

from torch import Tensor, nn

from laudo.networks.backbone import Backbone

WIDTHS = (16, 32, 64, 128)


class SmallCNN(Backbone):
    """Four stages of two 3×3 convolutions with batch normalisation and ReLU, halved by max pooling in between."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage, width in enumerate(WIDTHS):
            if stage:
                layers.append(nn.MaxPool2d(2))
            for _ in range(2):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.map_channels = self.vector_size = WIDTHS[-1]

    def feature_map(self, x: Tensor) -> Tensor:
        """(B, 128, H/8, W/8)."""
        features: Tensor = self.features(x)
        return features
