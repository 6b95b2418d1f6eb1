"""What all U-Nets here share: the way down, the way up beside it, and a map of logits of each level that has one."""

from __future__ import annotations

from torch import Tensor, nn

from laudo.networks.mask_network import MaskMaps, MaskNetwork


class EncoderDecoder(MaskNetwork):
    """U-shaped (Ronneberger et al. 2015).

    Attributes:
        pool: between two levels of the way down; nothing where their first convolution has a stride.
        down: levels from the finest grid to the coarsest.
        up: levels back; each takes the features below it and those of the way down.
        last: what the finest features go through before their map.
        maps: of logits, finest first; all but the first only in training.
    """

    pool: nn.Module
    down: nn.ModuleList
    up: nn.ModuleList
    last: nn.Module
    maps: nn.ModuleList

    def levels(self) -> list[nn.Module]:
        """Down, then up again."""
        return [*self.down, *self.up, *([] if isinstance(self.last, nn.Identity) else [self.last])]

    def forward(self, x: Tensor) -> MaskMaps:
        """Logits of (B, channels, *S)."""
        skips: list[Tensor] = []
        for level in self.down:
            x = level(self.pool(x) if skips else x)
            skips.append(x)
        deepest = skips.pop()
        decoded = []
        for level in self.up:
            x = level(x, skips.pop())
            decoded.append(x)
        features = [self.last(decoded.pop()), *reversed(decoded)]
        maps = self.maps if self.training else self.maps[:1]
        return MaskMaps(tuple(logits(one) for logits, one in zip(maps, features, strict=False)), deepest)
