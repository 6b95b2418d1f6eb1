"""Every score of one predicted mask."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from laudo.core.mask_scores import MASK_METRICS, score_column
from laudo.evaluate.bit_planes import PLANES, bit_planes, check_values, predicted_bit, truth_bit
from laudo.evaluate.cropped import CroppedPair, crop_pair
from laudo.evaluate.lesions import lesion_metrics
from laudo.evaluate.overlap import Counts, overlap_metrics
from laudo.evaluate.surface import Surfaces, surface_metrics, without_surface


def score_masks(
    truth: np.ndarray,
    predicted: np.ndarray,
    structures: Mapping[str, tuple[int, ...]],
    spacing_mm: Sequence[float],
    tolerance_mm: float = 1.0,
) -> dict[str, float]:
    """Score the predicted mask of one case against the true one.

    Args:
        truth: (*S) label map with two or three axes, 0 is background.
        predicted: (*S) the same of the prediction, in the same geometry.
        structures: name → values in the label maps that belong to it; structures may overlap.
        spacing_mm: distance of neighbouring voxels along each axis.
        tolerance_mm: distance up to which surfaces agree.

    Returns:
        ``{"<metric>:<structure>": value}`` for each of :data:`laudo.core.mask_scores.MASK_METRICS`; NaN where undefined: see
        :mod:`laudo.evaluate.overlap` and :mod:`laudo.evaluate.surface` for the rules of empty masks.

    Raises:
        DataError: shapes disagree, a value belongs to no structure, or the spacing is none.
        ValueError: a structure is the background, or the tolerance is negative.
    """
    if any(0 in values or not values for values in structures.values()):
        raise ValueError("a structure needs values, and 0 is the background")
    if not (math.isfinite(tolerance_mm) and tolerance_mm >= 0):
        raise ValueError("the tolerance is a length")
    pair = crop_pair(truth, predicted, spacing_mm)
    check_values(pair, (value for values in structures.values() for value in values))
    found: dict[str, float] = {}
    names = list(structures)
    for start in range(0, len(names), PLANES):
        some = names[start : start + PLANES]
        planes = bit_planes(pair, [structures[name] for name in some])
        outlines = Surfaces(planes, pair.spacing_mm)
        for index, name in enumerate(some):
            scores = _score(pair, planes, outlines, index, tolerance_mm)
            found |= {score_column(metric, name): scores[metric] for metric in MASK_METRICS}
    return found


def _score(
    pair: CroppedPair, planes: np.ndarray, outlines: Surfaces, index: int, tolerance_mm: float
) -> dict[str, float]:
    truth, predicted = (planes & truth_bit(index)) != 0, (planes & predicted_bit(index)) != 0
    n_truth, n_predicted = int(np.count_nonzero(truth)), int(np.count_nonzero(predicted))
    both = int(np.count_nonzero(truth & predicted))
    counts = Counts(both, n_predicted - both, n_truth - both, pair.voxels - n_truth - n_predicted + both)
    if n_truth and n_predicted:
        surface = surface_metrics(outlines.distances(index), tolerance_mm)
    else:
        surface = without_surface(n_truth == n_predicted, pair.diagonal_mm)
    return {**overlap_metrics(counts, pair.voxel_mm3), **surface, **lesion_metrics(truth, predicted)}
