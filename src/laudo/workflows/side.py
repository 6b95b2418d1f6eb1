"""One side of an answer that image and text give together, judged as the whole is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe

SideName = Literal["image", "text", "masked"]
"""The image alone; the text alone; both, the words that name the class taken out of the text."""


@dataclass(frozen=True)
class Side:
    """See :class:`laudo.workflows.answering.Answering`.

    Attributes:
        recipe: of the whole.
        answer: rows → (m, K) probabilities.
        unseen: rows that this side was not trained on, and its (m, K) answers for them.
    """

    recipe: Recipe
    answer: Callable[[np.ndarray], np.ndarray]
    unseen: tuple[np.ndarray, np.ndarray]

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these samples."""
        return self.answer(indices)

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """Rows that may choose a threshold, and their probabilities."""
        return self.unseen
