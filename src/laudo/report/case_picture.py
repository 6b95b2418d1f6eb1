"""Still pictures of a case: grey levels, the true outline as a line, what was predicted as an area."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from laudo.report.outlined_case import OutlinedCase

PALETTE: tuple[str, ...] = ("#ffb000", "#56b4e9", "#3ddc97", "#ff7ab6", "#f0e442", "#ff6f3c", "#b79cff", "#ffffff")
"""Colours of the structures on dark images; of more, they begin again."""

FILL = 0.45
"""Opacity of what was predicted."""

GAP = 4
"""Pixels between the planes of a volume."""

Plane = tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[float, float]]
"""Grey levels, truth and prediction of one slice as it is shown, rows from above, and the height and width of a pixel."""


def planes(case: OutlinedCase, places: Sequence[int]) -> list[Plane]:
    """Axial, coronal and sagittal slice of a volume through ``places``, or the picture itself.

    The front of the body is above in the axial slice, the head above in the others. The patient's right side is on the
    right of axial and coronal slices, the front on the right of sagittal ones.
    """
    if not case.is_volume:
        height, width = case.spacing_mm
        return [(case.grey, case.truth, case.predicted, (height, width))]
    x, y, z = case.spacing_mm
    i, j, k = places

    def cut(volume: np.ndarray | None, axis: int) -> np.ndarray | None:
        if volume is None:
            return None
        return (volume[:, ::-1, k].T, volume[:, j, ::-1].T, volume[i, :, ::-1].T)[axis]

    found = []
    for axis, size in enumerate(((y, x), (z, x), (z, y))):
        grey, truth = cut(case.grey, axis), cut(case.truth, axis)
        assert grey is not None
        assert truth is not None
        found.append((grey, truth, cut(case.predicted, axis), size))
    return found


def paint(plane: Plane, px_per_mm: float) -> np.ndarray:
    """(H, W, 3) uint8: one slice, ``px_per_mm`` pixels to a unit of its spacing."""
    grey, truth, predicted, (height, width) = plane
    size = (max(1, round(grey.shape[1] * width * px_per_mm)), max(1, round(grey.shape[0] * height * px_per_mm)))
    enlarged = Image.fromarray(np.ascontiguousarray(grey)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    image = np.asarray(enlarged).astype(np.float32)
    if predicted is not None:
        zones = _enlarged(predicted, size)
        for number in np.unique(zones[zones > 0]):
            image[zones == number] = (1 - FILL) * image[zones == number] + FILL * rgb(int(number))
    zones = _enlarged(truth, size)
    thickness = max(1, round(max(size) / 220))
    if thickness > 1:  # a dark line inside the coloured one, so that it is seen on bright tissue too
        image[_outline(zones, thickness + 1) > 0] = 0.0
    line = _outline(zones, thickness)
    for number in np.unique(line[line > 0]):
        image[line == number] = rgb(int(number))
    return image.round().clip(0, 255).astype(np.uint8)


def montage(case: OutlinedCase, side: int) -> np.ndarray:
    """(H, W, 3) uint8: the three planes where they are worst side by side, the longest side ``side`` pixels; or the picture."""
    case = case.cut(case.content())
    shown = planes(case, case.places())
    longest = max(max(g.shape[0] * size[0], g.shape[1] * size[1]) for g, _t, _p, size in shown)
    painted = [paint(plane, side / longest) for plane in shown]
    height = max(len(one) for one in painted)
    width = sum(one.shape[1] for one in painted) + GAP * (len(painted) - 1)
    sheet = np.zeros((height, width, 3), np.uint8)
    left = 0
    for one in painted:
        top = (height - len(one)) // 2
        sheet[top : top + len(one), left : left + one.shape[1]] = one
        left += one.shape[1] + GAP
    return sheet


def thumbnail(case: OutlinedCase, side: int) -> np.ndarray:
    """(H, W, 3) uint8: the axial slice where the case is worst, or the picture."""
    case = case.cut(case.content())
    plane = planes(case, case.places())[0]
    grey, _truth, _predicted, size = plane
    return paint(plane, side / max(grey.shape[0] * size[0], grey.shape[1] * size[1]))


def named_colours(structures: Sequence[str]) -> list[dict[str, str]]:
    """``name`` and ``colour`` of each structure, for a legend."""
    return [{"name": name, "colour": PALETTE[place % len(PALETTE)]} for place, name in enumerate(structures)]


def jpeg(pixels: np.ndarray, quality: int = 82) -> bytes:
    """A JPEG file; coloured lines keep their full resolution."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return buffer.getvalue()


def rgb(number: int) -> np.ndarray:
    """(3,) colour of the structure with this number, from 1."""
    text = PALETTE[(number - 1) % len(PALETTE)]
    return np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.float32)


def _enlarged(zones: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Every pixel keeps its square."""
    image = Image.fromarray(np.ascontiguousarray(zones)).resize(size, Image.Resampling.NEAREST)
    return np.asarray(image)


def _outline(zones: np.ndarray, thickness: int) -> np.ndarray:
    """The zones within ``thickness`` pixels of their own border, 0 elsewhere."""
    padded = np.pad(zones, thickness)
    border = np.zeros(zones.shape, bool)
    rows, columns = zones.shape
    for step in range(1, thickness + 1):
        for down, across in ((-step, 0), (step, 0), (0, -step), (0, step)):
            moved = padded[
                thickness + down : thickness + down + rows, thickness + across : thickness + across + columns
            ]
            border |= moved != zones
    return np.asarray(np.where(border, zones, 0))
