"""Where the content of a scan lies: inside its dark border."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

ENOUGH_PX = 256
"""Shorter side of the picture on which the content is looked for; larger images are thinned out first."""


def content_box(grey: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the largest bright region of an (H, W) image; all of them when it is under a tenth of the picture.

    Smoothed, cut at 12 % of the 99th percentile and opened, so that letters and rulers in the margin do not count.
    """
    step = max(1, min(grey.shape) // ENOUGH_PX)
    coarse = grey[::step, ::step].astype(np.float32)
    height, width = coarse.shape
    short = min(height, width)
    smooth = ndimage.gaussian_filter(coarse, max(1.0, short / 150))
    bright = smooth > 0.12 * float(np.percentile(smooth, 99))
    opened = ndimage.binary_opening(bright, iterations=max(1, short // 100))
    labels, count = ndimage.label(opened)
    if count == 0:
        return slice(None), slice(None)
    largest = int(np.argmax(np.bincount(labels.ravel())[1:])) + 1
    rows, columns = ndimage.find_objects(labels, max_label=largest)[largest - 1]
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    if area < 0.1 * height * width:
        return slice(None), slice(None)
    return slice(rows.start * step, rows.stop * step), slice(columns.start * step, columns.stop * step)
