"""Judge a trained learner on its split: threshold from validation, predictions and metrics of every part."""

from __future__ import annotations

from typing import Any

from laudo.core.manifest import PARTS, Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.threshold import choose_threshold
from laudo.train.fit import Fitted
from laudo.workflows.learner import Learner


def threshold_of(learner: Learner, manifest: Manifest) -> tuple[float | None, str]:
    """Threshold of the positive class and the rule it came from; None with more than two classes."""
    if len(manifest.classes) != 2:
        return None, "largest"
    if learner.recipe.evaluation.threshold == "half":
        return 0.5, "half"
    rows = manifest.indices("val")
    chosen = choose_threshold(learner.predict(rows)[:, 1], manifest.labels[rows])
    return chosen.value, chosen.rule


def predict_part(learner: Learner, manifest: Manifest, part: str, threshold: float | None) -> Predictions:
    """Predictions of one part."""
    rows = manifest.indices(part)
    return Predictions.build(manifest.table.iloc[rows], learner.predict(rows), manifest.classes, threshold)


def judge(run: Run, learner: Learner, manifest: Manifest, threshold: float | None) -> dict[str, Any]:
    """Predict and score every part that has samples; writes the predictions."""
    metrics: dict[str, Any] = {}
    for part in PARTS:
        if (manifest.table["split"] == part).any():
            predictions = predict_part(learner, manifest, part, threshold)
            predictions.save(run.predictions_path(part))
            metrics[part] = evaluate(predictions, learner.recipe.evaluation.bootstrap, learner.recipe.split.seed)
    return metrics


def milestones(run: Run, learner: Learner, manifest: Manifest, fitted: Fitted, recipe: Recipe) -> list[dict[str, Any]]:
    """Validation figures after each epoch that the recipe names; the kept weights are put back."""
    found = []
    part = "val"  # never the test part: it is looked at once
    for epoch in recipe.training.report_at_epochs:
        if epoch <= len(fitted.epochs):
            learner.load_epoch(run, epoch)
            threshold, _rule = threshold_of(learner, manifest)
            predictions = predict_part(learner, manifest, part, threshold)
            scores = evaluate(predictions, recipe.evaluation.bootstrap, recipe.split.seed)
            found.append({"epoch": epoch, "part": part, "n": scores["n"], "metrics": scores["metrics"]})
    if found:
        learner.load_epoch(run, fitted.kept_epoch)
    return found
