"""How well two masks of one structure overlap, from four counts of voxels.

What is undefined is NaN. A structure that is marked in neither mask has no overlap to speak of: Dice, IoU, precision and
volume error are NaN, and whoever averages leaves the case out and counts it. A structure that was missed altogether has the
worst of each, precision included, so that missing never pays. Sensitivity needs a truth and nothing else: where there is none
it is NaN whatever was predicted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Voxels of a structure: in both masks, in the prediction alone, in the truth alone, in neither."""

    both: int
    predicted_alone: int
    truth_alone: int
    neither: int

    @property
    def truth(self) -> int:
        """Voxels in the truth."""
        return self.both + self.truth_alone

    @property
    def predicted(self) -> int:
        """Voxels in the prediction."""
        return self.both + self.predicted_alone


def overlap_metrics(counts: Counts, voxel_mm3: float) -> dict[str, float]:
    """Overlap and volume of one structure in one case.

    Args:
        counts: its voxels.
        voxel_mm3: volume of a voxel.

    Returns:
        ``dice, iou, sensitivity, specificity, precision, accuracy`` (0 … 1), ``volume_mm3, true_volume_mm3``, and
        ``volume_error``: predicted minus true volume over the mean of both, from -2 (missed) to 2 (invented). Over the mean
        (Bland and Altman 1999), because over the truth it has no value, hence no penalty, where there is no truth.
    """
    truth, predicted = counts.truth, counts.predicted
    everything = truth + counts.predicted_alone + counts.neither
    something = truth + predicted > 0
    return {
        "dice": _ratio(2 * counts.both, truth + predicted),
        "iou": _ratio(counts.both, truth + counts.predicted_alone),
        "sensitivity": _ratio(counts.both, truth),
        "specificity": _ratio(counts.neither, everything - truth),
        "precision": _ratio(counts.both, predicted) if predicted or not something else 0.0,
        "accuracy": _ratio(counts.both + counts.neither, everything),
        "volume_mm3": predicted * voxel_mm3,
        "true_volume_mm3": truth * voxel_mm3,
        "volume_error": _ratio(2 * (predicted - truth), truth + predicted),
    }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
