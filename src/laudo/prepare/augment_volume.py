"""Random changes of a batch of patches of volumes on the device that trains: draw the parameters first, then apply them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from laudo.core.recipe_augment_volume import AugmentVolume
from laudo.networks.few_threads import few_threads
from laudo.prepare import volume_levels as levels
from laudo.prepare.volume_movement import MoveMask, Size, crop, move, reach, turns, widest_turn

ONE_HALF = 0.5
"""Share of the channels of a volume that are blurred, or lose resolution, where the volume is drawn for it."""
SAME = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class VolumeChanges:
    """What happens to each patch of a batch, and to each of its C channels. All tensors are float32 where nothing else is said."""

    mirror: Tensor  # (B, 3) bool
    rotation_radians: Tensor  # (B, 3) about the first, second and third axis
    scale: Tensor  # (B,) 1: unchanged
    noise: Tensor  # (B,) standard deviation
    noise_seed: Tensor  # (B,) int64
    blur_voxels: Tensor  # (B, C) standard deviation
    brightness: Tensor  # (B, C) factor
    contrast: Tensor  # (B, C) factor
    low_resolution: Tensor  # (B, C) share of the voxels along each axis
    gamma_inverted: Tensor  # (B, C) exponent
    gamma: Tensor  # (B, C) exponent
    move_mask: MoveMask = "linear"


def draw_volume_changes(
    batch: int, augment: AugmentVolume, generator: torch.Generator, channels: int = 1
) -> VolumeChanges:
    """Draw the changes of ``batch`` patches; always the same number of draws, so that one setting never moves another's."""

    def share(*shape: int) -> Tensor:
        return torch.rand(batch, *shape, generator=generator)

    def factor(limits: tuple[float, float], *shape: int) -> Tensor:
        low, high = limits
        where, below = share(*shape), share(*shape) < ONE_HALF
        if not low < 1 < high:
            return low + where * (high - low)
        return torch.where(below, low + where * (1 - low), 1 + where * (high - 1))

    def chosen(probability: float, values: Tensor, still: float, each: float = 1.0) -> Tensor:
        coin = share(*[1] * (values.ndim - 1)) < probability
        of_channels = torch.rand(values.shape, generator=generator) < each
        return torch.where(coin & of_channels, values, still)

    degrees = torch.tensor(augment.rotation_degrees)
    return VolumeChanges(
        mirror=share(3) < torch.tensor(augment.mirror),
        rotation_radians=chosen(augment.rotation, torch.deg2rad((share(3) * 2 - 1) * degrees), 0.0),
        scale=chosen(augment.scale, factor(augment.scale_factors), 1.0),
        noise=chosen(augment.noise, share() * augment.noise_deviation, 0.0),
        noise_seed=torch.randint(0, 2**62, (batch,), generator=generator),
        blur_voxels=chosen(augment.blur, factor(augment.blur_voxels, channels), 0.0, ONE_HALF),
        brightness=chosen(augment.brightness, factor(augment.brightness_factors, channels), 1.0),
        contrast=chosen(augment.contrast, factor(augment.contrast_factors, channels), 1.0),
        low_resolution=chosen(augment.low_resolution, factor(augment.low_resolution_factors, channels), 1.0, ONE_HALF),
        gamma_inverted=chosen(augment.gamma_inverted, factor(augment.gamma_exponents, channels), 1.0),
        gamma=chosen(augment.gamma, factor(augment.gamma_exponents, channels), 1.0),
        move_mask=augment.move_mask,
    )


def patch_to_read(size_voxels: Sequence[int], augment: AugmentVolume, spacing_mm: Sequence[float] = SAME) -> Size:
    """How large a patch must be read so that one of ``size_voxels`` can be taken from its middle after it was turned or scaled.

    Enough for every rotation, and for every scale, that the recipe allows. A patch that is both turned and made much smaller would
    need more: it is then made less small, so that nothing has to come in from outside.
    """
    half = far = (torch.tensor(size_voxels, dtype=torch.float64) - 1) / 2
    if augment.rotation > 0:
        largest = [math.radians(degrees) for degrees in augment.rotation_degrees]
        far = torch.maximum(far, widest_turn(size_voxels, largest, spacing_mm))
    if augment.scale > 0:
        far = torch.maximum(far, half / min(augment.scale_factors[0], 1.0))
    return _widened(size_voxels, far)


def patch_of(
    changes: VolumeChanges, index: int, size_voxels: Sequence[int], spacing_mm: Sequence[float] = SAME
) -> Size:
    """How much of a volume one patch of a batch looks at, changed as drawn; ``size_voxels`` where it is not turned or scaled.

    Read so large, nothing is held back; it may be larger than what :func:`patch_to_read` says of all together.
    """
    offsets = _offsets(changes, index, spacing_mm)
    far = torch.zeros(3, dtype=torch.float64) if offsets is None else reach(offsets[None], size_voxels)[0]
    return _widened(size_voxels, far)


