"""Several answers to one question made one: a logarithmic opinion pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from laudo.networks.classical import softmax

LEAST = 1e-4
"""Smallest probability that counts: one side that has never seen a class does not rule it out for all."""


def pooled(answers: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """(n, K) float64 probabilities: the product of all answers, each to the power of its weight, brought to a sum of one.

    Genest C, Zidek J V. Combining probability distributions: a critique and an annotated bibliography. Stat. Sci. 1, 1986.

    Args:
        answers: (n, K) probabilities of each side.
        weights: one a side, none negative; they need not add up to one: more than that makes the answer surer.
    """
    logarithms = [weight * np.log(np.maximum(one, LEAST)) for one, weight in zip(answers, weights, strict=True)]
    return softmax(np.sum(logarithms, axis=0))
