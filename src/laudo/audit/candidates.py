"""Which pairs of pictures are worth a closer look: one blocked matrix product over all pairs, then a few an image.

The product runs over the leading components of the plain thumbnails (Eckart and Young 1936) with what they leave out as one more
column, so that it is an upper bound of the correlation and loses no pair; and over the signs of the perceptual hashes. Everything
after it is linear in the number of images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from laudo.audit.hashes import BITS, perceptual_signs

SAMPLE = 2000
"""Images whose pairs are enough to read levels off."""
COMPONENTS = 128
"""Leading components that are multiplied in sets larger than :data:`SMALL`."""
SMALL = 4000
"""Sets up to this many images are multiplied as they are."""
AVERAGE = 32
"""Candidates an image that the level leaves on average, in large sets."""
MOST = 64
"""Candidates that are kept of one image."""
HASH_BITS = 10
"""Largest distance of two perceptual hashes that makes a candidate, in bits."""
CELLS = 16_000_000
"""Pairs a block of the product: decides memory (9 bytes each), not the result."""
HELD = 4_000_000
"""Further pairs that are held before all are thinned out again."""


def candidate_pairs(plain: np.ndarray, level: float, block: int | None = None) -> np.ndarray:
    """(m, 2) int64 pairs, the smaller number first, that are alike enough to be compared closely.

    Args:
        plain: (n, D) standardised thumbnails.
        level: plain correlation below which a pair is never looked at again.
        block: images a block of the product; default: as many as :data:`CELLS` allow.
    """
    vectors, signs = compressed(plain), perceptual_signs(plain)
    level, bits = _levels(plain, signs, level)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    held, kept = 0, 0
    for block_found in _alike(vectors, signs, level, bits, block or max(1, CELLS // len(plain))):
        found.append(block_found)
        held += len(block_found[0])
        if held > kept + HELD:  # what is left after thinning may itself be more than that
            found = [_best(len(plain), *_joined(found))]
            held = kept = len(found[0][0])
    first, second, _score = _best(len(plain), *_joined(found))
    return np.stack([first, second], axis=1)


def compressed(plain: np.ndarray) -> np.ndarray:
    """(n, d) float32 vectors whose products are the correlations, or bound them from above in large sets."""
    if len(plain) <= SMALL:
        return plain.astype(np.float32)
    chosen = np.random.default_rng(0).choice(len(plain), SMALL, replace=False)
    sample = plain[np.sort(chosen)].astype(np.float32)
    _values, basis = np.linalg.eigh(sample.T @ sample)
    basis = np.ascontiguousarray(basis[:, -COMPONENTS:])
    out = np.empty((len(plain), COMPONENTS + 1), dtype=np.float32)
    for start in range(0, len(plain), 8192):
        part = plain[start : start + 8192].astype(np.float32)
        inner = part @ basis
        out[start : start + 8192, :-1] = inner
        rest = (part * part).sum(axis=1) - (inner * inner).sum(axis=1)
        out[start : start + 8192, -1] = np.sqrt(rest.clip(0))
    return out


def _levels(plain: np.ndarray, signs: np.ndarray, level: float) -> tuple[float, float]:
    """Correlation and product of signs from which a pair is a candidate: a few an image, read off a sample of the set."""
    n = len(plain)
    bits = float(BITS - 2 * HASH_BITS)
    if n <= 4 * AVERAGE:
        return level, bits
    chosen = np.arange(n) if n <= SAMPLE else np.sort(np.random.default_rng(1).choice(n, SAMPLE, replace=False))
    upper = np.triu_indices(len(chosen), k=1)
    vectors = plain[chosen].astype(np.float32)
    usual = float(np.quantile((vectors @ vectors.T)[upper], 1 - AVERAGE / n))
    hashes = float(np.quantile((signs[chosen] @ signs[chosen].T)[upper], 1 - AVERAGE / (4 * n)))
    return max(level, usual), max(bits, hashes)


def _alike(
    vectors: np.ndarray, signs: np.ndarray, level: float, bits: float, block: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows, columns and likeness of the pairs above a level, block by block of the upper triangle."""
    for start in range(0, len(vectors), block):
        likeness = vectors[start : start + block] @ vectors[start:].T
        alike = likeness >= level
        alike |= signs[start : start + block] @ signs[start:].T >= bits
        rows, columns = np.nonzero(alike)
        later = columns > rows
        rows, columns = rows[later], columns[later]
        yield rows + start, columns + start, likeness[rows, columns]


def _joined(found: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The findings of several blocks as one."""
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    first, second, score = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return first, second, score


def _best(
    n: int, first: np.ndarray, second: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that are among the :data:`MOST` best of either of their images."""
    kept = np.zeros(len(first), dtype=bool)
    ends = np.concatenate([first, second])
    number = np.tile(np.arange(len(first)), 2)
    order = np.lexsort((number, -np.tile(score, 2), ends))
    starts = np.searchsorted(ends[order], np.arange(n))
    place = np.arange(len(order)) - starts[ends[order]]
    kept[number[order[place < MOST]]] = True
    return first[kept], second[kept], score[kept]
