"""The result of a cross-validation: all out-of-fold predictions together, and the spread over folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laudo.core.mask_scores import MaskScores
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.evaluate import pool
from laudo.workflows.calibrated import RAW, before_and_after
from laudo.workflows.judge_sides import pool_sides
from laudo.workflows.ood import pooled_ood
from laudo.workflows.score_part import score_classes, score_masks


def pool_folds(root: Run, recipe: Recipe) -> None:
    """Write ``predictions/pooled`` and ``metrics.json`` of a cross-validation whose folds are finished."""
    folds = root.folds()
    per_fold = [fold.json("metrics")["test"] for fold in folds]
    if recipe.outlines:
        scores = MaskScores.concatenate([_placed(fold) for fold in folds])
        scores.save(root.predictions_path("pooled"))
        result = score_masks(scores, recipe, root.manifest())
    else:
        predictions = Predictions.concatenate([fold.predictions("test") for fold in folds])
        predictions.save(root.predictions_path("pooled"))
        result = score_classes(predictions, recipe, root.manifest())
        if recipe.evaluation.calibration != "none":
            result["calibration"] |= _calibration(root, folds, predictions, recipe)
    more = {
        "sides": None if recipe.network.text is None else pool_sides(root, folds, recipe),
        "ood": pooled_ood(root, folds, recipe),
    }
    found = {name: one for name, one in more.items() if one is not None}
    root.write_json("metrics", {"pooled": result, "folds": pool(per_fold), **found})
    if recipe.split.repeats == 1:  # else it is finished when the last repeat is
        root.set_state("finished", reason="all_epochs", folds=len(folds), seconds=_seconds([root]))


def _calibration(root: Run, folds: list[Run], after: Predictions, recipe: Recipe) -> dict[str, Any]:
    """What the folds' temperatures, each found on its own validation part, have done to the pooled probabilities."""
    before = Predictions.concatenate([fold.predictions(f"test-{RAW}") for fold in folds])
    before.save(root.predictions_path(f"pooled-{RAW}"))
    worth = before_and_after(before, after, recipe.evaluation.bootstrap, recipe.split.seed)
    return {**worth, "temperatures": [fold.json("model")["calibration"] for fold in folds]}


def _placed(fold: Run) -> MaskScores:
    """A fold's scores, with the paths of its masks as seen from the whole run."""
    scores = fold.mask_scores("test")
    masks = [f"{fold.folder.name}/{path}" if path else "" for path in scores.table["mask"].astype(str)]
    return MaskScores(scores.table.assign(mask=masks), scores.structures)


def spread_over_repeats(root: Run, repeats: Sequence[Run]) -> None:
    """Add ``repeats`` to the root's metrics.json: each metric of the pooled predictions, repeat by repeat, with mean and spread.

    Args:
        root: of the whole; it is the first repeat too.
        repeats: cross-validations that are finished, the root first.
    """
    pooled = [one.json("metrics")["pooled"] for one in repeats]
    seeds = [one.manifest().seed for one in repeats]
    root.write_json("metrics", {**root.json("metrics"), "repeats": {"n": len(repeats), "seeds": seeds, **pool(pooled)}})
    folds = sum(len(one.folds()) for one in repeats)
    root.set_state("finished", reason="all_epochs", folds=folds, repeats=len(repeats), seconds=_seconds(repeats))


def _seconds(roots: Sequence[Run]) -> float:
    return round(sum(float(fold.state().get("seconds", 0.0)) for root in roots for fold in root.folds()), 1)
