"""Identical and near-identical images.

Three degrees: the same bytes; the same pixels; and *near-identical*, the same picture saved again: another size, compression,
brightness, or cut a little differently. Near-identical is decided by the correlation of thumbnails:

1. Each image is turned grey, its dark border cut away, and shrunk to 32 × 32; pairs whose thumbnails are no more alike than
   usual in this set are different, and so are those whose perceptual hashes are far apart as well.
2. The other pairs, a bounded number an image (:mod:`laudo.audit.candidates`), are compared again while each margin of either
   image is moved inwards, so that a copy with another crop lines up. The largest Pearson correlation is the pair's similarity; a
   pair that comes near the threshold is lined up once more in finer steps. From the threshold on the two are *alike*.
3. Alike are copies, but also neighbouring slices of one person, and skulls of two. What tells copies is their fine detail
   (:mod:`laudo.audit.detail`).

Scans look alike, so the threshold is read off the set itself. In Fisher's z (the inverse hyperbolic tangent, in which correlations
of unrelated pictures are near normal) the median of all plain correlations and their 90th percentile span the usual likeness; a
copy lies :data:`SPANS` such spans above the median, and never below :data:`NEAR`. Where slices of several directions are mixed,
most pairs are of different ones and the alike ones hide in the upper tail: there the 99th percentile is looked at as well. On the
253 brain slices of kaggle-brain that gives 0.95, in the gap between copies (0.97 and above) and axial slices of different heads
(0.93 and below; ``tests/test_real_kaggle_brain.py`` holds both ends); on synthetic heads, which resemble each other more, it
gives 0.97.

The first step is a matrix product over all pairs; what follows it is linear in the number of images. ``benchmarks/duplicates.py``
measures both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from laudo.audit.candidates import SAMPLE, candidate_pairs
from laudo.audit.detail import COPY_DETAIL, SCAN_DETAIL, detail_agreement
from laudo.audit.hashes import hash_distance, perceptual_signs
from laudo.audit.thumbnail import fine_thumbnail
from laudo.audit.variants import alignment, plain_vectors, variants

__all__ = ["Levels", "NearPair", "clusters", "fine_thumbnail", "likeness_levels", "near_pairs"]

NEAR = 0.93
"""Least similarity from which two images can count as copies."""
MOST = 0.995
"""Similarity from which they always do."""
SPANS = 4.1
"""Distance of a copy from the median, in spans of median to 90th percentile: 5.3 standard deviations of a normal distribution."""
UPPER_SPANS = 2.28
"""The same distance in spans of median to 99th percentile, for sets of several views, whose alike pairs are in one view only."""
UPPER_MOST = 0.95
"""Level that these spans give at most: copies themselves, when there are many, widen them."""
UPPER_FROM = 200
"""Images from which the 99th percentile is known well enough."""
CANDIDATE = 0.60
"""Plain correlation below which a pair is never looked at again."""
CANDIDATE_SPANS = 0.8
"""Plain likeness, in the same spans above the median, from which a pair is looked at again: about one in seven."""
ALIGN_SPANS = 1.0
"""How many spans below the level of copies a pair may lie and still be lined up more finely."""
ALIGN_MOST = 4
"""Pairs of one image that are lined up more finely, the most alike first."""
LARGE = 20_000
"""Sets with more images keep their plain thumbnails in half precision."""


@dataclass(frozen=True)
class NearPair:
    """Two images that look alike.

    Attributes:
        first: row number, the smaller one.
        second: row number.
        similarity: correlation of the thumbnails, lined up.
        hash_bits: how many of 64 bits of their perceptual hashes differ.
        detail: correlation of the fine detail.
    """

    first: int
    second: int
    similarity: float
    hash_bits: int = 0
    detail: float = 1.0

    @property
    def is_copy(self) -> bool:
        """Whether this is one picture saved twice, and not only two that look alike."""
        return self.detail >= COPY_DETAIL

    @property
    def is_one_scan(self) -> bool:
        """Whether both come from one examination: copies, or its neighbouring slices."""
        return self.detail >= SCAN_DETAIL


@dataclass(frozen=True)
class Levels:
    """Similarities from which a pair is looked at again, is lined up more finely, and counts as a copy."""

    candidate: float
    align: float
    copy: float


def likeness_levels(thumbnails: np.ndarray) -> Levels:
    """Levels of this set; the lowest ones for sets too small to tell.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
    """
    chosen = thumbnails
    if len(thumbnails) > SAMPLE:
        chosen = thumbnails[np.sort(np.random.default_rng(0).choice(len(thumbnails), SAMPLE, replace=False))]
    if len(chosen) < 20:
        return Levels(CANDIDATE, NEAR - 0.05, NEAR)
    plain = plain_vectors(chosen)
    pairs = (plain @ plain.T)[np.triu_indices(len(plain), k=1)]
    median, high, upper = np.quantile(np.arctanh(pairs.clip(-0.999, 0.999)), (0.5, 0.9, 0.99))
    candidate, align, copy = (
        float(np.tanh(median + spans * (high - median))) for spans in (CANDIDATE_SPANS, SPANS - ALIGN_SPANS, SPANS)
    )
    if len(chosen) >= UPPER_FROM:
        copy = max(copy, min(UPPER_MOST, float(np.tanh(median + UPPER_SPANS * (upper - median)))))
    return Levels(float(np.clip(candidate, CANDIDATE, NEAR)), min(align, MOST), float(np.clip(copy, NEAR, MOST)))


def near_pairs(thumbnails: np.ndarray, levels: Levels | None = None) -> list[NearPair]:
    """Near-identical pairs.

    Args:
        thumbnails: (n, FINE_SIDE, FINE_SIDE) from :func:`fine_thumbnail`.
        levels: default :func:`likeness_levels` of the set.

    Returns:
        Pairs in order of similarity, highest first. Images without contrast match nothing.
    """
    if len(thumbnails) < 2:
        return []
    levels = levels or likeness_levels(thumbnails)
    plain = plain_vectors(thumbnails, np.float16 if len(thumbnails) > LARGE else np.float32)
    pairs = candidate_pairs(plain, levels.candidate)
    similarity = _compare(thumbnails, plain, pairs)
    _line_up(thumbnails, pairs, similarity, levels)
    chosen = similarity >= levels.copy
    pairs, similarity = pairs[chosen], similarity[chosen].clip(max=1.0)
    bits = hash_distance(*(perceptual_signs(plain[column].astype(np.float32)) for column in pairs.T))
    found = [
        NearPair(first, second, alike, far, detail_agreement(thumbnails[first], thumbnails[second]))
        for (first, second), alike, far in zip(pairs.tolist(), similarity.tolist(), bits.tolist(), strict=True)
    ]
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


def _compare(thumbnails: np.ndarray, plain: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """(m,) largest correlation of each pair while the margins of either picture are moved."""
    best = np.full(len(pairs), -1.0)
    ends = np.concatenate([pairs[:, 0], pairs[:, 1]])
    others = np.concatenate([pairs[:, 1], pairs[:, 0]])
    number = np.tile(np.arange(len(pairs)), 2)
    order = np.argsort(ends, kind="stable")
    images, starts = np.unique(ends[order], return_index=True)
    for image, rows in zip(images.tolist(), np.split(order, starts[1:]), strict=False):
        likeness = (variants(thumbnails[image]) @ plain[others[rows]].astype(np.float32).T).max(axis=0)
        best[number[rows]] = np.maximum(best[number[rows]], likeness)
    return best


def _line_up(thumbnails: np.ndarray, pairs: np.ndarray, similarity: np.ndarray, levels: Levels) -> None:
    """Compare the pairs just below the level of copies once more, in place; a few an image, the most alike first."""
    close = np.flatnonzero((similarity >= levels.align) & (similarity < levels.copy))
    seen: dict[int, int] = {}
    for row in close[np.argsort(-similarity[close], kind="stable")].tolist():
        first, second = pairs[row].tolist()
        if min(seen.get(first, 0), seen.get(second, 0)) >= ALIGN_MOST:
            continue
        seen[first], seen[second] = seen.get(first, 0) + 1, seen.get(second, 0) + 1
        similarity[row] = max(similarity[row], alignment(thumbnails[first], thumbnails[second])[0])
