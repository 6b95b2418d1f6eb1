"""What can be judged: a learner, or one side of it."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe


class Answering(Protocol):
    """Answers for any sample of its data set."""

    @property
    def recipe(self) -> Recipe:
        """Says how it is judged."""

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these samples."""

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """Rows that may choose a threshold, and their probabilities."""
