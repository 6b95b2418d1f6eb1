"""How optimistic the best figure of a search is, from the predictions that its trials have left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from laudo.core.errors import LaudoError
from laudo.core.mask_scores import MaskScores
from laudo.core.recipe_tune import MASK_METRICS
from laudo.core.run import Run
from laudo.evaluate.cases import Cases, group_codes
from laudo.evaluate.classification import score
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.selection import Scores, judge_selection
from laudo.workflows.tune.trial import JUDGED

RESAMPLES = 1000


def optimism(runs: Sequence[Run], values: Sequence[float], metric: str, higher: bool, seed: int) -> dict[str, Any]:
    """What the choice of the best trial is worth on samples that have not chosen.

    Args:
        runs: trials that are finished.
        values: of the metric.
        metric: its name.
        higher: whether a larger one is better.
        seed: of the resamples.

    Returns:
        ``{"why_not": …}``: `one_trial`, `elsewhere` (predictions of a trial are not in this folder) or `too_few`; else
        ``{"corrected", "ci95", "optimism", "n_trials", "groups", "best_share"}``: the best value less the optimism, and in what
        share of the resamples the best trial is the best one too.
    """
    if len(runs) < 2:
        return {"why_not": "one_trial"}
    try:
        scores, groups = _figures(runs, metric)
    except (LaudoError, ValueError, KeyError, OSError):
        return {"why_not": "elsewhere"}
    found = judge_selection(scores, groups, higher, RESAMPLES, seed)
    if found is None:
        return {"why_not": "too_few"}
    # of inner folds the value is a mean over folds, and these figures are of all together: only their distance counts
    gain = max(0.0, found.optimism)
    best = max(values) if higher else min(values)
    corrected = best - gain if higher else best + gain
    shift = corrected - found.corrected
    low, high = (end + shift for end in found.ci95)
    return {
        "corrected": corrected,
        "ci95": [low, high],
        "optimism": gain,
        "n_trials": len(runs),
        "groups": int(groups.max()) + 1,
        "best_share": round(float(found.chosen[list(values).index(best)]), 4),
    }


def _figures(runs: Sequence[Run], metric: str) -> tuple[Scores, np.ndarray]:
    """Figures of every trial under weights of the samples, and the samples' groups.

    Raises:
        ValueError: the trials were not judged on the same samples.
        LaudoError: predictions are missing or damaged.
    """
    return _of_masks(runs, metric) if metric in MASK_METRICS else _of_classes(runs, metric)


def _of_classes(runs: Sequence[Run], metric: str) -> tuple[Scores, np.ndarray]:
    found = [run.predictions(JUDGED) for run in runs]
    names = found[0].table["sample"].tolist()
    if any(one.table["sample"].tolist() != names for one in found):
        raise ValueError("other samples")
    kind = LabelCases if found[0].multilabel else Cases
    cases = [kind.from_predictions(one) for one in found]

    def scores(weights: np.ndarray) -> np.ndarray:
        return np.stack([score(one, weights, [(metric, None)])[metric, None] for one in cases], axis=1)

    return scores, cases[0].groups


def _of_masks(runs: Sequence[Run], metric: str) -> tuple[Scores, np.ndarray]:
    """Mean over the structures of the mean over the cases."""
    found: list[MaskScores] = [run.mask_scores(JUDGED) for run in runs]
    names = found[0].table["sample"].tolist()
    if any(one.table["sample"].tolist() != names for one in found):
        raise ValueError("other samples")
    matrices = [one.matrix(metric) for one in found]
    filled = [(np.nan_to_num(one), np.isfinite(one).astype(float)) for one in matrices]

    def scores(weights: np.ndarray) -> np.ndarray:
        columns = []
        for values, known in filled:
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = (weights @ values) / (weights @ known)
            judged = known.any(axis=0)
            columns.append(ratio[:, judged].mean(axis=1))
        return np.stack(columns, axis=1)

    return scores, group_codes(found[0].table["group"].fillna("").tolist())[0]
