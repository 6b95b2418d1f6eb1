"""Explain chosen cases of a run, and check the maps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.explain.grad_cam import layer_name
from laudo.explain.overlay import overlay, save_png
from laudo.explain.randomisation import Explainer, randomisation_check
from laudo.explain.table import get_explainer
from laudo.networks.classifier import Classifier
from laudo.prepare.cache import PreparedImages


def choose_cases(predictions: Predictions, n: int) -> np.ndarray:
    """Rows to explain: wrong answers first, the surest of them before the others, then right ones of every class in turn."""
    sure = predictions.probabilities[np.arange(len(predictions)), predictions.decided]
    wrong = np.flatnonzero(predictions.decided != predictions.truth)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    right = [
        np.flatnonzero((predictions.decided == predictions.truth) & (predictions.truth == k))
        for k in range(len(predictions.classes))
    ]
    right = [rows[np.argsort(-sure[rows], kind="stable")] for rows in right]
    in_turn = [rows[turn] for turn in range(max(map(len, right), default=0)) for rows in right if turn < len(rows)]
    few_right = min(len(in_turn), max(n // 4, n - len(wrong)))  # a reader wants to see right answers too
    return np.array([*wrong[: n - few_right], *in_turn[:few_right]], dtype=np.int64)


def outcome(predictions: Predictions, row: int) -> str:
    """TP, TN, FP or FN with two classes, right or wrong with more."""
    truth, decided = int(predictions.truth[row]), int(predictions.decided[row])
    if len(predictions.classes) == 2:
        return ("T" if truth == decided else "F") + ("P" if decided == 1 else "N")
    return "right" if truth == decided else "wrong"


def explain_cases(
    run: Run,
    classifier: Classifier,
    predictions: Predictions,
    images: PreparedImages,
    position: dict[str, int],
    n: int,
    sanity: int,
    method: str = "grad-cam",
) -> dict[str, Any]:
    """Draw the maps of chosen cases into the run folder and describe them.

    Args:
        run: pictures go to its ``explanations``.
        classifier: the model.
        predictions: of the part that is quoted.
        images: prepared images.
        position: sample → its place in ``images``.
        n: cases to draw.
        sanity: how many of them are compared with maps of random networks; 0: none.
        method: name of the explainer.

    Returns:
        Contents of explanations.json.
    """
    explainer = get_explainer(method)
    device = next(classifier.parameters()).device
    rows = choose_cases(predictions, n)
    cases = []
    for number, row in enumerate(track(rows, _("Explaining")), start=1):
        record = predictions.table.iloc[int(row)]
        pixels = images.read([position[record["sample"]]])
        tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
        target = int(predictions.decided[row])
        heat = explainer(classifier, tensor, target)[0].numpy()
        names = {kind: f"explanations/{number:03d}-{kind}.png" for kind in ("image", "overlay")}
        save_png(run.folder / names["image"], pixels[0])
        save_png(run.folder / names["overlay"], overlay(pixels[0], heat))
        cases.append(
            {
                "sample": record["sample"],
                "label": record["label"],
                "predicted": record["predicted"],
                "probability": float(predictions.probabilities[row, target]),
                "target": predictions.classes[target],
                "outcome": outcome(predictions, int(row)),
                **names,
            }
        )
    checked = _sanity(classifier, predictions, images, position, rows[:sanity], explainer)
    return {"method": method, "layer": layer_name(classifier), "cases": cases, "sanity": checked}


def _sanity(
    classifier: Classifier,
    predictions: Predictions,
    images: PreparedImages,
    position: dict[str, int],
    rows: np.ndarray,
    explainer: Explainer,
) -> dict[str, Any] | None:
    """Compare the maps of these rows with those of random networks; None when there is no map to compare."""
    if not len(rows):
        return None
    places = [position[name] for name in predictions.table["sample"].iloc[rows]]
    device = next(classifier.parameters()).device
    tensor = torch.from_numpy(images.read(places)).permute(0, 3, 1, 2).to(device)
    targets = [int(target) for target in predictions.decided[rows]]
    # an empty map can neither change nor stay: it says nothing about the method
    full = [i for i, target in enumerate(targets) if float(explainer(classifier, tensor[i : i + 1], target).max()) > 0]
    if not full:
        return None
    stages = randomisation_check(classifier, tensor[full], [targets[i] for i in full], explainer)
    return {
        "n": len(full),
        "blank": len(rows) - len(full),
        "stages": [asdict(stage) for stage in stages],
        "spearman": stages[-1].spearman,
        "ssim": stages[-1].ssim,
    }
