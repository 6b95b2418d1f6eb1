"""Label maps of pictures: onto the grid of the prepared image, and from it back to the picture's own pixels.

A pixel is a square with its value in the middle, as Pillow resizes: pixel ``i`` of ``n`` lies at ``(i + 0.5) / n`` of the side.
Volumes have :class:`laudo.prepare.geometry.Geometry`.
"""

from __future__ import annotations

import numpy as np

from laudo.core.recipe import Prepare
from laudo.prepare.cut import crop_box
from laudo.prepare.transform import filled


def prepare_label_map(mask: np.ndarray, array: np.ndarray, prepare: Prepare) -> np.ndarray:
    """(height, width) label map that lies over ``prepare_array(array, prepare, mask)``, dtype kept.

    Each pixel has the label that stands at its middle (nearest neighbour); padding is 0.

    Args:
        mask: (h, w) label map over the whole picture, whose size may be another; a lesion that is cropped to is what is not 0.
        array: (H, W) or (H, W, 3), the picture as it was decoded.
        prepare: how.
    """
    out = np.zeros((prepare.height, prepare.width), dtype=mask.dtype)
    box = crop_box(array, mask, prepare)
    rows, columns = box
    places = filled(rows.stop - rows.start, columns.stop - columns.start, prepare)
    found = []
    for cut, place, side, own in zip(box, places, array.shape[:2], mask.shape, strict=True):
        length = place.stop - place.start
        at = cut.start + (np.arange(length) + 0.5) * (cut.stop - cut.start) / length
        found.append(_nearest(at * own / side, slice(0, own)))
    out[places] = mask[np.ix_(*found)]
    return out


def picture_mask_back(
    answer: np.ndarray, array: np.ndarray, prepare: Prepare, mask: np.ndarray | None = None
) -> np.ndarray:
    """What was predicted of the prepared image, on the picture's own pixels; 0 where the picture was cut away.

    Probabilities should come back as such and become labels then: the border of a structure is smoother for it. Where a picture was
    cut away they are 0 in every output, which is no structure, and background where it is the first output.

    Args:
        answer: (height, width) labels, of which each pixel takes the nearest; or (K, height, width) probabilities of a floating
            type, which are interpolated linearly.
        array: (H, W) or (H, W, 3), the picture as it was decoded.
        prepare: how it was prepared.
        mask: (h, w), what the picture was prepared with where the recipe crops to the lesion or erases all else.

    Returns:
        (H, W) or (K, H, W), dtype kept.
    """
    if answer.shape[-2:] != (prepare.height, prepare.width):
        raise ValueError(f"{answer.shape} is not the prepared size {prepare.height} × {prepare.width}")
    box = crop_box(array, mask, prepare)
    sides = tuple(one.stop - one.start for one in box)
    rows, columns = filled(sides[0], sides[1], prepare)
    down, across = (
        place.start + (np.arange(side) + 0.5) * (place.stop - place.start) / side
        for place, side in zip((rows, columns), sides, strict=True)
    )
    out = np.zeros((*answer.shape[:-2], *array.shape[:2]), dtype=answer.dtype)
    if answer.ndim == 2:
        out[box] = answer[np.ix_(_nearest(down, rows), _nearest(across, columns))]
    else:
        out[(slice(None), *box)] = _linear(_linear(answer, down, rows, 1), across, columns, 2)
    return out


def _nearest(places: np.ndarray, within: slice) -> np.ndarray:
    """Index of the pixel that each place lies in."""
    found: np.ndarray = np.clip(np.floor(places).astype(np.intp), within.start, within.stop - 1)
    return found


def _linear(values: np.ndarray, places: np.ndarray, within: slice, axis: int) -> np.ndarray:
    """Values between the middles of pixels; beyond the outermost middle its value goes on."""
    shifted = np.clip(places - 0.5, within.start, within.stop - 1)
    low = np.floor(shifted).astype(np.intp)
    high = np.minimum(low + 1, within.stop - 1)
    shape = [1] * values.ndim
    shape[axis] = -1
    share = (shifted - low).astype(values.dtype).reshape(shape)
    near = np.take(values, low, axis=axis)
    return np.asarray(near + (np.take(values, high, axis=axis) - near) * share)
