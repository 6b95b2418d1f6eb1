"""What the image alone, the text alone, and both without the words that name the class are worth."""

from __future__ import annotations

from typing import Any

from laudo.core.manifest import PARTS, Manifest
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.intervals import paired_difference
from laudo.train.loop import Deadline
from laudo.workflows.calibrated import calibrated
from laudo.workflows.fused_learner import FusedLearner
from laudo.workflows.judge import predict_part, threshold_of

COMPARED = ("accuracy", "balanced_accuracy", "f1_macro")
"""Metrics in which the whole is compared with its sides, sample by sample."""
MOST_WORDS = 60
"""Words that metrics.json names."""


def judge_sides(run: Run, learner: FusedLearner, manifest: Manifest, deadline: Deadline) -> dict[str, Any] | None:
    """Predict and score every side as the whole is; writes the predictions, ``<part>-<side>``.

    Returns:
        ``sides`` of metrics.json: by part, the metrics of each side and the whole minus it; the words that were taken out, and how
        many texts of each part held one. None when time ran out.
    """
    sides = learner.sides(run, manifest, deadline)
    if sides is None:
        return None
    recipe = learner.recipe
    found: dict[str, Any] = {}
    for part in PARTS:
        if not run.has_predictions(part):
            continue
        whole = run.predictions(part)
        rows = manifest.table.index[manifest.table["sample"].isin(set(whole.table["sample"]))].to_numpy()
        named = learner.texts.changed_by_masking(rows)
        found[part] = {"n": len(whole), "texts_that_name_a_class": named, "of": {}}
        for name, one in sides.items():
            side = calibrated(one, manifest)
            predictions = predict_part(side, manifest, part, threshold_of(side, manifest)[0])
            predictions.save(run.predictions_path(f"{part}-{name}"))
            found[part]["of"][name] = _judged(whole, predictions, recipe)
    words = sorted(learner.texts.words)
    return {"parts": found, "words": words[:MOST_WORDS], "words_in_all": len(words)}


def pool_sides(root: Run, folds: list[Run], recipe: Recipe) -> dict[str, Any] | None:
    """``sides`` of a cross-validation: of all folds' predictions together. None when the folds have none."""
    per_fold = [fold.json("metrics").get("sides") for fold in folds]
    if not all(per_fold):
        return None
    tests = [one["parts"]["test"] for one in per_fold]
    whole = root.predictions("pooled")
    judged: dict[str, Any] = {}
    for name in tests[0]["of"]:
        predictions = Predictions.concatenate([fold.predictions(f"test-{name}") for fold in folds])
        predictions.save(root.predictions_path(f"pooled-{name}"))
        judged[name] = _judged(whole, predictions, recipe)
    named = sum(int(one["texts_that_name_a_class"]) for one in tests)
    part = {"n": len(whole), "texts_that_name_a_class": named, "of": judged}
    return {**per_fold[0], "parts": {"pooled": part}}


def _judged(whole: Predictions, side: Predictions, recipe: Recipe) -> dict[str, Any]:
    """Figures of a side, and the whole minus it."""
    bootstrap, seed = recipe.evaluation.bootstrap, recipe.split.seed
    scores = evaluate(side, bootstrap, seed)
    return {
        "n": scores["n"],
        "metrics": scores["metrics"],
        "whole_minus_this": paired_difference(whole, side, COMPARED, bootstrap, seed),
    }
