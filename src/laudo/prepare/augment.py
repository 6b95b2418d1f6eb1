"""Random changes of a whole batch on the device that trains: draw the parameters first, then apply them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from laudo.core.recipe import Augment
from laudo.core.recipe_prepare import Plane

LUMA = (0.299, 0.587, 0.114)
"""Share of red, green and blue in brightness (ITU-R BT.601)."""


@dataclass(frozen=True)
class Changes:
    """What happens to each image of a batch. All tensors are (B,), float32 where nothing else is said."""

    flip_horizontal: Tensor  # 0 or 1
    flip_vertical: Tensor
    rotation_radians: Tensor
    scale: Tensor  # 1: unchanged
    shift_x: Tensor  # share of the width
    shift_y: Tensor
    brightness: Tensor  # added, as a share of the range
    contrast: Tensor  # 1: unchanged
    saturation: Tensor  # 1: unchanged
    noise: Tensor  # standard deviation, as a share of the range
    noise_seed: Tensor  # int64
    blur_px: Tensor  # standard deviation
    cutout: Tensor  # side of the square, as a share of the shorter side; 0: none
    cutout_x: Tensor  # where between the two ends the square stands
    cutout_y: Tensor

    def of(self, place: slice) -> Changes:
        """The changes of some of the images."""
        return Changes(**{field.name: getattr(self, field.name)[place] for field in fields(self)})


def draw_changes(batch: int, augment: Augment, generator: torch.Generator) -> Changes:
    """Draw the changes of ``batch`` images; always the same number of draws, so that one setting never moves another's."""

    def share() -> Tensor:
        return torch.rand(batch, generator=generator)

    def uniform(largest: float) -> Tensor:
        return (share() * 2 - 1) * largest

    def coin(probability: float) -> Tensor:
        return (share() < probability).float()

    return Changes(
        flip_horizontal=coin(augment.horizontal_flip),
        flip_vertical=coin(augment.vertical_flip),
        rotation_radians=uniform(math.radians(augment.rotation_degrees)),
        scale=1 + uniform(augment.scale),
        shift_x=uniform(augment.translation),
        shift_y=uniform(augment.translation),
        brightness=uniform(augment.brightness),
        contrast=1 + uniform(augment.contrast),
        saturation=1 + uniform(augment.saturation),
        noise=share() * augment.noise,
        noise_seed=torch.randint(0, 2**62, (batch,), generator=generator),
        blur_px=share() * augment.blur_px,
        cutout=coin(augment.cutout) * augment.cutout_size,
        cutout_x=share(),
        cutout_y=share(),
    )


def apply_changes(images: Tensor, changes: Changes, planes: Sequence[Plane] = ()) -> Tensor:
    """Apply changes to (B, C, H, W) images of range 0 to 255; what comes in from outside is black.

    First the image is moved, then blurred, then its saturation, contrast and brightness change, then noise is added and last of
    all the square is painted over with what is then the image's mean.

    Args:
        images: of any number type.
        changes: drawn by :func:`draw_changes`.
        planes: what the channels are when they are not colours (``prepare.planes``): a mask moves with its image and is otherwise
            left as it is, and planes have no saturation.

    Returns:
        float32 of the same shape and range, on the same device. Flips alone move pixels without interpolation.
    """
    images = images.float()
    with torch.autocast(images.device.type, enabled=False):  # half precision would move pixels and round grey levels
        images = mirrored(images, changes)
        grid = movement(changes, images.shape, images.device)
        if grid is not None:
            images = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        if "mask" not in planes:
            return _change_levels(images, changes, coloured=not planes)
        out = images.clamp(0.0, 255.0)
        seen = [number for number, plane in enumerate(planes) if plane != "mask"]
        if seen:
            out[:, seen] = _change_levels(images[:, seen], changes, coloured=False)
        return out


def mirrored(images: Tensor, changes: Changes) -> Tensor:
    """(B, C, H, W) images of any number type, each mirrored as drawn."""
    images = _flip(images, changes.flip_horizontal.to(images.device), dim=3)
    return _flip(images, changes.flip_vertical.to(images.device), dim=2)


def movement(changes: Changes, shape: torch.Size, device: torch.device) -> Tensor | None:
    """(B, H, W, 2) grid that turns, scales and shifts (B, C, H, W) images after mirroring; None where nothing moves."""
    moved = (changes.rotation_radians != 0) | (changes.scale != 1) | (changes.shift_x != 0) | (changes.shift_y != 0)
    if not bool(moved.any()):
        return None
    return F.affine_grid(_matrices(changes, shape).to(device), list(shape), align_corners=False)