@torch.no_grad()
def apply_volume_changes(
    volumes: Tensor | Sequence[Tensor],
    masks: Tensor | Sequence[Tensor] | None,
    changes: VolumeChanges,
    size_voxels: Sequence[int],
    spacing_mm: Sequence[float] = SAME,
) -> tuple[Tensor, Tensor | None]:
    """Take patches of ``size_voxels`` from the middle of larger ones, changed as drawn.

    First a patch is turned, scaled and mirrored, then come noise, blur, brightness, contrast, resolution and gamma, in nnU-Net's
    order (Isensee et al. 2021). Patches that do not move are cut out without interpolation, and changes that were not drawn cost
    nothing. Autocast has no say here: places and grey levels need single precision.

    Args:
        volumes: (B, C, X, Y, Z), at least ``size_voxels`` (:func:`patch_to_read` says how large), or B volumes of different sizes.
        masks: (B, X, Y, Z) integer labels from 0 on, (B, R, X, Y, Z) overlapping regions, 0 or 1, or None.
        changes: drawn by :func:`draw_volume_changes` for B patches, of C channels or one for all.
        size_voxels: of the patches.
        spacing_mm: of the voxels, so that what is turned keeps its shape.

    Returns:
        (B, C, *size_voxels) float32, and the masks of that size, of their own type, on the same device. What came in is unchanged.
    """
    x, y, z = size_voxels
    device = volumes[0].device
    out = torch.empty(len(volumes), len(volumes[0]), x, y, z, device=device)
    moved_masks = None if masks is None else masks[0].new_empty(len(masks), *masks[0].shape[:-3], x, y, z)
    with torch.autocast(device.type, enabled=False), few_threads():
        for index, volume in enumerate(volumes):
            mask = None if masks is None else masks[index]
            patch, moved_mask = _moved(volume, mask, changes, index, (x, y, z), spacing_mm)
            mirrored = [axis - 3 for axis in range(3) if changes.mirror[index, axis]]
            out[index] = patch.flip(mirrored) if mirrored else patch
            if moved_masks is not None and moved_mask is not None:
                moved_masks[index] = moved_mask.flip(mirrored) if mirrored else moved_mask
            _change_levels(out[index], changes, index)
    return out, moved_masks


def _moved(
    volume: Tensor, mask: Tensor | None, changes: VolumeChanges, index: int, size: Size, spacing_mm: Sequence[float]
) -> tuple[Tensor, Tensor | None]:
    """One patch turned and scaled, or cut out as it is."""
    offsets = _offsets(changes, index, spacing_mm)
    if offsets is None:
        return crop(volume, size), None if mask is None else crop(mask, size)
    return move(volume, mask, offsets, size, changes.move_mask)


def _offsets(changes: VolumeChanges, index: int, spacing_mm: Sequence[float]) -> Tensor | None:
    """(3, 3) map from offsets in one patch to offsets in the volume; None where it is neither turned nor scaled."""
    radians, scale = changes.rotation_radians[index], float(changes.scale[index])
    if scale == 1 and not bool(radians.any()):
        return None
    return turns(radians[None], spacing_mm)[0] / scale


def _widened(size_voxels: Sequence[int], far: Tensor) -> Size:
    """Shape that reaches (3,) ``far`` voxels from the middle of a patch of ``size_voxels``, at least the patch itself."""
    x, y, z = (
        side + 2 * max(0, math.ceil(most - (side - 1) / 2 - 1e-6))
        for side, most in zip(size_voxels, far.tolist(), strict=True)
    )
    return x, y, z


def _change_levels(volume: Tensor, changes: VolumeChanges, index: int) -> None:
    """Everything that leaves voxels where they are, in place."""
    if changes.noise[index] > 0:
        levels.add_noise(volume, float(changes.noise[index]), int(changes.noise_seed[index]))
    for number, channel in enumerate(volume):
        one = min(number, changes.gamma.shape[1] - 1)  # one for all
        if changes.blur_voxels[index, one] > 0:
            levels.blur(channel, float(changes.blur_voxels[index, one]))
        if changes.brightness[index, one] != 1:
            channel.mul_(float(changes.brightness[index, one]))
        if changes.contrast[index, one] != 1:
            levels.change_contrast(channel, float(changes.contrast[index, one]))
        if changes.low_resolution[index, one] != 1:
            levels.lower_resolution(channel, float(changes.low_resolution[index, one]))
        if changes.gamma_inverted[index, one] != 1:
            levels.change_gamma(channel, float(changes.gamma_inverted[index, one]), inverted=True)
        if changes.gamma[index, one] != 1:
            levels.change_gamma(channel, float(changes.gamma[index, one]), inverted=False)
