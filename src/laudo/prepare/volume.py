"""The deterministic way from the volumes of a sample to one array of channels on the recipe's grid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.core.recipe import Limits, PrepareVolume
from laudo.prepare.crop import Box, background, brain_box, mask_box, no_mask, widened
from laudo.prepare.geometry import Geometry
from laudo.prepare.resample import SAME, new_shape, resample, resample_labels, resize_around_middle
from laudo.read.mask import read_mask
from laudo.read.table import DECODERS, read_image

VERSION = 1
"""Raised whenever the voxels that this file makes change, so that no old cache entry is used. A test holds their hashes."""

SAME_PLACE_MM = 1e-2
"""Distance that the grids of a sample's channels may lie apart."""


@dataclass(frozen=True)
class PreparedVolume:
    """One sample, ready for a network.

    Attributes:
        image: (C, X, Y, Z) float32 or float16.
        mask: (X, Y, Z) uint8 or int16 label map on the same grid; None when the sample has no mask.
        geometry: where it lies in the files.
    """

    image: np.ndarray
    mask: np.ndarray | None
    geometry: Geometry


@dataclass(frozen=True)
class Channels:
    """What the files of a sample hold.

    Attributes:
        arrays: one volume a channel, of one shape.
        mask: label map of the same shape; None when there is none.
        affine: (4, 4) of all of them.
        spacing_mm: of all of them.
    """

    arrays: list[np.ndarray]
    mask: np.ndarray | None
    affine: np.ndarray
    spacing_mm: tuple[float, float, float]


