"""The deterministic way from a decoded picture to an 8-bit array of the recipe's size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.core.recipe import Prepare
from laudo.prepare.crop import Box, mask_box, no_mask, widened
from laudo.read.content import content_box
from laudo.read.mask import read_mask
from laudo.read.table import DECODERS, read_image

VERSION = 2
"""Raised whenever the pixels that this file makes change, so that no old cache entry is used. A test holds their hashes."""


def transform_key(prepare: Prepare) -> str:
    """Hash of everything that decides the pixels, but for the file itself: settings, this code's version, the decoders.

    Raises:
        ValueError: the settings are still to be fitted on a training part.
    """
    if prepare.needs_fitting:
        raise ValueError("prepare is not fitted yet")
    facts = {"version": VERSION, "decoder": DECODERS, **prepare.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


def channels(prepare: Prepare) -> int:
    """1 for grey, 3 for colour."""
    return 1 if prepare.colour == "grey" else 3


def prepare_file(path: Path, prepare: Prepare, masks: Sequence[Path] = ()) -> np.ndarray:
    """(height, width, channels) uint8 of one file.

    Args:
        path: the picture.
        prepare: how; fitted.
        masks: its masks, for a crop to the lesion.

    Raises:
        UnreadableImageError: a file gives no picture, or the lesion that is to be cropped to is not known.
    """
    array, mask = read_for(path, prepare, masks)
    return prepare_array(array, prepare, mask)


def read_for(path: Path, prepare: Prepare, masks: Sequence[Path] = ()) -> tuple[np.ndarray, np.ndarray | None]:
    """The decoded picture and, where the recipe needs it, its mask; see :func:`prepare_file`."""
    image = read_image(path)
    if image.is_volume:
        raise UnreadableImageError(
            _("The file holds a volume, where a picture was expected."),
            file=path,
            found=" × ".join(map(str, image.array.shape)),
            cure=_("Volumes are prepared by a recipe with the section prepare.volume."),
        )
    if not prepare.needs_mask:
        return image.array, None
    mask = read_mask(masks).labels if masks else None
    if (mask is None or not mask.any()) and prepare.without_mask == "stop":
        raise no_mask(path, _("Keep such images whole: --set prepare.without_mask=whole"))
    return image.array, mask


def prepare_array(array: np.ndarray, prepare: Prepare, mask: np.ndarray | None = None) -> np.ndarray:
    """(height, width, channels) uint8 of an (H, W) or (H, W, 3) image.

    Order: crop, intensity, resize (antialiased bilinear), channels. Images that are not 8-bit are stretched over their own range
    unless the recipe names another, since the largest value that they could hold says nothing about what they hold.

    Args:
        array: uint8, uint16, int16 or float32.
        prepare: how; fitted.
        mask: (h, w), not 0 in the lesion; None when there is none. Its size may differ from the image's.
    """
    array, grey = cropped(array, mask, prepare)
    bounds = grey_limits(array, grey, prepare)
    if bounds is not None:
        array = _stretch(array, *bounds)
    image = Image.fromarray(array.astype(np.uint8))
    image = image.convert("L" if prepare.colour == "grey" else "RGB")
    if prepare.fit == "pad":
        image = _fit_padded(image, prepare)
    else:
        image = image.resize((prepare.width, prepare.height), Image.Resampling.BILINEAR)
    return np.array(image).reshape(prepare.height, prepare.width, channels(prepare))


def cropped(array: np.ndarray, mask: np.ndarray | None, prepare: Prepare) -> tuple[np.ndarray, np.ndarray]:
    """The image and its grey levels, cropped as the recipe says."""
    grey = array if array.ndim == 2 else array.mean(axis=2)
    box: Box | None = None
    if prepare.crop == "content":
        signed = not np.issubdtype(array.dtype, np.unsignedinteger)
        box = content_box(grey - grey.min() if signed else grey)
    elif prepare.crop == "lesion" and mask is not None:
        box = _lesion_box(mask, prepare.margin, grey.shape)
    return (array, grey) if box is None else (array[box], grey[box])


def grey_limits(array: np.ndarray, grey: np.ndarray, prepare: Prepare) -> tuple[float, float] | None:
    """What becomes black and white; None when the values stay as they are."""
    if prepare.intensity == "percentile":
        low, high = np.percentile(grey, prepare.percentiles)
        return float(low), float(high)
    if prepare.intensity == "zscore":
        mean, deviation = float(grey.mean(dtype=np.float64)), float(grey.std(dtype=np.float64))
        return mean - 3 * deviation, mean + 3 * deviation
    if prepare.intensity == "window":
        assert prepare.window is not None
        centre, width = prepare.window
        return centre - width / 2, centre + width / 2
    if prepare.intensity in {"range", "fitted"}:
        assert prepare.limits is not None, "prepare is not fitted yet"
        return prepare.limits
    return None if array.dtype == np.uint8 else (float(array.min()), float(array.max()))


def _lesion_box(mask: np.ndarray, margin: float, shape: tuple[int, ...]) -> Box | None:
    """Box around the lesion in the image's own pixels; None when the mask is empty."""
    found = mask_box(mask)
    if found is None:
        return None
    if mask.shape != shape:  # a mask of another size lies over the whole image
        found = tuple(
            slice(
                int(one.start * side / own), max(int(one.start * side / own) + 1, int(np.ceil(one.stop * side / own)))
            )
            for one, own, side in zip(found, mask.shape, shape, strict=True)
        )
    return widened(found, [margin * (one.stop - one.start) for one in found], shape)


def _stretch(array: np.ndarray, low: float, high: float) -> np.ndarray:
    if high <= low:
        return np.zeros(array.shape, dtype=np.uint8)
    stretched: np.ndarray = (
        ((array.astype(np.float32) - low) * (255.0 / (high - low))).clip(0, 255).round().astype(np.uint8)
    )
    return stretched


def _fit_padded(image: Image.Image, prepare: Prepare) -> Image.Image:
    factor = min(prepare.width / image.width, prepare.height / image.height)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    canvas = Image.new(image.mode, (prepare.width, prepare.height))
    canvas.paste(
        image.resize(size, Image.Resampling.BILINEAR), ((prepare.width - size[0]) // 2, (prepare.height - size[1]) // 2)
    )
    return canvas
