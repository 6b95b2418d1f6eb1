"""Grey levels of a lesion and of what lies around and below it, in the picture's own pixels.

In ultrasound a lesion that swallows sound throws a shadow below it, one filled with liquid makes what is below brighter, and a
sharp margin speaks for a benign one (Stavros et al., Radiology 1995).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from laudo.prepare.crop import mask_box, widened
from laudo.prepare.descriptor_intensity import entropy, moments, percentiles

RING_SHARE = 0.5
"""Width of the ring around a lesion as a share of its equivalent radius."""
NARROW_PX = 3.0
"""The ring's smallest width, and the width of the two bands on both sides of the margin."""
NAMES = (
    "inside_mean",
    "inside_deviation",
    "inside_skewness",
    "inside_kurtosis",
    "inside_percentile_10",
    "inside_percentile_50",
    "inside_percentile_90",
    "inside_entropy",
    "ring_mean",
    "ring_deviation",
    "ring_entropy",
    "image_mean",
    "inside_minus_ring",
    "inside_to_ring",
    "contrast_to_noise",
    "below_mean",
    "below_deviation",
    "below_minus_beside",
    "below_minus_inside",
    "below_to_ring",
    "above_minus_below",
    "margin_step",
    "margin_step_deviation",
    "margin_gradient_mean",
    "margin_gradient_deviation",
    "inside_gradient_mean",
    "core_minus_edge",
)
EMPTY = np.zeros(256)


def names() -> tuple[str, ...]:
    """Names of what :func:`measure` gives, in its order."""
    return NAMES


def measure(grey: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(D,) float64 of an (H, W) uint8 picture and its mask, not 0 inside.

    Grey levels of 256 and their differences; ratios are (a − b) / (a + b). A region that does not fit into the picture, such as the
    ring of a lesion that fills it, counts as the lesion itself: it then makes no contrast.

    Raises:
        ValueError: the mask is empty.
    """
    box = mask_box(mask)
    if box is None:
        raise ValueError("an empty mask has no lesion")
    image_mean = float(grey.mean())
    radius = float(np.sqrt(np.count_nonzero(mask) / np.pi))
    ring_px = max(NARROW_PX, RING_SHARE * radius)
    around = widened(box, [ring_px + 2] * 2, grey.shape)
    part, lesion = grey[around], mask[around] != 0
    outward, inward = ndimage.distance_transform_edt(~lesion), _depth(lesion)
    inside = _histogram(part, lesion)
    ring = _histogram(part, (outward > 0) & (outward <= ring_px), inside)
    inner = _histogram(part, lesion & (inward <= NARROW_PX), inside)
    outer = _histogram(part, (outward > 0) & (outward <= NARROW_PX), inner)
    core = _histogram(part, inward > NARROW_PX, inside)
    below, above, beside = _neighbours(grey, box, inside)
    steepness = np.hypot(*np.gradient(part.astype(np.float64))) if min(part.shape) > 1 else np.zeros(part.shape)
    margin = steepness[(outward <= 1.5) & (inward <= 1.5)]
    at_margin = margin if margin.size else steepness[lesion]
    within, around_it, under = moments(inside), moments(ring), moments(below)
    noise = float(np.hypot(within[1], around_it[1]))
    difference = float(within[0] - around_it[0])
    beneath = float(under[0])
    return np.array(
        [
            *within,
            *percentiles(inside, (10, 50, 90)),
            entropy(inside),
            around_it[0],
            around_it[1],
            entropy(ring),
            image_mean,
            difference,
            _ratio(within[0], around_it[0]),
            difference / noise if noise > 0 else 0.0,
            beneath,
            under[1],
            beneath - moments(beside)[0],
            beneath - within[0],
            _ratio(beneath, around_it[0]),
            moments(above)[0] - beneath,
            moments(outer)[0] - moments(inner)[0],
            moments(outer)[1] - moments(inner)[1],
            at_margin.mean(),
            at_margin.std(),
            steepness[lesion].mean(),
            moments(core)[0] - moments(inner)[0],
        ],
        dtype=np.float64,
    )


def _depth(lesion: np.ndarray) -> np.ndarray:
    """Distance of each pixel inside to the outside; what is beyond the picture is not outside, unless there is no other."""
    if lesion.all():
        padded: np.ndarray = ndimage.distance_transform_edt(np.pad(lesion, 1))
        return padded[1:-1, 1:-1]
    depth: np.ndarray = ndimage.distance_transform_edt(lesion)
    return depth


def _histogram(grey: np.ndarray, where: np.ndarray, instead: np.ndarray = EMPTY) -> np.ndarray:
    """(256,) counts of the grey levels there, or ``instead`` when there are none."""
    values = grey[where]
    return np.bincount(values, minlength=256).astype(np.float64) if values.size else instead


def _neighbours(
    grey: np.ndarray, box: tuple[slice, ...], inside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histograms of what lies below the lesion's box, as wide and as high as it; above it; and to both sides of what is below."""
    rows, columns = box
    height, width = rows.stop - rows.start, columns.stop - columns.start
    low = slice(rows.stop, rows.stop + height)
    high = slice(max(0, rows.start - height), rows.start)
    sides = (slice(max(0, columns.start - width), columns.start), slice(columns.stop, columns.stop + width))
    below = _of(grey[low, columns], inside)
    beside = sum((_of(grey[low, side], EMPTY) for side in sides), EMPTY)
    return below, _of(grey[high, columns], inside), beside if beside.any() else below


def _of(part: np.ndarray, instead: np.ndarray) -> np.ndarray:
    return np.bincount(part.ravel(), minlength=256).astype(np.float64) if part.size else instead


def _ratio(one: float, other: float) -> float:
    return (one - other) / (one + other) if one + other > 0 else 0.0
