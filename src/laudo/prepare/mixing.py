"""Mixing pairs of images of a batch, on the device that trains: all of two images, or a rectangle of one in the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from laudo.core.recipe import Augment


@dataclass(frozen=True)
class Mixing:
    """How each image of a batch is mixed with another one.

    Attributes:
        partner: (B,) int64 position of the other image in the batch.
        share: (B,) float32 share of the own image, and of its target.
        boxes: (B, 4) int64 top, bottom, left and right of the rectangle that is the other image's; None: all of both is mixed.
    """

    partner: Tensor
    share: Tensor
    boxes: Tensor | None = None

    @property
    def is_any(self) -> bool:
        """Whether anything is mixed at all."""
        return bool((self.share < 1).any())


def draw_mixing(batch: int, height: int, width: int, augment: Augment, seed: tuple[int, ...]) -> Mixing:
    """Draw partners and shares; each quantity from a generator of its own, so that one setting never moves another's draws.

    Args:
        batch: number of images.
        height: of the images in pixels.
        width: of the images in pixels.
        augment: the recipe's section.
        seed: of everything that is drawn.

    With ``mixup`` (Zhang et al. 2018) the share is from Beta(a, a). With ``cutmix`` (Yun et al. 2019) one minus such a share is the
    rectangle's area, its middle is anywhere in the image, and the share is that of the pixels which are really left. With both each
    batch draws one of the two.
    """
    coin, order, shares, middles = (np.random.default_rng((*seed, number)) for number in range(4))
    partner = torch.from_numpy(order.permutation(batch))
    cut = augment.cutmix > 0 and (augment.mixup == 0 or coin.random() < 0.5)
    strength = augment.cutmix if cut else augment.mixup
    if strength == 0:
        return Mixing(partner, torch.ones(batch))
    share = shares.beta(strength, strength, batch)
    if not cut:
        return Mixing(partner, torch.from_numpy(share).float())
    side = np.sqrt(1 - share)[:, None] * [height, width]
    middle = middles.random((batch, 2)) * [height, width]
    low = np.clip(np.rint(middle - side / 2), 0, [height, width]).astype(np.int64)
    high = np.clip(np.rint(middle + side / 2), 0, [height, width]).astype(np.int64)
    left = 1 - (high - low).prod(axis=1) / (height * width)
    boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
    return Mixing(partner, torch.from_numpy(left).float(), torch.from_numpy(boxes))


def mix(images: Tensor, mixing: Mixing) -> Tensor:
    """Mix (B, C, H, W) images.

    Returns:
        float32 of the same shape, on the same device.
    """
    images = images.float()
    others = images[mixing.partner.to(images.device)]
    if mixing.boxes is None:
        share = mixing.share.to(images.device).view(-1, 1, 1, 1)
        return share * images + (1 - share) * others
    top, bottom, left, right = (side.to(images.device).view(-1, 1, 1, 1) for side in mixing.boxes.unbind(1))
    rows = torch.arange(images.shape[2], device=images.device).view(1, 1, -1, 1)
    columns = torch.arange(images.shape[3], device=images.device).view(1, 1, 1, -1)
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    return torch.where(inside, others, images)
