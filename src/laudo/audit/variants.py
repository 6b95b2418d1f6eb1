"""A picture in other crops, as vectors that can be multiplied: what a copy that was cut a little differently would look like."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from PIL import Image

from laudo.audit.thumbnail import FINE_SIDE

SIDE = 32
"""Side in pixels of the thumbnails that are compared."""
MARGINS = (0.0, 0.02, 0.05, 0.10)
"""Steps by which margins are moved, as shares of the side."""
BLOCK = 2048
"""Pictures shrunk at once."""
FINE_STEPS = (0.08, 0.04, 0.02, 0.01)
"""Steps of the finer alignment, as shares of the side."""
FINE_MARGIN = 0.13
"""Largest margin that it cuts, as a share of the side."""


def plain_vectors(thumbnails: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """(n, SIDE²) standardised vectors of (n, FINE_SIDE, FINE_SIDE) thumbnails, nothing cut."""
    shrink = _shrinkers()[0]
    out = np.empty((len(thumbnails), SIDE * SIDE), dtype=dtype)
    for start in range(0, len(thumbnails), BLOCK):
        part = np.asarray(thumbnails[start : start + BLOCK], dtype=np.float32)
        out[start : start + BLOCK] = _standardise((shrink @ part @ shrink.T).reshape(len(part), -1))
    return out


def variants(thumbnail: np.ndarray) -> np.ndarray:
    """(256, SIDE²) standardised vectors, each margin moved inwards by every step.

    Bilinear shrinking is linear and separable: all 256 are two matrix products.
    """
    shrink = _shrinkers()
    steps = len(shrink)
    tall = shrink.reshape(steps * SIDE, FINE_SIDE)
    cut = (tall @ thumbnail.astype(np.float32) @ tall.T).reshape(steps, SIDE, steps, SIDE)
    return _standardise(cut.transpose(0, 2, 1, 3).reshape(steps * steps, SIDE * SIDE))


def alignment(first: np.ndarray, second: np.ndarray) -> tuple[float, np.ndarray]:
    """Largest correlation found while the margins of both pictures are moved, one at a time and by ever smaller steps.

    The dark border of a small or dim copy is cut a pixel or two differently, which the coarse steps can not undo.

    Returns:
        The correlation, and the (2, 4) left, upper, right and lower margin of each picture as shares of the side.
    """
    pictures = (first.astype(np.float32), second.astype(np.float32))
    margins = np.zeros((2, 4))
    vectors = [_cut(picture, margins[0]) for picture in pictures]
    best = float(vectors[0] @ vectors[1])
    for step in FINE_STEPS:
        for which, edge in [*np.ndindex(2, 4)] * 2:
            for change in (step, -step):
                moved = margins[which].copy()
                moved[edge] += change
                if not -1e-9 <= moved[edge] <= FINE_MARGIN:
                    continue
                vector = _cut(pictures[which], moved)
                if (likeness := float(vector @ vectors[1 - which])) > best:
                    best, margins[which], vectors[which] = likeness, moved, vector
    return best, margins.clip(0.0)


def _cut(picture: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """(SIDE²,) standardised vector of a picture without its left, upper, right and lower margin."""
    left, top, right, bottom = margins.round(2).tolist()
    flat = (_shrinker(top, bottom) @ picture @ _shrinker(left, right).T).ravel()
    flat -= flat.sum() / flat.size
    length = float(np.sqrt(flat @ flat))
    return flat / length if length > 1e-3 * SIDE else np.zeros_like(flat)


@lru_cache(maxsize=1)
def _shrinkers() -> np.ndarray:
    """(16, SIDE, FINE_SIDE) matrices that shrink one axis, each pair of margins moved by every step; the first cuts nothing."""
    return np.stack([_shrinker(first, last) for first, last in product(MARGINS, repeat=2)])


@lru_cache(maxsize=512)
def _shrinker(first: float, last: float) -> np.ndarray:
    """(SIDE, FINE_SIDE) matrix: Pillow's own bilinear coefficients, read off an identity matrix."""
    box = (0.0, max(0.0, first) * FINE_SIDE, float(FINE_SIDE), (1 - max(0.0, last)) * FINE_SIDE)
    identity = Image.fromarray(np.eye(FINE_SIDE, dtype=np.float32))
    return np.array(identity.resize((FINE_SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


def _standardise(flat: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1; zero where a picture is constant, so that it correlates with nothing."""
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-3 * np.sqrt(flat.shape[1])))
