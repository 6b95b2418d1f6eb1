"""Uniform local binary patterns: in which of ten ways the neighbours of each pixel are brighter than it.

In whole numbers throughout, so that ties are ties (scikit-image's interpolation rounds in even regions) and many times faster.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

POINTS = 8
"""Points on the circle, 45 degrees apart."""
WHOLE = 256
"""What the four weights of an interpolated point add up to."""


def _kinds() -> np.ndarray:
    """(256, POINTS + 2) bool: kind of each circle of bits. Uniform ones, with at most two changes around it, are known by how many
    bits are set; all others are the last kind.
    """
    kinds = np.zeros((1 << POINTS, POINTS + 2), dtype=bool)
    for code in range(1 << POINTS):
        bits = [code >> point & 1 for point in range(POINTS)]
        changes = sum(bits[point] != bits[point - 1] for point in range(POINTS))
        kinds[code, sum(bits) if changes <= 2 else POINTS + 1] = True
    return kinds


KINDS = _kinds()


def uniform_patterns(grey: np.ndarray, radius: int) -> np.ndarray:
    """(POINTS + 2,) share of the pixels of an (H, W) uint8 picture with each pattern, turned ones taken together.

    Only pixels whose circle lies within the picture count; where there are none, all is 0. A point that lies between pixels is
    interpolated bilinearly; a neighbour as bright as the pixel counts as brighter.

    Source: Ojala T, Pietikäinen M, Mäenpää T. Multiresolution gray-scale and rotation invariant texture classification with local
    binary patterns. IEEE Transactions on Pattern Analysis and Machine Intelligence, 2002.
    """
    height, width = (side - 2 * radius for side in grey.shape)
    if height < 1 or width < 1:
        return np.zeros(POINTS + 2)
    levels = grey.astype(np.uint16)

    def shifted(row: int, column: int) -> np.ndarray:
        return levels[radius + row : radius + row + height, radius + column : radius + column + width]

    centre = shifted(0, 0) * np.uint16(WHOLE)
    codes = np.zeros((height, width), dtype=np.uint8)
    for point in range(POINTS):
        angle = 2 * np.pi * point / POINTS
        # Symmetric in all four quadrants, so that a mirrored picture has the same patterns.
        row, column = -radius * np.sin(angle), radius * np.cos(angle)
        down, right = (1 if row > 0 else -1), (1 if column > 0 else -1)
        whole_row, whole_column = int(abs(row) + 1e-9), int(abs(column) + 1e-9)
        part_row, part_column = abs(row) + 1e-9 - whole_row, abs(column) + 1e-9 - whole_column
        far = round(WHOLE * part_row * part_column)
        along_row, along_column = round(WHOLE * part_row) - far, round(WHOLE * part_column) - far
        weights = {
            (0, 0): WHOLE - far - along_row - along_column,
            (1, 0): along_row,
            (0, 1): along_column,
            (1, 1): far,
        }
        level = np.zeros((height, width), dtype=np.uint16)
        for (more_row, more_column), weight in weights.items():
            if weight:
                place = shifted(down * (whole_row + more_row), right * (whole_column + more_column))
                level += place * np.uint16(weight)
        codes |= (level >= centre).astype(np.uint8) << np.uint8(point)
    counts = np.array(Image.fromarray(codes).histogram(), dtype=np.float64)
    shares: np.ndarray = counts @ KINDS / codes.size
    return shares
