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
from laudo.prepare.crop import Box, no_mask
from laudo.prepare.cut import Cut, cropped, whole
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
    """1 for grey, 3 for colour; of planes, as many as there are."""
    if prepare.planes:
        return len(prepare.planes)
    return 1 if prepare.colour == "grey" else 3


def prepare_file(path: Path, prepare: Prepare, masks: Sequence[Path] = ()) -> np.ndarray:
    """(height, width, channels) uint8 of one file.

    Args:
        path: the picture.
        prepare: how; fitted.
        masks: its masks, where the recipe needs them.

    Raises:
        UnreadableImageError: a file gives no picture, or the lesion is needed and not known.
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
        raise no_mask(path, _("Take all of such images for the lesion: --set prepare.without_mask=whole"))
    return image.array, mask


def prepare_array(array: np.ndarray, prepare: Prepare, mask: np.ndarray | None = None) -> np.ndarray:
    """(height, width, channels) uint8 of an (H, W) or (H, W, 3) image.

    Order: erase, crop, intensity, resize (antialiased bilinear), channels. Images that are not 8-bit are stretched over their own
    range unless the recipe names another, since the largest value that they could hold says nothing about what they hold. Of an
    erased image only what is inside the mask is measured; outside, the result is 0 whatever the intensity makes of black.

    The planes `image` and `whole` are the image in grey, each with its own grey levels measured; `mask` is 255 inside, cropped and
    resized as the image is, so that its edge is as soft as the image's.

    Args:
        array: uint8, uint16, int16 or float32.
        prepare: how; fitted.
        mask: (h, w), not 0 in the lesion; None when there is none. Its size may differ from the image's. When it is missing or
            empty, all of the image is the lesion.
    """
    cut = cropped(array, mask, prepare)
    if not prepare.planes:
        return _finished(_picture(cut, prepare).convert("L" if prepare.colour == "grey" else "RGB"), prepare)
    made: dict[str, np.ndarray] = {}
    for name in set(prepare.planes):
        if name == "mask":
            assert cut.inside is not None
            image = Image.fromarray(cut.inside.astype(np.uint8) * 255)
        else:
            image = _picture(cut if name == "image" else whole(array, mask, prepare), prepare).convert("L")
        made[name] = _finished(image, prepare)[..., 0]
    return np.stack([made[name] for name in prepare.planes], axis=2)


def grey_limits(cut: Cut, prepare: Prepare) -> tuple[float, float] | None:
    """What becomes black and white; None when the values stay as they are."""
    if prepare.intensity == "percentile":
        low, high = np.percentile(cut.levels, prepare.percentiles)
        return float(low), float(high)
    if prepare.intensity == "zscore":
        mean, deviation = float(cut.levels.mean(dtype=np.float64)), float(cut.levels.std(dtype=np.float64))
        return mean - 3 * deviation, mean + 3 * deviation
    if prepare.intensity == "window":
        assert prepare.window is not None
        centre, width = prepare.window
        return centre - width / 2, centre + width / 2
    if prepare.intensity in {"range", "fitted"}:
        assert prepare.limits is not None, "prepare is not fitted yet"
        return prepare.limits
    return None if cut.array.dtype == np.uint8 else (float(cut.values.min()), float(cut.values.max()))


def _picture(cut: Cut, prepare: Prepare) -> Image.Image:
    """The cut in eight bits, black outside the mask where it is erased."""
    array, bounds = cut.array, grey_limits(cut, prepare)
    if bounds is not None:
        array = _stretch(array, *bounds)
    if cut.erased and cut.inside is not None:
        array = np.where(cut.inside if array.ndim == 2 else cut.inside[..., None], array, 0)
    return Image.fromarray(array.astype(np.uint8))


def _finished(image: Image.Image, prepare: Prepare) -> np.ndarray:
    """(height, width, channels) of the recipe's size."""
    if prepare.fit == "pad":
        image = _fit_padded(image, prepare)
    else:
        image = image.resize((prepare.width, prepare.height), Image.Resampling.BILINEAR)
    return np.array(image).reshape(prepare.height, prepare.width, -1)


def _stretch(array: np.ndarray, low: float, high: float) -> np.ndarray:
    if high <= low:
        return np.zeros(array.shape, dtype=np.uint8)
    stretched: np.ndarray = (
        ((array.astype(np.float32) - low) * (255.0 / (high - low))).clip(0, 255).round().astype(np.uint8)
    )
    return stretched


def filled(height: int, width: int, prepare: Prepare) -> Box:
    """Rows and columns of the prepared image that a picture of this size fills; around them is padding."""
    if prepare.fit == "stretch":
        return slice(0, prepare.height), slice(0, prepare.width)
    factor = min(prepare.width / width, prepare.height / height)
    wide, high = max(1, round(width * factor)), max(1, round(height * factor))
    left, top = (prepare.width - wide) // 2, (prepare.height - high) // 2
    return slice(top, top + high), slice(left, left + wide)


def _fit_padded(image: Image.Image, prepare: Prepare) -> Image.Image:
    rows, columns = filled(image.height, image.width, prepare)
    canvas = Image.new(image.mode, (prepare.width, prepare.height))
    size = (columns.stop - columns.start, rows.stop - rows.start)
    canvas.paste(image.resize(size, Image.Resampling.BILINEAR), (columns.start, rows.start))
    return canvas
