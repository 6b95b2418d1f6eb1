"""What an image looks like to a network that outlines structures: its deepest features, over a few windows of a volume."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from laudo.networks.precision import Precision, autocast
from laudo.networks.segmenter import Segmenter
from laudo.predict.sliding_window import window_starts

MOST_WINDOWS = 8
"""Windows of a volume that are looked at, evenly drawn from those that lie side by side: a fraction of what outlining takes."""


@torch.no_grad()
def look_of_image(network: Segmenter, image: Tensor, window: Sequence[int] | None, precision: Precision) -> np.ndarray:
    """(D,) float32: mean, deviation and maximum of the deepest features over the image, the mean over its windows.

    Normalisation of each instance makes the plain mean over a grid say little: its spread and its maximum say more.

    Args:
        network: in evaluation mode.
        image: (C, H, W) pixels or (C, X, Y, Z) prepared volume.
        window: voxels that the network sees at a time; None: the whole picture.
        precision: of the network.
    """
    device = next(network.parameters()).device
    found = []
    with autocast(device, precision):
        for part in _windows(image, window):
            deepest = network.deepest(part[None].to(device)).float().flatten(2)[0]
            found.append(torch.cat([deepest.mean(dim=1), deepest.std(dim=1, unbiased=False), deepest.amax(dim=1)]))
    looks: np.ndarray = torch.stack(found).mean(dim=0).cpu().numpy()
    return looks


def _windows(image: Tensor, window: Sequence[int] | None) -> list[Tensor]:
    """The picture, or windows side by side over the volume, those of one value left out where there are others."""
    if window is None:
        return [image]
    missing = [max(0, wanted - side) for wanted, side in zip(window, image.shape[1:], strict=True)]
    padded = functional.pad(image, [end for n in reversed(missing) for end in (n // 2, n - n // 2)])
    starts = product(*(window_starts(side, w, 0.0) for side, w in zip(padded.shape[1:], window, strict=True)))
    parts = []
    for start in starts:
        part = padded
        for axis, (first, side) in enumerate(zip(start, window, strict=True), start=1):
            part = part.narrow(axis, first, side)
        parts.append(part)
    seen = [part for part in parts if part.amax() > part.amin()] or parts[:1]
    if len(seen) <= MOST_WINDOWS:
        return seen
    return [seen[int(place)] for place in np.linspace(0, len(seen) - 1, MOST_WINDOWS).round()]
