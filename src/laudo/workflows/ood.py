"""Tell images that are unlike the training part: fit the score, put it into predictions and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from laudo.core.case_table import save_table
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.evaluate.cases import group_codes
from laudo.evaluate.unlike import spread, unlike_part
from laudo.networks.feature_distance import BEYOND, MOST_IMAGES, NEIGHBOUR, FeatureDistance, drawn
from laudo.predict.ood_score import OOD, OOD_DISTANCE, OodScore
from laudo.workflows.looking import Looking


def fit_ood(recipe: Recipe, networks: Sequence[Looking], most: int = MOST_IMAGES) -> OodScore | None:
    """Remember what the training images look like to each network; None where the recipe does not want it.

    Args:
        recipe: says whether, and seeds the draw of training images.
        networks: that were trained.
        most: training images that are kept of each.
    """
    usable = all(len(one.trained) and len(one.unseen) for one in networks)
    if recipe.evaluation.ood == "none" or not networks or not usable:
        return None
    say(_("How unlike the training images others are"))
    seed = recipe.training.seed
    fitted = [
        FeatureDistance.fit(one.look(drawn(one.trained, seed, most)), one.look(one.unseen), one.measured)
        for one in networks
    ]
    return OodScore(tuple(fitted))


def record_ood(
    run: Run, score: OodScore, networks: Sequence[Looking], manifest: Manifest, recipe: Recipe
) -> dict[str, Any]:
    """Add the columns to the predictions of validation and test part, and give ``ood`` of metrics.json.

    An image of validation is scored by the network that has not seen it.
    """
    rows, percentiles, distances = _of_validation(score, networks)
    _add(run, "val", manifest, rows, (percentiles, distances))
    test = manifest.indices("test")
    if len(test) and run.has_predictions("test"):
        _add(run, "test", manifest, test, score.score([one.look(test) for one in networks]))
    return ood_metrics(run, score, recipe)


def ood_metrics(run: Run, score: OodScore, recipe: Recipe) -> dict[str, Any]:
    """``ood`` of metrics.json, from predictions that have the columns: how it was made, and each part's distances."""
    within = np.concatenate([one.relative(one.training) for one in score.networks])
    first = score.networks[0]
    return {
        "method": "neighbours",
        "neighbour": NEIGHBOUR,
        "beyond_percentile": BEYOND,
        "n_reference": len(first.reference),
        "n_validation": len(first.validation),
        "networks": len(score.networks),
        "parts": {"train": {"n": len(within), "quantiles": spread(within)}, **_parts(run, ("val", "test"), recipe)},
    }


def pooled_ood(root: Run, folds: Sequence[Run], recipe: Recipe) -> dict[str, Any] | None:
    """``ood`` of a cross-validation: every test part by its own fold's networks. None when a fold has none."""
    found = [fold.json("metrics").get("ood") for fold in folds]
    if not all(found):
        return None
    within = np.concatenate([one["parts"]["train"]["quantiles"] for one in found])
    train = {"n": sum(one["parts"]["train"]["n"] for one in found), "quantiles": spread(within)}
    val = pd.concat([pd.read_parquet(fold.predictions_path("val")) for fold in folds], ignore_index=True)
    parts = {"train": train, "val": _part(val, recipe), **_parts(root, ("pooled",), recipe)}
    return {**found[0], "networks": sum(one["networks"] for one in found), "parts": parts}


def external_ood(metrics: dict[str, Any], run: Run, recipe: Recipe) -> dict[str, Any]:
    """``ood`` of metrics.json with the external part beside the others; nothing where the run has none."""
    found = metrics.get("ood")
    if not found:
        return {}
    return {"ood": {**found, "parts": {**found["parts"], **_parts(run, ("external",), recipe)}}}


def with_ood(table: pd.DataFrame, ood: tuple[np.ndarray, np.ndarray] | None) -> pd.DataFrame:
    """The table with the two columns, in its own order; as it is without them."""
    if ood is None:
        return table
    return table.assign(**{OOD: ood[0].round(2), OOD_DISTANCE: ood[1].astype(float).round(4)})


def _of_validation(score: OodScore, networks: Sequence[Looking]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, and the percentile and relative distance of each by the network that has not seen it."""
    rows, percentiles, distances = [], [], []
    for fitted, one in zip(score.networks, networks, strict=True):
        far = fitted.distances(one.look(one.unseen))
        rows.append(one.unseen)
        percentiles.append(fitted.percentiles(far))
        distances.append(fitted.relative(far))
    return np.concatenate(rows), np.concatenate(percentiles), np.concatenate(distances)


def _add(run: Run, part: str, manifest: Manifest, rows: np.ndarray, ood: tuple[np.ndarray, np.ndarray]) -> None:
    """Write the predictions of a part again, with the columns."""
    path = run.predictions_path(part)
    table = pd.read_parquet(path)
    place = {name: number for number, name in enumerate(manifest.table["sample"].iloc[rows])}
    order = [place[name] for name in table["sample"]]
    save_table(with_ood(table, (ood[0][order], ood[1][order])), path)


def _parts(run: Run, names: Sequence[str], recipe: Recipe) -> dict[str, Any]:
    found = {}
    for name in names:
        path = run.predictions_path(name)
        table = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
        if OOD in table:
            found[name] = _part(table, recipe)
    return found


def _part(table: pd.DataFrame, recipe: Recipe) -> dict[str, Any]:
    groups, _unknown = group_codes(table["group"].where(~table["group"].isna(), "").tolist())
    beyond = (table[OOD] > BEYOND).to_numpy()
    distances = table[OOD_DISTANCE].to_numpy(dtype=float)
    return unlike_part(distances, beyond, groups, recipe.evaluation.bootstrap, recipe.split.seed)