def _change_levels(images: Tensor, changes: Changes, coloured: bool) -> Tensor:
    """Everything that leaves pixels where they are."""
    device = images.device
    images = blur(images, changes.blur_px)
    if coloured and images.shape[1] == 3 and bool((changes.saturation != 1).any()):
        grey = (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        images = (images - grey) * _per_image(changes.saturation, device) + grey
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    brightness = _per_image(changes.brightness, device) * 255.0
    images = ((images - mean) * _per_image(changes.contrast, device) + mean + brightness).clamp(0.0, 255.0)
    images = _with_noise(images, changes)
    return _cut_out(images, changes) if bool((changes.cutout > 0).any()) else images


def blur(images: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each of (B, C, H, W) float32 images by a Gaussian of its own deviation; the border is repeated outwards.

    Rows, then columns, with a kernel that ends at four deviations.

    Args:
        images: any range.
        sigma_px: (B,) standard deviations; 0 leaves an image as it is.
    """
    reach = torch.floor(4 * sigma_px + 0.5)
    chosen = (reach > 0).nonzero()[:, 0]
    if not len(chosen):
        return images
    radius = int(reach.max())
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    kernels = torch.exp(-0.5 * (offsets / sigma_px[chosen, None]) ** 2) * (offsets.abs() <= reach[chosen, None])
    kernels = (kernels / kernels.sum(dim=1, keepdim=True)).to(images.device)
    batch, (channels, height, width) = len(chosen), images.shape[1:]
    kernels = kernels.repeat_interleave(channels, dim=0)
    x = images[chosen.to(images.device)].reshape(1, batch * channels, height, width)
    x = F.conv2d(F.pad(x, (radius, radius, 0, 0), "replicate"), kernels[:, None, None, :], groups=batch * channels)
    x = F.conv2d(F.pad(x, (0, 0, radius, radius), "replicate"), kernels[:, None, :, None], groups=batch * channels)
    out = images.clone()
    out[chosen.to(images.device)] = x.reshape(batch, channels, height, width)
    return out


def _with_noise(images: Tensor, changes: Changes) -> Tensor:
    """Each image has noise from a seed of its own, whatever the batch it stands in."""
    noisy = (changes.noise > 0).nonzero()[:, 0].tolist()
    if not noisy:
        return images
    out = images.clone()
    for index in noisy:
        generator = torch.Generator(images.device).manual_seed(int(changes.noise_seed[index]))
        field = torch.randn(images.shape[1:], generator=generator, device=images.device)
        out[index] += float(changes.noise[index]) * 255.0 * field
    return out.clamp(0.0, 255.0)


def _cut_out(images: Tensor, changes: Changes) -> Tensor:
    """Squares of the image's mean (DeVries and Taylor 2017), each wholly inside."""
    height, width = images.shape[2:]
    device = images.device
    side = torch.round(changes.cutout * min(height, width))
    top, left = torch.floor(changes.cutout_y * (height - side + 1)), torch.floor(changes.cutout_x * (width - side + 1))
    side, top, left = (_per_image(value, device) for value in (side, top, left))
    rows = torch.arange(height, device=device).view(1, 1, -1, 1)
    columns = torch.arange(width, device=device).view(1, 1, 1, -1)
    inside = (rows >= top) & (rows < top + side) & (columns >= left) & (columns < left + side)
    return torch.where(inside, images.mean(dim=(1, 2, 3), keepdim=True), images)


def _per_image(values: Tensor, device: torch.device) -> Tensor:
    return values.to(device).view(-1, 1, 1, 1)


def _flip(images: Tensor, chosen: Tensor, dim: int) -> Tensor:
    return torch.where(chosen.view(-1, 1, 1, 1) > 0, images.flip(dim), images)


def _matrices(changes: Changes, shape: torch.Size) -> Tensor:
    """(B, 2, 3) maps from output to input in normalised coordinates; rotation keeps its angle on images that are not square."""
    height, width = shape[2], shape[3]
    cos, sin = torch.cos(changes.rotation_radians), torch.sin(changes.rotation_radians)
    matrix = torch.zeros(len(cos), 2, 3)
    matrix[:, 0, 0] = cos / changes.scale
    matrix[:, 0, 1] = -sin / changes.scale * (height / width)
    matrix[:, 1, 0] = sin / changes.scale * (width / height)
    matrix[:, 1, 1] = cos / changes.scale
    matrix[:, 0, 2] = -2 * changes.shift_x
    matrix[:, 1, 2] = -2 * changes.shift_y
    return matrix
