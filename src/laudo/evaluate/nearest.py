"""Distance of each of many voxels to the nearest voxel of a set, exactly, quickest where the two lie close together.

Surfaces of a truth and of a fair prediction run a few voxels apart. So each voxel first looks at its neighbours, nearest
first, in a table of flags; the few that find nothing within reach are answered by a k-d tree or, where that would be slow,
by a distance transform.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, product

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

MOST_NEIGHBOURS = 130
"""Neighbours that a voxel looks at before a slower method takes over: of cubes, those up to three voxels away."""

TREE_NS, TRANSFORM_NS = 2500.0, 80.0
"""About what a far query of the tree, and a voxel of the transform, take: chooses the method, never the answer."""

MANY = 2000
"""Queries of the tree from which it pays to spread them over the processor's cores."""


@dataclass(frozen=True)
class Shell:
    """Neighbours at one distance.

    Attributes:
        distance_mm: of each of them.
        steps: (n, D) voxels along each axis.
    """

    distance_mm: float
    steps: np.ndarray


@lru_cache(maxsize=64)
def shells(spacing_mm: tuple[float, ...]) -> tuple[Shell, ...]:
    """All neighbours up to some distance, the nearest first, without the voxel itself; at most :data:`MOST_NEIGHBOURS`.

    No neighbour nearer than the last shell is missing: what is found first is the nearest.
    """
    # The n-th neighbour along the finest axis is always among the n nearest; a cube of that reach holds them all.
    reach = [math.ceil(MOST_NEIGHBOURS ** (1 / len(spacing_mm)) * min(spacing_mm) / one) + 1 for one in spacing_mm]
    # Nothing beyond the cube is nearer than its faces.
    limit = min((steps + 1) * one for steps, one in zip(reach, spacing_mm, strict=True))
    found = []
    for steps in product(*(range(-one, one + 1) for one in reach)):
        distance = math.sqrt(sum((step * one) ** 2 for step, one in zip(steps, spacing_mm, strict=True)))
        if 0 < distance < limit * (1 - 1e-9):
            found.append((distance, steps))
    found.sort()
    kept: list[Shell] = []
    total = 0
    for _distance, group in groupby(found, key=lambda one: float(f"{one[0]:.9g}")):
        members = list(group)
        total += len(members)
        if total > MOST_NEIGHBOURS and kept:
            break
        kept.append(Shell(members[0][0], np.array([steps for _one, steps in members])))
    return tuple(kept)


class FlagGrid:
    """Flags of voxels with a margin as wide as the neighbours reach, looked at by flat index.

    Args:
        flags: (*B) uint8, several sets at once, a bit each.
        spacing_mm: distance of neighbouring voxels along each axis.
    """

    def __init__(self, flags: np.ndarray, spacing_mm: Sequence[float]) -> None:
        self.spacing_mm = tuple(spacing_mm)
        self.shells = shells(self.spacing_mm)
        margin = np.max([np.abs(shell.steps).max(axis=0) for shell in self.shells], axis=0)
        self.flags = np.zeros(np.array(flags.shape) + 2 * margin, dtype=np.uint8)
        self.flags[tuple(slice(m, m + n) for m, n in zip(margin, flags.shape, strict=True))] = flags
        self.flat = self.flags.ravel()
        self.places = np.flatnonzero(self.flat)
        self.values = self.flat[self.places]
        self.strides = np.array([math.prod(self.flags.shape[axis + 1 :]) for axis in range(flags.ndim)])

    def members(self, bit: np.uint8) -> np.ndarray:
        """(n,) flat places of the voxels that have a flag."""
        return np.asarray(self.places[(self.values & bit) != 0])

    def distances(self, places: np.ndarray, bit: np.uint8) -> np.ndarray:
        """(n,) mm from each of the (n,) places to the nearest voxel that has a flag; one must have it."""
        found = np.zeros(len(places))
        left = np.flatnonzero((self.flat[places] & bit) == 0)
        where = places[left]
        for shell in self.shells:
            if not len(left):
                return found
            seen = np.zeros(len(left), dtype=np.uint8)
            for step in shell.steps @ self.strides:
                seen |= self.flat.take(where + step)
            hit = (seen & bit) != 0
            found[left[hit]] = shell.distance_mm
            left, where = left[~hit], where[~hit]
        if len(left):
            found[left] = self._far(where, bit)
        return found

    def _far(self, places: np.ndarray, bit: np.uint8) -> np.ndarray:
        if len(places) * TREE_NS > self.flat.size * TRANSFORM_NS:
            nearest = distance_transform_edt(
                (self.flags & bit) == 0, sampling=self.spacing_mm, return_distances=False, return_indices=True
            )
            steps = nearest.reshape(len(self.spacing_mm), -1)[:, places] - np.stack(
                np.unravel_index(places, self.flags.shape)
            )
            return np.asarray(np.sqrt((np.square(steps * np.array(self.spacing_mm)[:, None])).sum(axis=0)))
        tree = cKDTree(self._points(self.members(bit)), balanced_tree=False, compact_nodes=False)
        return np.asarray(tree.query(self._points(places), workers=-1 if len(places) > MANY else 1)[0])

    def _points(self, places: np.ndarray) -> np.ndarray:
        return np.asarray(np.stack(np.unravel_index(places, self.flags.shape), axis=1) * np.array(self.spacing_mm))
