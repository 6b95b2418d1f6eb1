"""Every case of a comparison, with what each run made of it, for compare.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from laudo.core.mask_scores import MaskScores
from laudo.core.predictions import Predictions
from laudo.evaluate.mask_table import PRIMARY
from laudo.report.compared_run import ComparedRun


def compared_cases(
    runs: Sequence[ComparedRun], samples: Sequence[str], structures: Sequence[str]
) -> list[dict[str, Any]]:
    """Of each sample what every run made of it, None where it was not judged on it.

    Args:
        runs: of one kind.
        samples: that are compared, in the order wanted.
        structures: that are judged, where masks are compared.

    Returns:
        ``sample, group``; of masks the primary metric of every structure, a list over the runs; of classes ``label`` and, over
        the runs, ``predicted, right, probability`` (of the true class; of several labels the least that a label's truth was
        given).
    """
    rows = [{str(sample): row for row, sample in enumerate(run.scores.table["sample"])} for run in runs]
    owner = {sample: next(number for number, own in enumerate(rows) if sample in own) for sample in samples}
    found: list[dict[str, Any]] = []
    columns = [_columns(run, structures) for run in runs]
    for sample in samples:
        first = runs[owner[sample]].scores.table.iloc[rows[owner[sample]][sample]]
        case: dict[str, Any] = {"sample": sample, "group": "" if pd.isna(first["group"]) else str(first["group"])}
        if isinstance(runs[0].scores, Predictions):
            case["label"] = str(first["label"])
        for path in columns[0]:
            values = [
                _plain(own[path][row[sample]]) if sample in row else None
                for own, row in zip(columns, rows, strict=True)
            ]
            _put(case, path, values)
        found.append(case)
    return found


def _columns(run: ComparedRun, structures: Sequence[str]) -> dict[tuple[str, ...], np.ndarray]:
    """Values of a run's cases, by where they stand in a case of compare.json."""
    scores = run.scores
    if isinstance(scores, MaskScores):
        values = scores.matrix(PRIMARY, both_empty_is_best=True)
        return {(PRIMARY, name): values[:, scores.structures.index(name)] for name in structures}
    return {
        ("predicted",): scores.table["predicted"].to_numpy(),
        ("right",): scores.right,
        ("probability",): of_truth(scores),
    }


def of_truth(predictions: Predictions) -> np.ndarray:
    """(n,) probability that was given to the truth; of several labels, the least that one's truth was given."""
    probabilities, truth = predictions.probabilities, predictions.truth
    if predictions.multilabel:
        return np.asarray(np.where(truth == 1, probabilities, 1 - probabilities).min(axis=1))
    return np.asarray(probabilities[np.arange(len(truth)), truth])


def _put(case: dict[str, Any], path: tuple[str, ...], values: list[Any]) -> None:
    for key in path[:-1]:
        case = case.setdefault(key, {})
    case[path[-1]] = values


def _plain(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return value
    return None if pd.isna(value) else float(value)
