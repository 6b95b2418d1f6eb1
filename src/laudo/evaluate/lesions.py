"""Lesion by lesion: which of the true ones were found, and which of the predicted ones are false.

A lesion is a connected component; voxels that touch by a corner belong together. A true lesion is found when at least a tenth
of it was predicted; a predicted one is false when less than a tenth of it lies on the truth (the overlap over the reference of
Maier-Hein et al. 2024, both ways round). So a grazing voxel finds nothing, a blob over the whole organ finds lesions but is
false itself, and lesions that run together, or fall apart, in the prediction are still found.
"""

from __future__ import annotations

import numpy as np

from laudo.evaluate.components import Components

ONE_IN = 10
"""A tenth: the share of a lesion that has to be covered."""


def lesion_metrics(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Count lesions.

    Args:
        truth: (*B) bool.
        predicted: (*B) bool.

    Returns:
        ``lesions`` of the truth, ``lesions_found`` of them, ``lesions_false`` of the predicted.
    """
    truth, predicted = np.pad(truth, 1), np.pad(predicted, 1)
    both = truth & predicted
    lesions, found = _covered(truth, both)
    others, right = _covered(predicted, both)
    return {"lesions": float(lesions), "lesions_found": float(found), "lesions_false": float(others - right)}


def _covered(mask: np.ndarray, both: np.ndarray) -> tuple[int, int]:
    """Components of the mask, and how many of them are covered by at least a tenth."""
    components = Components.of(mask)
    return components.count, int(np.count_nonzero(components.covered_by(both) * ONE_IN >= components.sizes()))
