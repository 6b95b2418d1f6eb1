"""Identical and near-identical images, found by comparing every pair.

Three degrees: the same bytes; the same pixels; and *near-identical*, the same picture saved again: another size, compression,
brightness, or cut a little differently. Near-identical is decided by the correlation of thumbnails:

1. Each image is turned grey, its dark border cut away, and shrunk to 32 × 32; pairs whose thumbnails are no more alike than
   usual in this set are different.
2. The other pairs are compared again while each margin of either image is moved inwards by the steps of :data:`MARGINS`, so that
   a copy with another crop lines up. The largest Pearson correlation is the pair's similarity; a pair that comes near the
   threshold is lined up once more in finer steps. From the threshold on it is a copy.

Scans look alike, so the threshold is read off the set itself. In Fisher's z (the inverse hyperbolic tangent, in which correlations
of unrelated pictures are near normal) the median of all plain correlations and their 90th percentile span the usual likeness; a
copy lies :data:`SPANS` such spans above the median, and never below :data:`NEAR`. On the 253 brain slices of kaggle-brain that
gives 0.94, in the gap between copies (0.97 and above) and axial slices of different heads (0.93 and below;
``tests/test_real_kaggle_brain.py`` holds both ends); on synthetic heads, which resemble each other more, it gives 0.97.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from laudo.read.content import content_box

NEAR = 0.93
"""Least similarity from which two images can count as copies."""
MOST = 0.995
"""Similarity from which they always do."""
SPANS = 4.1
"""Distance of a copy from the median, in spans of median to 90th percentile: 5.3 standard deviations of a normal distribution."""
CANDIDATE = 0.60
"""Plain correlation below which a pair is never looked at again."""
CANDIDATE_SPANS = 0.8
"""Plain likeness, in the same spans above the median, from which a pair is looked at again: about one in seven."""
SAMPLE = 2000
"""Images whose pairs are enough to read the two levels off."""
MARGINS = (0.0, 0.02, 0.05, 0.10)
"""Steps by which margins are moved, as shares of the side."""
SIDE = 32
"""Side of a thumbnail in pixels."""
FINE_SIDE = 96
"""Side of the picture from which moved thumbnails are cut."""
ALIGN_SPANS = 1.0
"""How many spans below the level of copies a pair may lie and still be lined up more finely."""
FINE_STEPS = (0.04, 0.02, 0.01)
"""Steps of that alignment, as shares of the side."""
FINE_MARGIN = 0.13
"""Largest margin that it cuts, as a share of the side."""


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


@dataclass(frozen=True)
class Levels:
    """Similarities from which a pair is looked at again, is lined up more finely, and counts as a copy."""

    candidate: float
    align: float
    copy: float


def likeness_levels(thumbnails: np.ndarray) -> Levels:
    """Both levels of this set; the lowest ones for sets too small to tell.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
    """
    chosen = thumbnails
    if len(thumbnails) > SAMPLE:
        chosen = thumbnails[np.random.default_rng(0).choice(len(thumbnails), SAMPLE, replace=False)]
    if len(chosen) < 20:
        return Levels(CANDIDATE, NEAR - 0.05, NEAR)
    plain = np.stack([_standardise(_shrink(picture)) for picture in chosen])
    pairs = (plain @ plain.T)[np.triu_indices(len(plain), k=1)]
    median, high = np.quantile(np.arctanh(pairs.clip(-0.999, 0.999)), (0.5, 0.9))
    candidate, align, copy = (
        float(np.tanh(median + spans * (high - median))) for spans in (CANDIDATE_SPANS, SPANS - ALIGN_SPANS, SPANS)
    )
    return Levels(float(np.clip(candidate, CANDIDATE, NEAR)), min(align, MOST), float(np.clip(copy, NEAR, MOST)))


def near_pairs(thumbnails: np.ndarray, levels: Levels | None = None) -> list[NearPair]:
    """All near-identical pairs.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
        levels: default :func:`likeness_levels` of the set.

    Returns:
        Pairs in order of similarity, highest first. Images without contrast match nothing.
    """
    levels = levels or likeness_levels(thumbnails)
    plain = np.stack([_standardise(_shrink(picture)) for picture in thumbnails])
    best: dict[tuple[int, int], float] = {}
    for index, others in _candidates(plain, levels.candidate):
        likeness = (_variants(thumbnails[index]) @ plain[others].T).max(axis=0)
        for other, similarity in zip(others.tolist(), likeness.tolist(), strict=True):
            pair = (min(index, other), max(index, other))
            best[pair] = max(similarity, best.get(pair, 0.0))
    for (first, second), similarity in best.items():
        if levels.align <= similarity < levels.copy:
            best[first, second] = max(similarity, _aligned(thumbnails[first], thumbnails[second]))
    found = [NearPair(*pair, min(similarity, 1.0)) for pair, similarity in best.items() if similarity >= levels.copy]
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


def _candidates(plain: np.ndarray, level: float, block: int = 1024) -> Iterable[tuple[int, np.ndarray]]:
    """Each image and the others whose plain thumbnails resemble its own; by blocks, for memory's sake."""
    for start in range(0, len(plain), block):
        correlation = plain[start : start + block] @ plain.T
        for row, likeness in enumerate(correlation):
            likeness[start + row] = -1.0
            others = np.flatnonzero(likeness >= level)
            if len(others):
                yield start + row, others


def _variants(picture: np.ndarray) -> np.ndarray:
    """(256, SIDE²) standardised thumbnails, each margin moved inwards by every step."""
    image = Image.fromarray(picture)
    boxes = [
        (left * FINE_SIDE, top * FINE_SIDE, (1 - right) * FINE_SIDE, (1 - bottom) * FINE_SIDE)
        for left, top, right, bottom in product(MARGINS, repeat=4)
    ]
    return np.stack([_standardise(_resize(image, box)) for box in boxes])


def _aligned(first: np.ndarray, second: np.ndarray) -> float:
    """Largest correlation found while the margins of both pictures are moved, one at a time and by ever smaller steps.

    The dark border of a small or dim copy is cut a pixel or two differently, which the coarse steps can not undo.
    """
    pictures = (Image.fromarray(first), Image.fromarray(second))

    def correlation(margins: np.ndarray) -> float:
        one, two = (
            _standardise(_resize(picture, (left, top, FINE_SIDE - right, FINE_SIDE - bottom)))
            for picture, (left, top, right, bottom) in zip(pictures, margins * FINE_SIDE, strict=True)
        )
        return float(one @ two)

    margins = np.zeros((2, 4))
    best = correlation(margins)
    for step in FINE_STEPS:
        for place in [*np.ndindex(2, 4)] * 2:
            for change in (step, -step):
                moved = margins.copy()
                moved[place] += change
                if 0 <= moved[place] <= FINE_MARGIN and (likeness := correlation(moved)) > best:
                    best, margins = likeness, moved
    return best


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