def volume_key(volume: PrepareVolume) -> str:
    """Hash of everything that decides the voxels, but for the files themselves: settings, this code's version, the decoders.

    Raises:
        ValueError: the settings are still to be fitted on a training part.
    """
    if volume.spacing_mm == "median" or (volume.intensity == "fitted" and volume.limits is None):
        raise ValueError("prepare.volume is not fitted yet")
    facts = {"version": VERSION, "decoder": DECODERS, **volume.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


def prepare_volume(paths: Sequence[Path], masks: Sequence[Path], volume: PrepareVolume) -> PreparedVolume:
    """Read and prepare one sample.

    Args:
        paths: its channels, in their order.
        masks: its masks; their union counts.
        volume: how; fitted.

    Raises:
        UnreadableImageError: a file gives no volume, the files do not lie on one grid, or the lesion that is to be cropped to
            is not known.
    """
    return prepare_channels(read_channels(paths, masks), volume, paths[0])


def read_channels(paths: Sequence[Path], masks: Sequence[Path]) -> Channels:
    """The volumes of one sample; see :func:`prepare_volume`."""
    first = None
    arrays = []
    for path in paths:
        image = read_image(path)
        if image.affine is None:
            raise UnreadableImageError(
                _("The file holds a picture, where a volume was expected."),
                file=path,
                found=" × ".join(map(str, image.array.shape)),
                cure=_("Pictures are prepared by a recipe without the section prepare.volume."),
            )
        first = first or image
        assert first.affine is not None
        check_same_grid(path, image.array.shape, image.affine, first.array.shape, first.affine)
        arrays.append(image.array)
    assert first is not None, "a sample has at least one image"
    assert first.affine is not None
    labels = None
    if masks:
        mask = read_mask(masks)
        labels = mask.labels
        check_same_grid(masks[0], labels.shape, mask.affine, first.array.shape, first.affine)
    x, y, z = (float(np.linalg.norm(first.affine[:3, axis])) for axis in range(3))
    return Channels(arrays, labels, first.affine, (x, y, z))


def prepare_channels(sample: Channels, volume: PrepareVolume, path: Path) -> PreparedVolume:
    """Prepare what was read. Order: crop, intensity, resampling, size. ``path`` is only named in errors.

    Grey levels are measured on the cropped volume before it is resampled, inside the brain: without the voxels that have the
    background's value. Volumes without such a value (crops of tissue, noise around the head) are measured whole.
    """
    outside = [background(array) for array in sample.arrays]
    box = _box(sample, outside, volume, path)
    channels, fills = [], []
    for number, (array, value) in enumerate(zip(sample.arrays, outside, strict=True)):
        cut = np.ascontiguousarray(array[box], dtype=np.float32)
        levels, fill = normalise(cut, value, volume, channel_limits(volume, number))
        channels.append(levels)
        fills.append(fill)
    mask = None if sample.mask is None else _small(np.ascontiguousarray(sample.mask[box]))
    scale = np.ones(3)
    shape = channels[0].shape
    wanted = volume.spacing_mm if isinstance(volume.spacing_mm, tuple) else None
    if wanted is not None and not np.allclose(sample.spacing_mm, wanted, rtol=SAME, atol=0):
        ratio = np.array(wanted) / np.array(sample.spacing_mm)
        scale, shape = 1 / ratio, new_shape(shape, sample.spacing_mm, wanted)
        order: Literal[1, 3] = 3 if volume.resample == "cubic" else 1
        channels = [resample(channel, ratio, shape, order) for channel in channels]
        if mask is not None:
            mask = resample_labels(mask, ratio, shape, volume.resample_mask == "linear")
    shift = -np.array([one.start for one in box]) * scale
    if volume.size_voxels is not None and volume.size_voxels != shape:
        resized = [resize_around_middle(c, volume.size_voxels, f) for c, f in zip(channels, fills, strict=True)]
        channels, shift = [one for one, _moved in resized], shift + np.array(resized[0][1])
        if mask is not None:
            mask = resize_around_middle(mask, volume.size_voxels, 0)[0]
        shape = volume.size_voxels
    image = np.stack(channels).astype(volume.dtype, copy=False)
    x, y, z = shape
    sizes = sample.arrays[0].shape
    geometry = Geometry((sizes[0], sizes[1], sizes[2]), sample.affine, (x, y, z), _floats(scale), _floats(shift))
    return PreparedVolume(image, mask, geometry)


def channel_limits(volume: PrepareVolume, channel: int) -> Limits | None:
    """Black and white of one channel, where the recipe or the fit names them."""
    if volume.limits is None:
        return None
    return volume.limits[0] if len(volume.limits) == 1 else volume.limits[channel]


def normalise(
    channel: np.ndarray, outside: float | None, volume: PrepareVolume, limits: Limits | None
) -> tuple[np.ndarray, float]:
    """Grey levels of one (X, Y, Z) float32 channel as the recipe wants them, and the value that padding has.

    Args:
        channel: cropped.
        outside: value of its background; None when it has none.
        volume: how.
        limits: black and white for ``range`` and ``fitted``.
    """
    if volume.intensity == "none":
        return channel, float(channel.min(initial=0.0)) if outside is None else outside
    inside = None if outside is None else channel != outside
    values = channel if inside is None else channel[inside]
    if not values.size:
        return np.zeros_like(channel), 0.0
    if volume.intensity == "zscore":
        mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
        levels = (channel - np.float32(mean)) * np.float32(1 / deviation if deviation > 0 else 1.0)
    else:
        low, high = _black_and_white(values, volume, limits)
        levels = (channel - np.float32(low)) * np.float32(1 / (high - low) if high > low else 0.0)
        np.clip(levels, 0.0, 1.0, out=levels)
    if inside is not None:
        levels *= inside
    return levels, 0.0


def _black_and_white(values: np.ndarray, volume: PrepareVolume, limits: Limits | None) -> Limits:
    if volume.intensity == "percentile":
        low, high = np.percentile(values, volume.percentiles)
        return float(low), float(high)
    if volume.intensity == "window":
        assert volume.window is not None
        return volume.window[0] - volume.window[1] / 2, volume.window[0] + volume.window[1] / 2
    assert limits is not None, "prepare.volume is not fitted yet"
    return limits


def _box(sample: Channels, outside: Sequence[float | None], volume: PrepareVolume, path: Path) -> Box:
    shape = sample.arrays[0].shape
    whole: Box = tuple(slice(0, side) for side in shape)
    if volume.crop == "none":
        return whole
    if volume.crop == "brain":
        box = brain_box(sample.arrays, outside)
    else:
        found = None if sample.mask is None else mask_box(sample.mask)
        if found is None and volume.without_mask == "stop":
            raise no_mask(path, _("Keep such volumes whole: --set prepare.volume.without_mask=whole"))
        if found is None:
            return whole
        box = found
    return widened(box, [volume.margin_mm / side for side in sample.spacing_mm], shape)


def check_same_grid(
    path: Path, shape: tuple[int, ...], affine: np.ndarray | None, wanted: tuple[int, ...], first: np.ndarray
) -> None:
    """Refuse a volume that does not lie over another one of its sample.

    Args:
        path: named in errors.
        shape: of the volume.
        affine: (4, 4) of the volume; None where its file does not say.
        wanted: shape of the other one.
        first: (4, 4) of the other one.

    Raises:
        UnreadableImageError: shapes differ, or affines by more than :data:`SAME_PLACE_MM`.
    """
    if shape != wanted:
        raise UnreadableImageError(
            _("The volumes of one sample do not have one shape."),
            file=path,
            expected=" × ".join(map(str, wanted)),
            found=" × ".join(map(str, shape)),
        )
    if affine is not None and not np.allclose(affine, first, atol=SAME_PLACE_MM):
        raise UnreadableImageError(
            _("The volumes of one sample do not lie in one place."),
            file=path,
            found=_("up to {distance} mm apart").format(distance=f"{float(np.abs(affine - first).max()):.3g}"),
            cure=_("Resample them onto one grid, or take the case out of the folder."),
        )


def _small(labels: np.ndarray) -> np.ndarray:
    """uint8 where the labels fit, else int16."""
    if labels.dtype == np.uint8:
        return labels
    fits = labels.size == 0 or (labels.min() >= 0 and labels.max() <= 255)
    return labels.astype(np.uint8 if fits else np.int16)


def _floats(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
