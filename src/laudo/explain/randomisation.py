"""Sanity check of a map (Adebayo et al. 2018): does it change when the network's weights are replaced by random ones?

The weights are randomised layer after layer from the output down (cascading). A map that stays the same does not show what the
network has learned.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from scipy.stats import spearmanr
from skimage.metrics import structural_similarity as ssim
from torch import Tensor, nn

from laudo.core.messages import _
from laudo.core.progress import step
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble


class Explainer(Protocol):
    """A way to explain: which places of an image speak for a class."""

    def __call__(
        self, classifier: Classifier | Ensemble, pixels: Tensor, target: int, descriptors: Tensor | None = None, /
    ) -> Tensor:
        """(B, H, W) maps of (B, C, H, W) pixels, on the CPU, from 0 to 1; ``descriptors`` are (B, D), beside the images."""


@dataclass(frozen=True)
class Stage:
    """Likeness to the true map once everything from the output down to ``layer`` is random; means over the images."""

    layer: str
    spearman: float
    ssim: float


def randomisation_check(
    classifier: Classifier | Ensemble,
    pixels: Tensor,
    targets: list[int],
    explainer: Explainer,
    stages: int = 6,
    seed: int = 0,
    descriptors: Tensor | None = None,
) -> list[Stage]:
    """Randomise from the top and compare the maps.

    Args:
        classifier: is copied, not changed. Of several networks the same layers are randomised at a time, each with weights of
            its own.
        pixels: (B, C, H, W), 0 to 255.
        targets: B class indices.
        explainer: gives (B, H, W) maps.
        stages: number of steps into which the layers of blocks and backbone are divided, after the head.
        seed: of the random weights.
        descriptors: (B, D) beside the images, where the network is given any.

    Returns:
        One stage for the head and one for each step; the last is a wholly random network.
    """
    true_maps = _maps(classifier, pixels, targets, explainer, descriptors)
    randomised = copy.deepcopy(classifier)
    generator = torch.Generator().manual_seed(seed)
    networks = randomised.networks if isinstance(randomised, Ensemble) else [randomised]
    layers = [
        f"{part}.{name}"
        for part in ("backbone", "blocks")
        for name, module in networks[0].get_submodule(part).named_modules()
        if _own_weights(module)
    ]
    pieces = [part for part in np.array_split(np.arange(len(layers))[::-1], min(stages, len(layers))) if len(part)]
    found = []
    with step(_("Checking the maps against random weights"), len(pieces) + 1) as advance:
        for network in networks:
            for module in network.head.modules():
                _randomise(module, generator)
        found.append(_compare("head", true_maps, _maps(randomised, pixels, targets, explainer, descriptors)))
        advance()
        for piece in pieces:
            for network in networks:
                for index in piece:
                    _randomise(network.get_submodule(layers[index]), generator)
            name = layers[int(piece[-1])]
            found.append(_compare(name, true_maps, _maps(randomised, pixels, targets, explainer, descriptors)))
            advance()
    return found


def _maps(
    classifier: Classifier | Ensemble,
    pixels: Tensor,
    targets: list[int],
    explainer: Explainer,
    descriptors: Tensor | None,
) -> np.ndarray:
    maps = []
    for i, target in enumerate(targets):
        beside = None if descriptors is None else descriptors[i : i + 1]
        maps.append(explainer(classifier, pixels[i : i + 1], target, beside)[0].numpy())
    return np.stack(maps)


def _own_weights(module: nn.Module) -> bool:
    return any(True for _ in module.parameters(recurse=False))


@torch.no_grad()
def _randomise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights anew, at the size a fresh network would have; norms go back to the identity."""
    if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)):
        module.reset_parameters()
        return
    for name, parameter in module.named_parameters(recurse=False):
        if parameter.ndim < 2 or name.endswith("bias"):
            parameter.zero_()
        else:
            scale = (2.0 / parameter[0].numel()) ** 0.5  # He et al. 2015
            parameter.copy_(torch.randn(parameter.shape, generator=generator).to(parameter) * scale)


def _compare(layer: str, true_maps: np.ndarray, maps: np.ndarray) -> Stage:
    """Mean rank correlation and structural similarity; a map without any structure is like nothing (0)."""
    ranks, structures = [], []
    for true, other in zip(true_maps, maps, strict=True):
        flat = np.ptp(true) == 0 or np.ptp(other) == 0
        ranks.append(0.0 if flat else float(spearmanr(true[::4, ::4].ravel(), other[::4, ::4].ravel()).statistic))
        structures.append(0.0 if flat else float(ssim(true, other, data_range=1.0)))  # type: ignore[no-untyped-call]
    return Stage(layer, float(np.mean(ranks)), float(np.mean(structures)))
