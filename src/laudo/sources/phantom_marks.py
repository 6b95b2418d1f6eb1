"""Callipers that sonographers draw on a picture: a nuisance that a network may learn instead of the lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHARES = {"benign": 0.14, "malignant": 0.30}
"""How many images of each class have marks: about a fifth in all, more of one class, as in BUS-UC."""

COLOURS = ((255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 160, 0))


def has_marks(seed: int, number: int, label: str) -> bool:
    """Whether the image of this number is marked; depends on nothing else."""
    return bool(np.random.default_rng([seed, number, 55]).random() < SHARES.get(label, 0.0))


def with_callipers(seed: int, number: int, image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8: the image with two coloured crosses at the lesion's ends and a dotted line between them."""
    rng = np.random.default_rng([seed, number, 56])
    coloured = np.repeat(image[..., None], 3, axis=2)
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return coloured
    colour = COLOURS[int(rng.integers(len(COLOURS)))]
    direction = rng.normal(0, 0.4)
    along = columns * np.cos(direction) + rows * np.sin(direction)
    ends = [(int(rows[at]), int(columns[at])) for at in (np.argmin(along), np.argmax(along))]
    arm = max(2, round(len(image) * 0.018))
    height, width = image.shape
    for row, column in ends:
        for step in range(-arm, arm + 1):
            for y, x in ((row + step, column), (row, column + step)):
                if 0 <= y < height and 0 <= x < width:
                    coloured[y, x] = colour
    (y0, x0), (y1, x1) = ends
    steps = max(2, int(np.hypot(y1 - y0, x1 - x0) / (2.5 * arm)))
    for part in np.linspace(0, 1, steps + 1)[1:-1]:
        coloured[round(y0 + part * (y1 - y0)), round(x0 + part * (x1 - x0))] = colour
    return coloured
