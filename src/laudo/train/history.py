"""The epochs so far, and every decision that follows from them: pure functions, so that a resumed training decides the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from laudo.core.recipe import Training

Epochs = Sequence[dict[str, Any]]
"""Lines of log.jsonl."""


def best_epoch(epochs: Epochs) -> int:
    """Number of the epoch with the lowest validation loss, the earliest of equals; 0 when there is none."""
    if not epochs:
        return 0
    return int(min(epochs, key=lambda line: (line["val_loss"], line["epoch"]))["epoch"])


def should_stop(epochs: Epochs, patience: int | None) -> bool:
    """Early stopping: ``patience`` epochs have passed since the best one."""
    return patience is not None and bool(epochs) and int(epochs[-1]["epoch"]) - best_epoch(epochs) >= patience


def rate_factor(epochs: Epochs, training: Training) -> float:
    """Factor of the learning rate in the epoch that follows ``epochs``.

    ``cosine`` falls from 1 to 0 over all epochs; ``plateau`` halves after ``plateau_patience`` epochs without a lower loss,
    and then counts anew.
    """
    if training.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * len(epochs) / training.epochs))
    if training.schedule == "constant":
        return 1.0
    factor, lowest, waited = 1.0, math.inf, 0
    for line in epochs:
        if line["val_loss"] < lowest - 1e-4:
            lowest, waited = line["val_loss"], 0
        else:
            waited += 1
        if waited > training.plateau_patience:
            factor, waited = factor * 0.5, 0
    return factor
