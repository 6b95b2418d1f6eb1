"""Where the content of a scan lies: inside its dark border."""

from __future__ import annotations

import numpy as np


def content_box(grey: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of an (H, W) image within its dark border; all of them when it holds next to nothing.

    The border is what lies below 8 % of the image's 99th percentile; a row or column belongs to the content when more than 2 % of
    it is brighter.
    """
    level = max(float(grey.max(initial=1)) * 10.0 / 255.0, 0.08 * float(np.percentile(grey, 99)))
    bright = grey > level
    rows = np.flatnonzero(bright.mean(axis=1) > 0.02)
    columns = np.flatnonzero(bright.mean(axis=0) > 0.02)
    if len(rows) < 8 or len(columns) < 8:
        return slice(None), slice(None)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
