"""Classical classifiers that answer beside networks: late fusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch

from laudo.core.recipe import Companion
from laudo.networks.classical import ClassicalClassifier
from laudo.networks.frozen import FrozenNetwork
from laudo.networks.precision import MEMORY_FORMAT


@dataclass(frozen=True)
class Companions:
    """What the recipe's companions have become.

    Attributes:
        asked: of the recipe.
        fitted: for each of those the classifiers, one beside each network.
        network: through which those look that learn from features; None when none does.
    """

    asked: tuple[Companion, ...]
    fitted: tuple[tuple[ClassicalClassifier, ...], ...]
    network: FrozenNetwork | None

    def join(self, answers: np.ndarray, descriptors: np.ndarray | None, features: Sequence[np.ndarray]) -> np.ndarray:
        """(B, K) mean of the networks' probabilities and of each companion's: all networks together weigh as much as one of them.

        Args:
            answers: (B, K) float64 probabilities of a network, or of several.
            descriptors: (B, D) float32; None when no companion learns from them.
            features: (B, D) float32 of each view, over which the answer is averaged; empty when no companion learns from them.
        """
        sides = [answers]
        for companion, classifiers in zip(self.asked, self.fitted, strict=True):
            given = features
            if companion.learns_from == "descriptors":
                assert descriptors is not None, "a companion learns from descriptors"
                given = [descriptors]
            sides.append(np.mean([one.probabilities(x) for one in classifiers for x in given], axis=0))
        joined: np.ndarray = np.mean(sides, axis=0)
        return joined

    def to(self, device: torch.device) -> Companions:
        """The same, looking on a device."""
        network = self.network
        return self if network is None else replace(self, network=network.to(device).to(memory_format=MEMORY_FORMAT))

    @classmethod
    def together(cls, parts: Sequence[Companions | None]) -> Companions | None:
        """Those of several networks of one recipe; None when they have none."""
        found = [part for part in parts if part is not None]
        if not found:
            return None
        columns = zip(*[part.fitted for part in found], strict=True)
        return replace(found[0], fitted=tuple(tuple(chain.from_iterable(column)) for column in columns))
