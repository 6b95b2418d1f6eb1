"""How far apart the surfaces of two masks run, in millimetres.

The surface is the voxels of a mask that have a neighbour by a face (in 2D, by an edge) outside it; outside the image there is
nothing, so a mask has a surface where it touches the border. Distances are between centres of voxels. These are the
conventions of MONAI, against which the tests compare; ``docs/decisions`` says why, and what other tools do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from laudo.evaluate.bit_planes import predicted_bit, truth_bit
from laudo.evaluate.nearest import FlagGrid

PERCENT = 95

ROUNDING = 1e-6
"""Relative: a distance of three voxels of 0.1 mm is within a tolerance of 0.3 mm, although binary numbers say otherwise."""


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances between two surfaces, worked out once for every metric.

    Attributes:
        to_truth: (n,) mm from each surface voxel of the prediction to the nearest of the truth.
        to_predicted: (m,) mm the other way round.
    """

    to_truth: np.ndarray
    to_predicted: np.ndarray

    @property
    def hd95_mm(self) -> float:
        """95th percentile of the distances, the larger of both directions (Hausdorff distance without outliers)."""
        return float(max(np.percentile(self.to_truth, PERCENT), np.percentile(self.to_predicted, PERCENT)))

    @property
    def assd_mm(self) -> float:
        """Average symmetric surface distance: the mean over the voxels of both surfaces together."""
        voxels = len(self.to_truth) + len(self.to_predicted)
        return float((self.to_truth.sum() + self.to_predicted.sum()) / voxels)

    def nsd(self, tolerance_mm: float) -> float:
        """Normalised surface Dice (Nikolov et al. 2021): share of both surfaces within the tolerance of the other."""
        within = sum(
            np.count_nonzero(side <= tolerance_mm * (1 + ROUNDING)) for side in (self.to_truth, self.to_predicted)
        )
        return float(within / (len(self.to_truth) + len(self.to_predicted)))


def surfaces(planes: np.ndarray) -> np.ndarray:
    """(*B) uint8: each bit of the (*B) planes where it lies on the surface of its mask."""
    padded = np.pad(planes, 1)
    core = tuple(slice(1, -1) for _axis in range(planes.ndim))
    inside = planes.copy()
    for axis in range(planes.ndim):
        for side in (slice(None, -2), slice(2, None)):
            inside &= padded[(*core[:axis], side, *core[axis + 1 :])]
    return np.asarray(planes & ~inside)


class Surfaces:
    """Surfaces of the structures in (*B) planes, as :func:`laudo.evaluate.bit_planes.bit_planes` gives them."""

    def __init__(self, planes: np.ndarray, spacing_mm: tuple[float, ...]) -> None:
        self._grid = FlagGrid(surfaces(planes), spacing_mm)

    def distances(self, index: int) -> SurfaceDistances:
        """Of one structure, which is marked both in the truth and in the prediction."""
        truth, predicted = truth_bit(index), predicted_bit(index)
        grid = self._grid
        return SurfaceDistances(
            grid.distances(grid.members(predicted), truth), grid.distances(grid.members(truth), predicted)
        )


def surface_metrics(distances: SurfaceDistances, tolerance_mm: float) -> dict[str, float]:
    """``hd95_mm, assd_mm, nsd`` of a structure that is marked in both masks."""
    return {"hd95_mm": distances.hd95_mm, "assd_mm": distances.assd_mm, "nsd": distances.nsd(tolerance_mm)}


def without_surface(both_empty: bool, diagonal_mm: float) -> dict[str, float]:
    """The same where a mask is empty.

    Marked in neither, the structure has no surfaces to compare: NaN. Missed or invented, it has the worst that the image
    allows: its diagonal (as in the BraTS challenges, 373.13 mm there) and no surface within tolerance.
    """
    if both_empty:
        return {"hd95_mm": math.nan, "assd_mm": math.nan, "nsd": math.nan}
    return {"hd95_mm": diagonal_mm, "assd_mm": diagonal_mm, "nsd": 0.0}
