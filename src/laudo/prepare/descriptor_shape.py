"""Shape of a lesion's mask in the picture's own pixels, before any resizing: a stretched picture would change it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import moments_hu, moments_normalized, perimeter, regionprops

from laudo.prepare.crop import mask_box

NAMES = (
    "area_share",
    "equivalent_diameter_share",
    "height_to_width",
    "taller_than_wide",
    "eccentricity",
    "axis_ratio",
    "solidity",
    "extent",
    "compactness",
    "convexity",
    "radius_deviation",
    "radius_roughness",
    "radius_entropy",
    "lobes",
    "orientation_cos",
    "orientation_sin",
    "centre_row",
    "centre_column",
    "parts",
    "largest_part_share",
    "hole_share",
    *[f"hu_{index}" for index in range(1, 8)],
)
SECTORS = 64
"""Directions from the centre in which the boundary's distance is measured."""
FAINT = 1e-12
"""Hu moments below this are noise of the pixel grid."""


def names() -> tuple[str, ...]:
    """Names of what :func:`measure` gives, in its order."""
    return NAMES


def measure(mask: np.ndarray) -> np.ndarray:
    """(D,) float64 shape of an (H, W) mask, not 0 inside; all its parts together are one lesion.

    Lengths are shares of the image's diagonal, places shares of its sides. ``taller_than_wide`` is a sign of malignancy in
    ultrasound of the breast (Stavros et al., Radiology 1995).

    Raises:
        ValueError: the mask is empty.
    """
    box = mask_box(mask)
    if box is None:
        raise ValueError("an empty mask has no shape")
    inside = np.pad((mask[box] != 0).astype(np.uint8), 1)
    region = regionprops(inside)[0]  # type: ignore[no-untyped-call]
    height, width = (int(side) - 2 for side in inside.shape)
    area = float(region.area)
    length = max(float(perimeter(inside)), 1.0)  # type: ignore[no-untyped-call]
    hull = np.pad(region.image_convex.astype(np.uint8), 1)
    major, minor = float(region.axis_major_length), float(region.axis_minor_length)
    labels, parts = ndimage.label(inside, structure=np.ones((3, 3)))
    row, column = region.centroid
    angle = 2 * float(region.orientation) if major > minor else np.pi / 2
    return np.array(
        [
            area / mask.size,
            float(region.equivalent_diameter_area) / float(np.hypot(*mask.shape)),
            height / width,
            float(height > width),
            float(region.eccentricity),
            minor / major if major > 0 else 1.0,
            area / float(hull.sum()),
            area / (height * width),
            min(4 * np.pi * area / length**2, 2.0),
            min(max(float(perimeter(hull)), 1.0) / length, 2.0),  # type: ignore[no-untyped-call]
            *_boundary(inside, row, column),
            float(np.cos(angle)),
            float(np.sin(angle)),
            (box[0].start + row - 0.5) / mask.shape[0],
            (box[1].start + column - 0.5) / mask.shape[1],
            float(parts),
            float(np.bincount(labels.ravel())[1:].max()) / area,
            1 - area / float(ndimage.binary_fill_holes(inside).sum()),
            *_hu(region.moments_central),
        ],
        dtype=np.float64,
    )


def _hu(central: np.ndarray) -> list[float]:
    """Decimal logarithms of the seven Hu moments' sizes (Hu 1962): they do not change when the shape is moved, turned, scaled or
    mirrored.
    """
    hu = moments_hu(moments_normalized(central))  # type: ignore[no-untyped-call]
    values = np.nan_to_num(np.abs(hu))
    return [float(value) for value in np.log10(np.maximum(values, FAINT))]


def _boundary(inside: np.ndarray, row: float, column: float) -> list[float]:
    """Deviation, roughness, entropy and number of lobes of the boundary's distance from the centre.

    The distance is that of the outermost boundary pixel in each of :data:`SECTORS` directions, in units of its mean; directions
    without any take their neighbours'.
    """
    rows, columns = np.nonzero(inside.astype(bool) & ~ndimage.binary_erosion(inside))
    distance = np.hypot(rows - row, columns - column)
    sector = np.floor((np.arctan2(rows - row, columns - column) / (2 * np.pi) + 0.5) * SECTORS).astype(int) % SECTORS
    radius = np.full(SECTORS, -1.0)
    np.maximum.at(radius, sector, distance)
    seen = np.flatnonzero(radius >= 0)
    radius = np.interp(np.arange(SECTORS), seen, radius[seen], period=SECTORS)
    mean = float(radius.mean())
    if mean < 1e-9:
        return [0.0, 0.0, 0.0, 0.0]
    radius = radius / mean
    counts = np.histogram(radius, bins=16, range=(0.0, 2.0))[0] / SECTORS
    shares = counts[counts > 0]
    smooth = ndimage.gaussian_filter1d(radius, 2.0, mode="wrap")
    peaks = (smooth > np.roll(smooth, 1)) & (smooth >= np.roll(smooth, -1)) & (smooth > 1.02)
    return [
        float(radius.std()),
        float(np.abs(radius - np.roll(radius, 1)).mean()),
        float(-(shares * np.log2(shares)).sum()) + 0.0,
        float(peaks.sum()),
    ]
