"""Whether two pictures that look alike share their fine detail: copies do, other slices and other heads do not.

A skull or a body outline alone makes the thumbnails of two persons correlate. So the pair is lined up, the local mean is taken off
and the local contrast evened out (as in the normalisation of Jarrett et al., ICCV 2009), and what is left is correlated: edges
and texture everywhere in the picture, not its few bright parts.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from laudo.audit.thumbnail import FINE_SIDE
from laudo.audit.variants import alignment

COPY_DETAIL = 0.93
"""Correlation of detail from which a pair is one picture saved twice. Of the copies of kaggle-brain the least has 0.96; slices of
different heads that look most alike have 0.42 there, and 0.65 among the CT heads of MedPix."""
SCAN_DETAIL = 0.8
"""Correlation of detail from which two pictures come from one examination, whatever their patient identifiers say. Chosen on
MedPix: neighbouring slices that stand under two cases have 0.80 and more, heads of two persons 0.70 at most."""
SIDE = 64
"""Side in pixels of the pictures that are compared."""
MEAN_SIGMA, CONTRAST_SIGMA = 2.0, 4.0
"""Width in pixels of the Gaussian windows of the local mean and the local contrast."""
NOISE = 6.0
"""Local contrast, in levels of 255, below which nothing is made stronger."""
RIM = 3
"""Pixels at the border that are left out."""


def detail_agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the fine detail of two pictures, from -1 to 1; 0 when one has none.

    Args:
        first: (FINE_SIDE, FINE_SIDE) thumbnail.
        second: the other.
    """
    straight = _correlation(first, second, np.zeros((2, 4)))
    if straight >= COPY_DETAIL:  # as most copies and frames of a film are framed alike, at a fifth of the time
        return straight
    return _correlation(first, second, alignment(first, second)[1])


def _correlation(first: np.ndarray, second: np.ndarray, margins: np.ndarray) -> float:
    """Correlation of the detail of two pictures without the (2, 4) margins of each."""
    one, two = (_detail(picture, cut) for picture, cut in zip((first, second), margins, strict=True))
    length = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / length if length > 0 else 0.0


def _detail(picture: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Flat vector of mean 0: the picture without its margins, local mean and local contrast evened out."""
    left, top, right, bottom = (margins * FINE_SIDE).tolist()
    image = Image.fromarray(picture.astype(np.float32))
    box = (left, top, FINE_SIDE - right, FINE_SIDE - bottom)
    cut = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))
    fine = cut - ndimage.gaussian_filter(cut, MEAN_SIGMA)
    contrast = np.sqrt(ndimage.gaussian_filter(fine * fine, CONTRAST_SIGMA))
    even = (fine / (contrast + NOISE))[RIM:-RIM, RIM:-RIM].ravel()
    return np.asarray(even - even.mean())
