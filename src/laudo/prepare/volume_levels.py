"""Changes of a volume's grey levels that leave its voxels where they are, one channel at a time, in place."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def add_noise(volume: Tensor, deviation: float, seed: int) -> None:
    """Add Gaussian noise from a seed of its own."""
    generator = torch.Generator(volume.device).manual_seed(seed)
    volume += deviation * torch.randn(volume.shape, generator=generator, device=volume.device)


def blur(channel: Tensor, sigma_voxels: float) -> None:
    """Blur (X, Y, Z) by a Gaussian that ends at four deviations; the border is repeated outwards."""
    x, y, z = (_smoothing(side, sigma_voxels).to(channel.device) for side in channel.shape)
    blurred = torch.matmul(y, torch.matmul(channel, z.T))
    torch.matmul(x, blurred.flatten(1), out=channel.view(len(channel), -1))


def change_contrast(channel: Tensor, factor: float) -> None:
    """Multiply the distance from the mean; what then lies beyond the old range is brought back to its ends."""
    low, high = torch.aminmax(channel)
    mean = channel.mean()
    channel.sub_(mean).mul_(factor).add_(mean).clamp_(low, high)


def change_gamma(channel: Tensor, exponent: float, inverted: bool) -> None:
    """A power of the grey levels, from 0 to 1 between the smallest and the largest; mean and deviation are then put back.

    Args:
        channel: (X, Y, Z); where all voxels are the same they stay so.
        exponent: above 0.
        inverted: of the negative.
    """
    if inverted:
        channel.neg_()
    tiny = torch.finfo(channel.dtype).tiny
    mean = channel.mean()
    spread = torch.linalg.vector_norm(channel - mean)
    low, high = torch.aminmax(channel)
    channel.sub_(low).div_((high - low).clamp(min=tiny)).pow_(exponent)
    channel.sub_(channel.mean())
    channel.mul_(spread / torch.linalg.vector_norm(channel).clamp(min=tiny)).add_(mean)
    if inverted:
        channel.neg_()


def lower_resolution(channel: Tensor, share: float) -> None:
    """Take a share of the voxels along each axis, at least one, and interpolate the others between them."""
    few = [max(1, round(side * share)) for side in channel.shape]
    taken = F.interpolate(channel[None, None], few, mode="nearest-exact")
    channel.copy_(F.interpolate(taken, list(channel.shape), mode="trilinear", align_corners=False)[0, 0])


def _smoothing(side: int, sigma: float) -> Tensor:
    """(side, side) matrix that blurs a line of voxels."""
    radius = math.floor(4 * sigma + 0.5)
    steps = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    places = (torch.arange(side)[:, None] + steps).clamp(0, side - 1)
    return torch.zeros(side, side).scatter_add_(1, places, (weights / weights.sum()).expand(side, -1))
