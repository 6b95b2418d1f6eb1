"""How long the search for copies takes, and what it holds in memory, at several numbers of images.

Synthetic thumbnails (smooth random pictures, of which every hundredth is planted again: dimmer, with noise, and with a margin cut)
go through the stages one by one: *plain* is the matrix product over all pairs, *close* is what follows it. At ``--plain`` images
only the first stage is run. Prints time, time an image, peak memory and the share of the planted copies that were found.

    python benchmarks/duplicates.py [--sizes 1000 3000 10000] [--plain 100000]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time

import numpy as np

from laudo.audit.candidates import candidate_pairs
from laudo.audit.duplicates import LARGE, likeness_levels, near_pairs
from laudo.audit.thumbnail import FINE_SIDE
from laudo.audit.variants import plain_vectors

EVERY = 100
COMMON = 1.6
"""Weight of what all pictures share: scans look alike."""


def pictures(n: int, seed: int = 0) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """(n, 96, 96) uint8 and the planted pairs."""
    generator = np.random.default_rng(seed)
    grow = np.kron(np.eye(16), np.ones((6, 1))).astype(np.float32)
    blur = np.exp(-(np.subtract.outer(np.arange(FINE_SIDE), np.arange(FINE_SIDE)) ** 2) / 18.0).astype(np.float32)
    grow = blur @ grow
    shared = generator.normal(size=(16, 16)).astype(np.float32)
    out = np.empty((n, FINE_SIDE, FINE_SIDE), dtype=np.uint8)
    for start in range(0, n, 2048):
        noise = generator.normal(size=(min(2048, n - start), 16, 16)).astype(np.float32)
        smooth = grow @ (COMMON * shared + noise) @ grow.T
        low, high = smooth.min(axis=(1, 2), keepdims=True), smooth.max(axis=(1, 2), keepdims=True)
        out[start : start + 2048] = (smooth - low) / (high - low) * 255
    planted = set()
    for number in range(0, n // 2, EVERY):
        copy = out[number, 4:, 3:].astype(np.float32)
        rows = np.arange(FINE_SIDE) * copy.shape[0] // FINE_SIDE
        columns = np.arange(FINE_SIDE) * copy.shape[1] // FINE_SIDE
        noisy = copy[rows][:, columns] * 0.7 + generator.normal(size=(FINE_SIDE, FINE_SIDE)) * 4
        out[n // 2 + number] = noisy.clip(0, 255)
        planted.add((number, n // 2 + number))
    return out, planted


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 3000, 10_000])
    parser.add_argument("--plain", type=int, default=100_000)
    options = parser.parse_args()
    results = []
    for n, whole in [*((size, True) for size in options.sizes), *([(options.plain, False)] if options.plain else [])]:
        thumbnails, planted = pictures(n)
        before = peak_mb()
        started = time.perf_counter()
        levels = likeness_levels(thumbnails)
        plain = plain_vectors(thumbnails, np.float16 if n > LARGE else np.float32)
        vectors = time.perf_counter() - started
        pairs = candidate_pairs(plain, levels.candidate)
        first = time.perf_counter() - started
        result = {
            "n": n,
            "vectors_s": round(vectors, 2),
            "plain_s": round(first - vectors, 2),
            "plain_ns_a_pair": round((first - vectors) / (n * (n - 1) / 2) * 1e9, 2),
            "candidates_an_image": round(2 * len(pairs) / n, 1),
            "planted_among_candidates": len(planted & set(map(tuple, pairs.tolist()))) / max(1, len(planted)),
            "level": round(levels.copy, 3),
        }
        if whole:
            started = time.perf_counter()
            found = {(pair.first, pair.second) for pair in near_pairs(thumbnails, levels)}
            close = time.perf_counter() - started - first
            result |= {
                "close_s": round(close, 2),
                "close_ms_an_image": round(close / n * 1000, 2),
                "planted_found": len(planted & found) / max(1, len(planted)),
                "others_found": len(found - planted),
            }
        result |= {
            "thumbnails_mb": round(thumbnails.nbytes / 1e6),
            "peak_mb": round(peak_mb()),
            "before_mb": round(before),
        }
        results.append(result)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
