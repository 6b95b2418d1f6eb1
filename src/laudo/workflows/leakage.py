"""What leakage was worth: the same procedure, cross-validated once with copies spread at random and once with groups kept whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import say
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.intervals import paired_difference
from laudo.split.grouped import fold_numbers, split_fold
from laudo.train.loop import Deadline
from laudo.workflows.calibrated import calibrated
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.judge import predict_part, threshold_of

METRICS = ("accuracy", "auc_roc")


def leakage_worth(
    run: Run, learner: ClassifierLearner, split: Manifest, quoted: Predictions, deadline: Deadline
) -> dict[str, Any] | None:
    """Cross-validate under both splits and compare, image by image.

    Args:
        run: its checkpoints folder holds the inner trainings, so that a kill does not lose them.
        learner: the recipe's procedure.
        split: the manifest with the parts that the recipe itself used.
        quoted: predictions of the part that the recipe quotes.
        deadline: of ``--max-minutes``.

    Returns:
        ``leakage`` of metrics.json; None when time ran out before it was done.
    """
    say(_("Measuring what leakage is worth: cross-validation with and without copies in both parts"))
    pooled = {}
    for by in ("sample", "group"):
        predictions = cross_validated(run, learner, split, by, deadline)
        if predictions is None:
            return None
        pooled[by] = predictions
    recipe = learner.recipe
    scores = {
        by: evaluate(predictions, recipe.evaluation.bootstrap, recipe.split.seed)["metrics"]
        for by, predictions in pooled.items()
    }
    return {
        "folds": recipe.split.folds,
        "images": len(split),
        "with_copy": int(split.table["group"].duplicated(keep=False).sum()),
        "random": {name: scores["sample"][name] for name in METRICS},
        "grouped": {name: scores["group"][name] for name in METRICS},
        "difference": paired_difference(
            pooled["sample"], pooled["group"], METRICS, recipe.evaluation.bootstrap, recipe.split.seed
        ),
        "split": _in_the_quoted_part(split, quoted, recipe.evaluation.headline),
    }


def cross_validated(
    run: Run, learner: ClassifierLearner, manifest: Manifest, by: str, deadline: Deadline
) -> Predictions | None:
    """Pooled out-of-fold predictions of the recipe's procedure under a split by ``group`` or ``sample``."""
    split = learner.recipe.split.model_copy(update={"by": by})
    numbered = manifest.with_columns(fold=fold_numbers(manifest, split.folds, split, split.seed))
    parts = []
    for fold in range(1, split.folds + 1):
        divided = learner.parts(split_fold(numbered, fold, split, learner.recipe.data.rare == "keep"))
        one = learner.for_split(divided)
        fitted = one.train(Run(run.checkpoints / "leakage" / f"{by}-{fold}"), divided, deadline)
        if fitted.reason == "max_minutes":
            return None
        answering = calibrated(one, divided)
        parts.append(predict_part(answering, divided, "test", threshold_of(answering, divided)[0]))
    return Predictions.concatenate(parts)


def _in_the_quoted_part(split: Manifest, quoted: Predictions, part: str) -> dict[str, Any]:
    """How the quoted images with a copy in training fared, and those without."""
    trained = set(split.part("train").table["group"])
    leaked = np.array([group in trained for group in quoted.groups])
    right = quoted.right
    return {
        "part": part,
        "n": len(quoted),
        "with_copy_in_training": int(leaked.sum()),
        "accuracy_with_copy": float(right[leaked].mean()) if leaked.any() else None,
        "accuracy_without_copy": float(right[~leaked].mean()) if (~leaked).any() else None,
    }
