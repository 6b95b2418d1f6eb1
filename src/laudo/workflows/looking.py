"""How a network that was trained looks at the images of its data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Looking:
    """One network.

    Attributes:
        look: rows of the manifest → (m, D) float32 features of these images.
        trained: (n,) rows that it was trained on.
        unseen: (v,) rows that it was not trained on, which may choose and compare.
        measured: the features are descriptors, and no network's.
    """

    look: Callable[[np.ndarray], np.ndarray]
    trained: np.ndarray
    unseen: np.ndarray
    measured: bool = False
