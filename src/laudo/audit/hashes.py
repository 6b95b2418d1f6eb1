"""Perceptual hashes: 64 bits a picture, near for pictures that look alike."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct

from laudo.audit.variants import SIDE

BITS = 64
BLOCK = 8192
"""Pictures at once."""


def perceptual_signs(plain: np.ndarray) -> np.ndarray:
    """(n, 64) float32 of -1 and 1 from (n, SIDE²) vectors; zero for pictures without contrast.

    The signs of the 8 × 8 lowest frequencies of the cosine transform about their median (pHash, Zauner 2010). As signs, the
    distance of two hashes is (64 - their product) / 2, so that all pairs are one matrix product.
    """
    basis = dct(np.eye(SIDE), axis=0, norm="ortho")[:8].astype(np.float32)
    signs = np.empty((len(plain), BITS), dtype=np.float32)
    for start in range(0, len(plain), BLOCK):
        part = plain[start : start + BLOCK].astype(np.float32)
        waves = (basis @ part.reshape(-1, SIDE, SIDE) @ basis.T).reshape(-1, BITS)
        median = np.median(waves[:, 1:], axis=1, keepdims=True)
        signs[start : start + BLOCK] = np.where(waves > median, 1, -1) * part.any(axis=1, keepdims=True)
    return signs


def hash_distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number of bits in which rows of signs differ."""
    return np.asarray(((BITS - (first * second).sum(axis=-1)) / 2).round().astype(np.int64))
