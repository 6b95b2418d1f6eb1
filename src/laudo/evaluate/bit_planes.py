"""Several structures in one array: a bit for each in the truth, another in the prediction, so that one pass serves all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.evaluate.cropped import CroppedPair

PLANES = 4
"""Structures in one array: two bits each in a byte."""


def truth_bit(index: int) -> np.uint8:
    """Bit of a structure in the truth."""
    return np.uint8(1 << index)


def predicted_bit(index: int) -> np.uint8:
    """Bit of a structure in the prediction."""
    return np.uint8(1 << (PLANES + index))


def bit_planes(pair: CroppedPair, structures: Sequence[tuple[int, ...]]) -> np.ndarray:
    """(*B) uint8: which of the structures each voxel belongs to, in the truth and in the prediction.

    Args:
        pair: label maps.
        structures: at most :data:`PLANES`, each the values in the label maps that belong to it.
    """
    planes = np.zeros(pair.truth.shape, dtype=np.uint8)
    for label_map, bit in ((pair.truth, truth_bit), (pair.predicted, predicted_bit)):
        for value in sorted({value for values in structures for value in values}):
            bits = sum(int(bit(index)) for index, values in enumerate(structures) if value in values)
            planes |= (label_map == value).view(np.uint8) * np.uint8(bits)
    return planes


def check_values(pair: CroppedPair, known: Iterable[int]) -> None:
    """Refuse voxels that belong to no structure: they would silently count as background.

    Raises:
        DataError: a label map holds a value that is neither 0 nor known.
    """
    values = sorted(set(known))
    for label_map in (pair.truth, pair.predicted):
        strange = label_map != 0
        for value in values:
            strange &= label_map != value
        if strange.any():
            raise DataError(
                _("A mask holds values that belong to no structure."),
                expected=", ".join(map(str, [0, *values])),
                found=", ".join(f"{value:g}" for value in np.unique(label_map[strange])[:8]),
            )
