"""How much each of several answers counts, chosen where none of them was trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from laudo.networks.pooled import LEAST, pooled

MOST = 4.0
"""Largest weight: with few samples that are all answered right, it would grow without end."""


def pool_weights(answers: Sequence[np.ndarray], targets: np.ndarray) -> tuple[float, ...]:
    """Weights of :func:`laudo.networks.pooled.pooled` with the lowest mean log-loss on these samples.

    The loss is convex in the weights, so there is one lowest value, whatever the start.

    Args:
        answers: (n, K) probabilities of each side, of samples that no side was trained on.
        targets: (n,) true classes.

    Raises:
        ValueError: there is no sample.
    """
    from scipy.optimize import minimize

    if not len(targets):
        raise ValueError("weights are chosen on samples")
    logarithms = np.stack([np.log(np.maximum(one, LEAST)) for one in answers])
    chosen = np.arange(len(targets)), targets
    own = np.stack([one[chosen] for one in logarithms])

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        shares = pooled(answers, [float(weight) for weight in weights])
        expected = (logarithms * shares).sum(axis=2)
        value = -np.log(np.maximum(shares[chosen], np.finfo(float).tiny)).mean()
        return float(value), (expected - own).mean(axis=1)

    start = np.full(len(answers), 1.0 / len(answers))
    found = minimize(loss, start, jac=True, bounds=[(0.0, MOST)] * len(answers), method="L-BFGS-B")
    return tuple(float(weight) for weight in found.x)
