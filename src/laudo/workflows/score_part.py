"""Everything that metrics.json says of one part of a run, as the recipe asks."""

from __future__ import annotations

from typing import Any

from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe, WantedRate
from laudo.evaluate.cases import Cases
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.mask_subgroups import JudgedMasks
from laudo.evaluate.operating_point import operating_point
from laudo.evaluate.segmentation import evaluate_masks
from laudo.evaluate.subgroups import JudgedCases, subgroup_table
from laudo.workflows.subgroup_columns import subgroup_columns


def score_classes(predictions: Predictions, recipe: Recipe, manifest: Manifest) -> dict[str, Any]:
    """What :func:`laudo.evaluate.evaluate.evaluate` gives, with ``operating_point`` and ``subgroups`` where there are any.

    Args:
        predictions: of the part.
        recipe: of the run.
        manifest: whose columns make the subgroups.
    """
    bootstrap, seed, wanted = recipe.evaluation.bootstrap, recipe.split.seed, recipe.evaluation.threshold
    result = evaluate(predictions, bootstrap, seed)
    if isinstance(wanted, WantedRate):
        result["operating_point"] = operating_point(result, wanted)
    kind = LabelCases if predictions.multilabel else Cases
    columns = subgroup_columns(recipe, manifest, predictions.table["sample"].tolist())
    found = subgroup_table(JudgedCases(kind.from_predictions(predictions)), columns, bootstrap, seed)
    return result if found is None else {**result, "subgroups": found}


def score_masks(scores: MaskScores, recipe: Recipe, manifest: Manifest) -> dict[str, Any]:
    """What :func:`laudo.evaluate.segmentation.evaluate_masks` gives, with ``subgroups`` where there are any.

    Args:
        scores: of the part.
        recipe: of the run.
        manifest: whose columns make the subgroups.
    """
    bootstrap, seed = recipe.evaluation.bootstrap, recipe.split.seed
    result = evaluate_masks(scores, bootstrap, seed)
    columns = subgroup_columns(recipe, manifest, scores.table["sample"].tolist())
    found = subgroup_table(JudgedMasks(scores), columns, bootstrap, seed)
    return result if found is None else {**result, "subgroups": found}
