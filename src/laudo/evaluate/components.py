"""Connected components of a mask as runs of voxels: far fewer than voxels, so that sparse masks in large boxes take no time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

RUN_NS, VOXEL_NS = 400.0, 15.0
"""About what a run takes here, and a voxel in SciPy's own way: chooses the method, never the answer."""


@dataclass(frozen=True)
class Components:
    """Components of a mask; voxels that touch by a corner belong together.

    Attributes:
        count: how many there are.
        starts: (r,) flat index, in the mask with a margin of one voxel, where each run of voxels begins, rising.
        ends: (r,) where it ends; the voxel there is no longer in it.
        component: (r,) number of the component of each run, from 0.
    """

    count: int
    starts: np.ndarray
    ends: np.ndarray
    component: np.ndarray

    @classmethod
    def of(cls, padded: np.ndarray) -> Components:
        """Find them in a mask.

        Args:
            padded: (*B) bool in C order; the outermost voxels are all False.
        """
        flat = padded.ravel()
        turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        starts, ends = turns[::2], turns[1::2]
        if len(starts) * RUN_NS > padded.size * VOXEL_NS:
            labels, count = ndimage.label(padded, structure=np.ones((3,) * padded.ndim, dtype=bool))
            return cls(int(count), starts, ends, labels.ravel()[starts] - 1)
        one, other = _touching(starts, ends, padded.shape)
        graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(len(starts),) * 2)
        count, component = connected_components(graph.tocsr(), directed=False)
        return cls(int(count), starts, ends, component)

    def sizes(self) -> np.ndarray:
        """(count,) voxels of each component."""
        return self._sums(self.ends - self.starts)

    def covered_by(self, other: np.ndarray) -> np.ndarray:
        """(count,) voxels of each component that are also in another mask of the same shape."""
        places = np.flatnonzero(other)
        return self._sums(np.searchsorted(places, self.ends) - np.searchsorted(places, self.starts))

    def _sums(self, voxels: np.ndarray) -> np.ndarray:
        return np.bincount(self.component, weights=voxels, minlength=self.count).astype(np.int64)


def _touching(starts: np.ndarray, ends: np.ndarray, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs that touch: one in a row, the other in one of the rows around it; each pair once."""
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape) - 1)]
    pairs = []
    for steps in product((-1, 0, 1), repeat=len(strides)):
        if steps <= (0,) * len(strides):
            continue  # the row itself, and the rows from which this one is seen
        shift = sum(step * stride for step, stride in zip(steps, strides, strict=True))
        # One voxel further on both sides: corners. The margin keeps that within the row.
        first = np.searchsorted(ends, starts + (shift - 1), side="right")
        touched = np.searchsorted(starts, ends + (shift + 1), side="left") - first
        number = np.arange(touched.sum()) - np.repeat(touched.cumsum() - touched, touched)
        pairs.append((np.repeat(np.arange(len(starts)), touched), np.repeat(first, touched) + number))
    return np.concatenate([one for one, _other in pairs]), np.concatenate([other for _one, other in pairs])
