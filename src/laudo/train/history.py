"""The epochs so far, and every decision that follows from them: pure functions, so that a resumed training decides the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from laudo.core.recipe import Training

Epochs = Sequence[dict[str, Any]]
"""Lines of log.jsonl; within a training of several phases, of one phase where that is said."""
Watch = Literal["loss", "accuracy", "balanced_accuracy", "auc_roc", "dice"]


def best_epoch(epochs: Epochs, watch: Watch = "loss") -> int:
    """Number of the best epoch on validation: of equals the one with the lower loss, then the earlier; 0 when there is none.

    A figure that is not defined, as the area under the curve of a single class, is lower than any other.
    """
    if not epochs:
        return 0

    def rank(line: dict[str, Any]) -> tuple[float, float, int]:
        figure = None if watch == "loss" else line[f"val_{watch}"]
        gained = -math.inf if figure is None or math.isnan(figure) else figure
        loss = math.inf if line["val_loss"] is None else line["val_loss"]
        return -gained, loss, line["epoch"]

    return int(min(epochs, key=rank)["epoch"])


def should_stop(epochs: Epochs, patience: int | None, watch: Watch = "loss") -> bool:
    """Early stopping: ``patience`` epochs have passed since the best one."""
    return patience is not None and bool(epochs) and int(epochs[-1]["epoch"]) - best_epoch(epochs, watch) >= patience


def rate_factor(epochs: Epochs, training: Training) -> float:
    """Factor of the learning rate in the epoch that follows ``epochs`` of the same phase; warming up comes on top.

    ``cosine`` and ``poly`` (Chen et al. 2017) fall from 1 to 0 over all epochs after the warming up; ``plateau`` halves after
    ``plateau_patience`` epochs without a lower loss, and then counts anew; epochs of the warming up do not count.
    """
    done = max(0, len(epochs) - training.warmup_epochs)
    if training.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done / max(1, training.epochs - training.warmup_epochs)))
    if training.schedule == "poly":
        return math.pow(1 - min(1.0, done / max(1, training.epochs - training.warmup_epochs)), 0.9)
    if training.schedule == "constant":
        return 1.0
    factor, lowest, waited = 1.0, math.inf, 0
    for line in epochs[training.warmup_epochs :]:
        if line["val_loss"] is not None and line["val_loss"] < lowest - 1e-4:
            lowest, waited = line["val_loss"], 0
        else:
            waited += 1
        if waited > training.plateau_patience:
            factor, waited = factor * 0.5, 0
    return factor


def warmup_factor(done: float, training: Training) -> float:
    """Factor of the learning rate after ``done`` epochs of the phase, this step counted: it rises in a line, step by step."""
    return min(1.0, done / training.warmup_epochs) if training.warmup_epochs else 1.0
