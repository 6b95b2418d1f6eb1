"""Identical and near-identical images, found by comparing every pair.

Three degrees: the same bytes; the same pixels; and *near-identical*, the same picture saved again: another size, compression,
brightness, or cut a little differently. Near-identical is decided by the correlation of thumbnails:

1. Each image is turned grey, its dark border cut away, and shrunk to 32 × 32; pairs whose thumbnails correlate less than
   :data:`CANDIDATE` are different.
2. The other pairs are compared again while the margins of either image are moved in steps of :data:`MARGIN` of its side, so that
   a copy with another crop lines up. The largest Pearson correlation is the pair's similarity; from the threshold on it is a copy.

Scans look alike, so the threshold is read off the set itself. In Fisher's z (the inverse hyperbolic tangent, in which correlations
of unrelated pictures are near normal) the median of all plain correlations and their 90th percentile span the usual likeness; a
copy lies :data:`SPANS` such spans above the median, and never below :data:`NEAR`. On the 253 brain slices of kaggle-brain that
gives 0.96, in the gap between copies (0.97 and above) and axial slices of different heads (0.914 and below;
``tests/test_real_kaggle_brain.py`` holds both ends); on synthetic heads, which resemble each other more, it gives 0.98.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from laudo.read.content import content_box

NEAR = 0.93
"""Least similarity from which two images can count as copies."""
MOST = 0.995
"""Similarity from which they always do."""
SPANS = 4.84
"""Distance of a copy from the median, in spans of median to 90th percentile: 6.2 standard deviations of a normal distribution."""
SAMPLE = 2000
"""Images whose pairs are enough to read the threshold off."""
CANDIDATE = 0.60
"""Plain correlation below which a pair is not looked at again."""
MARGIN = 0.05
"""Step by which margins are moved, as a share of the side."""
SIDE = 32
"""Side of a thumbnail in pixels."""
FINE_SIDE = 96
"""Side of the picture from which moved thumbnails are cut."""


@dataclass(frozen=True)
class NearPair:
    """Two images that look the same: row numbers and similarity."""

    first: int
    second: int
    similarity: float


def fine_thumbnail(grey: np.ndarray) -> np.ndarray:
    """(FINE_SIDE, FINE_SIDE) float32 picture of an (H, W) image without its border."""
    image = Image.fromarray(grey[content_box(grey)].astype(np.float32))
    return np.asarray(image.resize((FINE_SIDE, FINE_SIDE), Image.Resampling.BILINEAR))


def likeness_threshold(thumbnails: np.ndarray) -> float:
    """Similarity from which two images of this set count as copies; :data:`NEAR` for sets too small to tell.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
    """
    chosen = thumbnails
    if len(thumbnails) > SAMPLE:
        chosen = thumbnails[np.random.default_rng(0).choice(len(thumbnails), SAMPLE, replace=False)]
    if len(chosen) < 20:
        return NEAR
    plain = np.stack([_standardise(_shrink(picture)) for picture in chosen])
    pairs = (plain @ plain.T)[np.triu_indices(len(plain), k=1)]
    median, high = np.quantile(np.arctanh(pairs.clip(-0.999, 0.999)), (0.5, 0.9))
    return float(np.clip(np.tanh(median + SPANS * (high - median)), NEAR, MOST))


def near_pairs(thumbnails: np.ndarray, threshold: float | None = None) -> list[NearPair]:
    """All near-identical pairs.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
        threshold: least similarity; default :func:`likeness_threshold` of the set.

    Returns:
        Pairs in order of similarity, highest first. Images without contrast match nothing.
    """
    threshold = likeness_threshold(thumbnails) if threshold is None else threshold
    plain = np.stack([_standardise(_shrink(picture)) for picture in thumbnails])
    found = []
    variants: dict[int, np.ndarray] = {}
    for first, second in _candidates(plain):
        for index in (first, second):
            if index not in variants:
                variants[index] = _variants(thumbnails[index])
        similarity = max(float((variants[first] @ plain[second]).max()), float((variants[second] @ plain[first]).max()))
        if similarity >= threshold:
            found.append(NearPair(first, second, min(similarity, 1.0)))
    return sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))


def clusters(n: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """(n,) cluster number of each image, where a copy of a copy is a copy; numbered by first appearance."""
    edges = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(n, n))
    _count, labels = connected_components(graph, directed=False)
    _values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    return np.asarray(order[inverse])


def _candidates(plain: np.ndarray, block: int = 1024) -> Iterable[tuple[int, int]]:
    """Pairs whose plain thumbnails correlate enough; by blocks, so that memory does not grow with the square."""
    for start in range(0, len(plain), block):
        correlation = plain[start : start + block] @ plain.T
        for row, column in np.argwhere(correlation >= CANDIDATE):
            if start + row < column:
                yield int(start + row), int(column)


def _variants(picture: np.ndarray) -> np.ndarray:
    """(81, SIDE²) standardised thumbnails, each margin moved inwards by 0, 1 or 2 steps."""
    image = Image.fromarray(picture)
    steps = [0.0, MARGIN * FINE_SIDE, 2 * MARGIN * FINE_SIDE]
    boxes = [
        (left, top, FINE_SIDE - right, FINE_SIDE - bottom)
        for left in steps
        for top in steps
        for right in steps
        for bottom in steps
    ]
    return np.stack([_standardise(_resize(image, box)) for box in boxes])


def _shrink(picture: np.ndarray) -> np.ndarray:
    return _resize(Image.fromarray(picture), (0.0, 0.0, FINE_SIDE, FINE_SIDE))


def _resize(image: Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box))


def _standardise(thumbnail: np.ndarray) -> np.ndarray:
    """Flat vector of mean 0 and length 1; zero when the thumbnail is constant, so that it correlates with nothing."""
    flat = thumbnail.astype(np.float32).ravel()
    flat = flat - flat.mean()
    length = float(np.linalg.norm(flat))
    return flat / length if length > 1e-3 * np.sqrt(flat.size) else np.zeros_like(flat)
