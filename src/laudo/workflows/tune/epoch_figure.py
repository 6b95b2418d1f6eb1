"""The figure of an epoch by which trials are compared before their end."""

from __future__ import annotations

from typing import Any

from laudo.core.recipe import Recipe
from laudo.core.recipe_tune import LOWER_IS_BETTER, MASK_METRICS

OF_LOSS = ("training.loss", "training.focal_alpha", "training.focal_gamma", "training.phases")
"""Keys that change what the loss is: then its values say nothing about each other."""
NAMES = {"accuracy": "val_accuracy", "auc_roc": "val_auc_roc", "auc_pr": "val_auc_roc"}


def epoch_figure(line: dict[str, Any], recipe: Recipe, metric: str) -> float | None:
    """What stands in a line of the log for the metric, turned so that it is better in the same direction; None: nothing does.

    Args:
        line: of log.jsonl.
        recipe: with the ranges of the search.
        metric: of the search.
    """
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    if metric in MASK_METRICS:
        name = "val_dice"
    elif metric in ("log_loss", "brier"):
        if recipe.training.loss == "cross_entropy" and not set(OF_LOSS) & set(recipe.tune.ranges):
            name, sign = "val_loss", 1.0
        else:
            name = "val_auc_roc"
    else:
        name = NAMES.get(metric, "val_balanced_accuracy")
    value = line.get(name)
    return None if value is None else sign * float(value)
