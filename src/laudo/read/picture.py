"""A picture for people of whatever was read: a thumbnail in a report, a row of a contact sheet."""

from __future__ import annotations

import numpy as np

from laudo.read.image import ReadImage


def as_picture(image: ReadImage) -> np.ndarray:
    """(H, W) or (H, W, 3) uint8: the image itself, or a volume's middle axial slice with the nose up.

    Other than 8-bit values are stretched from the 1st to the 99th percentile of what is not background.
    """
    array = image.array
    if image.is_volume:
        array = array[:, ::-1, array.shape[2] // 2].T
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    values = array.astype(np.float32)
    content = values[values > values.min()]
    low, high = np.percentile(content, (1.0, 99.0)) if content.size else (0.0, 1.0)
    stretched = ((values - low) / max(float(high - low), 1e-12) * 255).clip(0, 255)
    return np.ascontiguousarray(stretched.round().astype(np.uint8))
