"""Several tests at once: p values raised so that the whole family keeps its level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p values in the order given: the chance of one false claim or more among all is at most the level.

    The smallest is multiplied by the number of tests, the next by one less, and none falls below the one before it
    (Holm 1979, A simple sequentially rejective multiple test procedure). It asks for no independence of the tests.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(values[order] * factors))
    return [float(one) for one in adjusted]
