"""Explain chosen cases of a run, and check the maps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import track
from laudo.core.recipe import Prepare
from laudo.core.run import Run
from laudo.explain.grad_cam import layer_name
from laudo.explain.overlay import overlay, save_png
from laudo.explain.randomisation import Explainer, randomisation_check
from laudo.explain.table import get_explainer
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.prepare.cache import PreparedImages
from laudo.prepare.shown import shown


def explained_classes(predictions: Predictions) -> np.ndarray:
    """(n,) class whose evidence is shown: the answer; of several labels, the one that is farthest above its threshold."""
    if not predictions.multilabel:
        return predictions.decided
    return np.asarray((predictions.probabilities - predictions.thresholds).argmax(axis=1))


def choose_cases(predictions: Predictions, n: int) -> np.ndarray:
    """Rows to explain: wrong answers first, the surest of them before the others, then right ones of every class in turn."""
    targets = explained_classes(predictions)
    sure = predictions.probabilities[np.arange(len(predictions)), targets]
    wrong = np.flatnonzero(~predictions.right)
    wrong = wrong[np.argsort(-sure[wrong], kind="stable")]
    right = [np.flatnonzero(predictions.right & (targets == k)) for k in range(len(predictions.classes))]
    right = [rows[np.argsort(-sure[rows], kind="stable")] for rows in right]
    in_turn = [rows[turn] for turn in range(max(map(len, right), default=0)) for rows in right if turn < len(rows)]
    few_right = min(len(in_turn), max(n // 4, n - len(wrong)))  # a reader wants to see right answers too
    return np.array([*wrong[: n - few_right], *in_turn[:few_right]], dtype=np.int64)


def outcome(predictions: Predictions, row: int) -> str:
    """TP, TN, FP or FN with two classes, right or wrong with more, or with several labels."""
    if len(predictions.classes) == 2 and not predictions.multilabel:
        truth, decided = int(predictions.truth[row]), int(predictions.decided[row])
        return ("T" if truth == decided else "F") + ("P" if decided == 1 else "N")
    return "right" if predictions.right[row] else "wrong"


@dataclass(frozen=True)
class Pictures:
    """What a network was given, sample by sample.

    Attributes:
        images: prepared images.
        position: sample → its place in ``images``.
        prepare: how they were prepared; of planes the image's is drawn.
        descriptors: (m, D) beside the images, in their order, where the network is given any.
    """

    images: PreparedImages
    position: dict[str, int]
    prepare: Prepare
    descriptors: np.ndarray | None = None


def explain_cases(
    run: Run,
    classifier: Classifier | Ensemble,
    predictions: Predictions,
    pictures: Pictures,
    n: int,
    sanity: int,
    method: str = "grad-cam",
) -> dict[str, Any]:
    """Draw the maps of chosen cases into the run folder and describe them.

    Args:
        run: pictures go to its ``explanations``.
        classifier: the network, or several that answer together.
        predictions: of the part that is quoted.
        pictures: what the network was given.
        n: cases to draw.
        sanity: how many of them are compared with maps of random networks; 0: none.
        method: name of the explainer.

    Returns:
        Contents of explanations.json.
    """
    explainer = get_explainer(method)
    device = next(classifier.parameters()).device
    rows = choose_cases(predictions, n)
    targets = explained_classes(predictions)
    images = pictures.images
    beside = None if pictures.descriptors is None else torch.from_numpy(pictures.descriptors).to(device)
    cases = []
    for number, row in enumerate(track(rows, _("Explaining")), start=1):
        record = predictions.table.iloc[int(row)]
        place = pictures.position[record["sample"]]
        pixels = images.read([place])
        tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
        target = int(targets[row])
        heat = explainer(classifier, tensor, target, None if beside is None else beside[[place]])[0].numpy()
        drawn = shown(pixels[0], pictures.prepare)
        names = {kind: f"explanations/{number:03d}-{kind}.png" for kind in ("image", "overlay")}
        save_png(run.folder / names["image"], drawn)
        save_png(run.folder / names["overlay"], overlay(drawn, heat))
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
    places = [pictures.position[name] for name in predictions.table["sample"].iloc[rows[:sanity]]]
    checked = _sanity(classifier, images, places, targets[rows[:sanity]].tolist(), explainer, beside)
    return {"method": method, "layer": layer_name(classifier), "cases": cases, "sanity": checked}


def _sanity(
    classifier: Classifier | Ensemble,
    images: PreparedImages,
    places: list[int],
    targets: list[int],
    explainer: Explainer,
    beside: Tensor | None,
) -> dict[str, Any] | None:
    """Compare the maps of these images with those of random networks; None when there is no map to compare."""
    if not places:
        return None
    device = next(classifier.parameters()).device
    tensor = torch.from_numpy(images.read(places)).permute(0, 3, 1, 2).to(device)
    own = None if beside is None else beside[places]

    def is_full(i: int) -> bool:
        heat = explainer(classifier, tensor[i : i + 1], targets[i], None if own is None else own[i : i + 1])
        return float(heat.max()) > 0

    # an empty map can neither change nor stay: it says nothing about the method
    full = [i for i in range(len(places)) if is_full(i)]
    if not full:
        return None
    stages = randomisation_check(
        classifier, tensor[full], [targets[i] for i in full], explainer, descriptors=None if own is None else own[full]
    )
    return {
        "n": len(full),
        "blank": len(places) - len(full),
        "stages": [asdict(stage) for stage in stages],
        "spearman": stages[-1].spearman,
        "ssim": stages[-1].ssim,
    }
