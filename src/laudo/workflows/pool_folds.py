"""The result of a cross-validation: all out-of-fold predictions together, and the spread over folds."""

from __future__ import annotations

from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate, pool


def pool_folds(root: Run, recipe: Recipe) -> None:
    """Write ``predictions/pooled`` and ``metrics.json`` of a cross-validation whose folds are finished."""
    folds = root.folds()
    pooled = Predictions.concatenate([fold.predictions("test") for fold in folds])
    pooled.save(root.predictions_path("pooled"))
    per_fold = [fold.json("metrics")["test"] for fold in folds]
    root.write_json(
        "metrics",
        {"pooled": evaluate(pooled, recipe.evaluation.bootstrap, recipe.split.seed), "folds": pool(per_fold)},
    )
    seconds = sum(fold.state().get("seconds", 0.0) for fold in folds)
    root.set_state("finished", reason="all_epochs", folds=len(folds), seconds=round(seconds, 1))
