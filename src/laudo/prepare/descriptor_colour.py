"""Colours of a prepared picture. A grey picture has the same values in its three channels, and no saturation."""

from __future__ import annotations

import numpy as np
from PIL import Image

from laudo.prepare.descriptor_intensity import moments

CHANNELS = ("red", "green", "blue", "hue", "saturation", "value")
HUES = 8
"""Bins of hue; each pixel counts as much as it is saturated, since the hue of grey is nothing but noise."""
SATURATIONS = 4


def names() -> tuple[str, ...]:
    """Names of what :func:`measure` gives, in its order."""
    return (
        *[f"{channel}_{name}" for channel in CHANNELS for name in ("mean", "deviation", "skewness")],
        *[f"hue_{index}" for index in range(HUES)],
        *[f"saturation_{index}" for index in range(SATURATIONS)],
        "colourfulness",
    )


def measure(image: np.ndarray) -> np.ndarray:
    """(D,) float64 of an (H, W, 1 or 3) uint8 picture: channels of 0 to 255, shares."""
    grey = image.shape[2] == 1 or bool(
        (image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all()
    )
    if grey:
        return _of_grey(image[..., 0])
    picture = Image.fromarray(image)
    hsv = picture.convert("HSV")
    counts = np.array([*picture.histogram(), *hsv.histogram()], dtype=np.float64).reshape(len(CHANNELS), 256)
    pixels = image.shape[0] * image.shape[1]
    hue, saturation = (np.asarray(hsv.getchannel(channel)).ravel() for channel in range(2))
    hues = np.bincount(hue // (256 // HUES), weights=saturation, minlength=HUES) / (255 * pixels)
    saturations = counts[4].reshape(SATURATIONS, -1).sum(axis=1) / pixels
    found = [moments(row)[:3] for row in counts]
    return np.concatenate([*found, hues, saturations, [colourfulness(image)]])


def colourfulness(image: np.ndarray) -> float:
    """Hasler and Süsstrunk's measure (Measuring colourfulness in natural images, 2003), in grey levels; 0 of a grey picture."""
    red, green, blue = (image[..., channel].astype(np.float32) for channel in range(3))
    one, other = red - green, (red + green) / 2 - blue
    return float(np.hypot(one.std(), other.std()) + 0.3 * np.hypot(one.mean(), other.mean()))


def _of_grey(grey: np.ndarray) -> np.ndarray:
    """The same without looking for colours where there are none."""
    found = moments(np.array(Image.fromarray(np.ascontiguousarray(grey)).histogram(), dtype=np.float64))[:3]
    saturations = np.zeros(SATURATIONS)
    saturations[0] = 1
    return np.concatenate([np.tile(found, 3), np.zeros(6), found, np.zeros(HUES), saturations, [0.0]])
