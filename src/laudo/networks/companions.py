"""Classical classifiers that answer beside networks: late fusion, each side with half of the say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from laudo.networks.classical import ClassicalClassifier


def join_answers(
    network: np.ndarray, companions: Sequence[ClassicalClassifier], descriptors: np.ndarray | None
) -> np.ndarray:
    """(B, K) mean of the network's probabilities and the companions' mean; the network's alone when there are none.

    Args:
        network: (B, K) float64 probabilities of a network, or of several.
        companions: fitted on descriptors alone.
        descriptors: (B, D) float32; None without companions.
    """
    if not companions:
        return network
    assert descriptors is not None, "a companion has learned from descriptors"
    beside = np.mean([companion.probabilities(descriptors) for companion in companions], axis=0)
    joined: np.ndarray = (network + beside) / 2
    return joined
