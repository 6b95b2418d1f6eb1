"""Judge a trained learner on its split: threshold from validation, predictions and metrics of every part."""

from __future__ import annotations

from typing import Any

from laudo.core.manifest import PARTS, Manifest
from laudo.core.predictions import Predictions, Threshold
from laudo.core.recipe import Recipe, WantedRate
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.threshold import HALF, choose_threshold, choose_thresholds, common_rule
from laudo.train.fit import Fitted
from laudo.workflows.answering import Answering
from laudo.workflows.calibrated import RAW, Calibrated, before_and_after, calibrated
from laudo.workflows.classifier_learner import ClassifierLearner
from laudo.workflows.network_learner import NetworkLearner
from laudo.workflows.score_part import score_classes


def threshold_of(learner: Answering, manifest: Manifest) -> tuple[Threshold, str]:
    """Threshold of the positive class, or of each label, and the rule it came from; None with more than two classes."""
    if manifest.multilabel:
        return _thresholds_of_labels(learner, manifest)
    if len(manifest.classes) != 2:
        return None, "largest"
    if learner.recipe.evaluation.threshold == "half":
        return 0.5, "half"
    rows, probabilities = learner.validation(manifest)
    chosen = choose_threshold(probabilities[:, 1], manifest.labels[rows], wanted_rate(learner.recipe))
    return chosen.value, chosen.rule


def wanted_rate(recipe: Recipe) -> WantedRate | None:
    """The rate that the threshold is to reach; None where the recipe wants none."""
    asked = recipe.evaluation.threshold
    return asked if isinstance(asked, WantedRate) else None


def _thresholds_of_labels(learner: Answering, manifest: Manifest) -> tuple[tuple[float, ...], str]:
    if learner.recipe.evaluation.threshold == "half":
        return (HALF,) * len(manifest.classes), "half"
    rows, probabilities = learner.validation(manifest)
    chosen = choose_thresholds(probabilities, manifest.targets[rows], wanted_rate(learner.recipe))
    return tuple(one.value for one in chosen), common_rule(chosen)


def predict_part(learner: Answering, manifest: Manifest, part: str, threshold: Threshold) -> Predictions:
    """Predictions of one part; of the validation part, by networks that have not seen the image."""
    rows = manifest.indices(part)
    rows, probabilities = learner.validation(manifest) if part == "val" else (rows, learner.predict(rows))
    return Predictions.build(manifest.table.iloc[rows], probabilities, manifest.classes, threshold, manifest.separator)


def judge(run: Run, learner: Answering, manifest: Manifest, threshold: Threshold) -> dict[str, Any]:
    """Predict and score every part that has samples; writes the predictions, and those before calibration."""
    recipe = learner.recipe
    metrics: dict[str, Any] = {}
    for part in PARTS:
        if part != "val" and not (manifest.table["split"] == part).any():
            continue
        plain = learner.plain if isinstance(learner, Calibrated) else learner
        raw = predict_part(plain, manifest, part, threshold)
        predictions = learner.scaled(raw, threshold, manifest) if isinstance(learner, Calibrated) else raw
        predictions.save(run.predictions_path(part))
        metrics[part] = score_classes(predictions, recipe, manifest)
        if isinstance(learner, Calibrated):
            raw.save(run.predictions_path(f"{part}-{RAW}"))
            worth = before_and_after(raw, predictions, recipe.evaluation.bootstrap, recipe.split.seed)
            metrics[part]["calibration"] |= {**worth, "temperatures": [learner.temperature.as_dict()]}
    return metrics


def milestones(
    run: Run, learner: ClassifierLearner, manifest: Manifest, fitted: Fitted, recipe: Recipe
) -> list[dict[str, Any]]:
    """Validation figures after each epoch that the recipe names; the kept weights are put back."""
    found: list[dict[str, Any]] = []
    if not isinstance(learner, NetworkLearner):
        return found
    part = "val"  # never the test part: it is looked at once
    # an epoch without a validation loss is one in which the training diverged
    judged = {line["epoch"] for line in fitted.epochs if line["val_loss"] is not None}
    for epoch in recipe.training.report_at_epochs:
        if epoch in judged:
            learner.load_epoch(run, epoch)
            answering = calibrated(learner, manifest)
            threshold, _rule = threshold_of(answering, manifest)
            predictions = predict_part(answering, manifest, part, threshold)
            scores = evaluate(predictions, recipe.evaluation.bootstrap, recipe.split.seed)
            found.append({"epoch": epoch, "part": part, "n": scores["n"], "metrics": scores["metrics"]})
    if found:
        learner.load_epoch(run, fitted.kept_epoch)
    return found
