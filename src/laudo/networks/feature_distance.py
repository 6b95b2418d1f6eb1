"""How far an image lies from those that a network was trained on, in the network's own features.

The distance to the k-th nearest training image between features of length one (Sun Y, Ming Y, Zhu X, Li Y. Out-of-distribution
detection with deep nearest neighbors. ICML 2022). It needs no classes and no shape of their distribution, so that one rule serves
networks that name a class, several labels or an outline; with fewer images than features a covariance, as the Mahalanobis distance
of Lee et al. (2018) wants it, is mostly what it is shrunk to. Measured descriptors have units of their own: they are standardised,
and the distance is between them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

NEIGHBOUR = 5
"""k: one odd training image does not make another one like it familiar."""
MOST_IMAGES = 1000
"""Training images that are kept; of more, so many are drawn."""
CHUNK = 256
BEYOND = 99.0
"""Percentile of the validation images above which an image counts as unlike the training images."""
FARTHEST = 1e3
"""Standardised features are held within it: one that hardly ever changes must not outweigh all others."""


@dataclass(frozen=True)
class FeatureDistance:
    """Fitted on a training part.

    Attributes:
        mean: (D,) float32 of the training images' features that were measured; empty of a network's.
        deviation: (D,) of the same, 1 for a feature that never changes; empty of a network's.
        reference: (m, D) float32 features of training images, standardised or of length one; a trained network's lie so close
            together that half precision would not tell them apart.
        training: (m,) float32 distances of these images to the others of them, rising.
        validation: (v,) float32 distances of the validation images, rising.
    """

    mean: np.ndarray
    deviation: np.ndarray
    reference: np.ndarray
    training: np.ndarray
    validation: np.ndarray

    @classmethod
    def fit(cls, train: np.ndarray, validation: np.ndarray, measured: bool = False) -> FeatureDistance:
        """Keep what the training part looks like.

        Args:
            train: (m, D) features of images that the network was trained on; see :func:`drawn`.
            validation: (v, D) of images that it was not.
            measured: the features are descriptors, each with a unit of its own, and not a network's.

        Raises:
            ValueError: there is nothing to fit on.
        """
        if not len(train) or not len(validation):
            raise ValueError("a distance is fitted on training and validation images")
        mean, deviation = np.zeros(0, np.float32), np.zeros(0, np.float32)
        if measured:
            exact = train.astype(np.float64)
            mean, spread = exact.mean(axis=0), exact.std(axis=0)
            spread = np.where(spread > 1e-6 * np.maximum(np.abs(mean), 1e-3), spread, 1.0)
            # As the file holds them, so that a model that was read again gives the same.
            mean, deviation = mean.astype(np.float32), spread.astype(np.float32)
        nothing = np.zeros(0, np.float32)
        fitted = cls(mean, deviation, np.zeros((0, train.shape[1]), np.float32), nothing, nothing)
        fitted = replace(fitted, reference=fitted.form(train).astype(np.float32))
        inside, outside = fitted.distances(train, itself=True), fitted.distances(validation)
        return replace(fitted, training=np.sort(inside), validation=np.sort(outside))

    def form(self, features: np.ndarray) -> np.ndarray:
        """(B, D) float64 in which distances are taken: standardised over the root of D, or of length one."""
        given = features.astype(np.float64)
        if len(self.mean):
            held = np.clip((given - self.mean) / self.deviation, -FARTHEST, FARTHEST)
            return np.asarray(held / np.sqrt(held.shape[1]))
        lengths = np.linalg.norm(given, axis=1, keepdims=True)
        return np.asarray(given / np.where(lengths > 0, lengths, 1))

    def distances(self, features: np.ndarray, itself: bool = False) -> np.ndarray:
        """(B,) float32 distance to the k-th nearest training image.

        Args:
            features: (B, D).
            itself: whether each image is among the training images that were kept: it is no neighbour of its own then.

        Raises:
            ValueError: another number of features.
        """
        if features.ndim != 2 or features.shape[1] != self.reference.shape[1]:
            raise ValueError(f"features of shape {features.shape}, fitted on {self.reference.shape[1]}")
        reference = self.reference.astype(np.float64)  # small differences of large products
        squares = (reference**2).sum(axis=1)
        place = min(NEIGHBOUR + itself, len(reference)) - 1
        found = [np.zeros(0, np.float32)]
        for start in range(0, len(features), CHUNK):
            given = self.form(features[start : start + CHUNK]).astype(np.float32).astype(np.float64)
            apart = (given**2).sum(axis=1)[:, None] + squares - 2 * given @ reference.T
            found.append(np.sqrt(np.clip(np.partition(apart, place, axis=1)[:, place], 0, None)))
        return np.concatenate(found).astype(np.float32)

    def percentiles(self, distances: np.ndarray) -> np.ndarray:
        """(B,) per cent of the validation images that lie nearer."""
        return 100.0 * np.searchsorted(self.validation, distances, side="left") / len(self.validation)

    def relative(self, distances: np.ndarray) -> np.ndarray:
        """(B,) distances as multiples of the validation images' median."""
        median = float(np.median(self.validation))
        return distances / median if median > 0 else distances

    def arrays(self) -> dict[str, np.ndarray]:
        """What a file must hold."""
        return {
            "mean": self.mean,
            "deviation": self.deviation,
            "reference": self.reference,
            "training": self.training,
            "validation": self.validation,
        }


def drawn(rows: np.ndarray, seed: int, most: int = MOST_IMAGES) -> np.ndarray:
    """The rows that are kept of a training part: all, or so many drawn of a large one (Sun et al. keep a hundredth)."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
