"""The deterministic way from a decoded image to an 8-bit array of the recipe's size."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from PIL import Image

from laudo.core.recipe import Prepare
from laudo.read.content import content_box
from laudo.read.raster import DECODER, read_raster

VERSION = 2
"""Raised whenever the pixels that this file makes change, so that no old cache entry is used."""


def transform_key(prepare: Prepare) -> str:
    """Hash of everything that decides the pixels, but for the file itself: settings, this code's version, the decoder."""
    facts = {"version": VERSION, "decoder": DECODER, **prepare.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


def channels(prepare: Prepare) -> int:
    """1 for grey, 3 for colour."""
    return 1 if prepare.colour == "grey" else 3


def prepare_file(path: Path, prepare: Prepare) -> np.ndarray:
    """(height, width, channels) uint8 of one file.

    Raises:
        UnreadableImageError: the file gives no image.
    """
    return prepare_array(read_raster(path).array, prepare)


def prepare_array(array: np.ndarray, prepare: Prepare) -> np.ndarray:
    """(height, width, channels) uint8 of an (H, W) or (H, W, 3) uint8 or uint16 image.

    Order: crop, intensity, resize (antialiased bilinear), channels. 16-bit images are stretched over their own range, since their
    largest possible value says nothing about what they hold.
    """
    grey = array if array.ndim == 2 else array.mean(axis=2)
    if prepare.crop == "content":
        box = content_box(grey)
        array, grey = array[box], grey[box]
    if prepare.intensity == "percentile":
        low, high = np.percentile(grey, (1.0, 99.0))
        array = _stretch(array, float(low), float(high))
    elif array.dtype == np.uint16:
        array = _stretch(array, float(array.min()), float(array.max()))
    image = Image.fromarray(array.astype(np.uint8))
    image = image.convert("L" if prepare.colour == "grey" else "RGB")
    if prepare.fit == "pad":
        image = _fit_padded(image, prepare)
    else:
        image = image.resize((prepare.width, prepare.height), Image.Resampling.BILINEAR)
    return np.array(image).reshape(prepare.height, prepare.width, channels(prepare))


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
