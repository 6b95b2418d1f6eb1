"""Use the model of a run on files: predict them, explain them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from laudo.core.errors import LaudoError, RunError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.predictions import decide
from laudo.core.progress import track
from laudo.core.run import Run
from laudo.explain.overlay import overlay, save_png
from laudo.explain.table import get_explainer
from laudo.networks.precision import choose_device, choose_precision
from laudo.predict.batches import predict_pixels
from laudo.predict.files import list_files, predict_files, save_rows
from laudo.predict.model import Model, load_model
from laudo.prepare.transform import prepare_file


def open_model(run: Run) -> Model:
    """The model of a run; of a cross-validation, the user must name a fold.

    Raises:
        RunError: there is none.
    """
    if run.folds() and not run.model_path.is_file():
        raise RunError(
            _("A cross-validation has no model of its own."),
            file=run.folder,
            cure=_("Name a fold, such as {fold}.").format(fold=run.folds()[0].folder),
        )
    return load_model(run, choose_device())


def predict_paths(run: Run, paths: Sequence[Path], out: Path) -> pd.DataFrame:
    """Predict files and folders; writes predictions.csv and predictions.json into ``out``."""
    model = open_model(run)
    files = list_files(paths)
    rows = predict_files(model, files, choose_precision(run.recipe().training.precision, choose_device()))
    save_rows(rows, out)
    return rows


def explain_paths(run: Run, paths: Sequence[Path], out: Path, method: str, target: str | None) -> list[dict[str, Any]]:
    """Draw the map of each file into ``out``; of the predicted class, or of the one named.

    Raises:
        LaudoError: unknown method or class.
    """
    explainer = get_explainer(method)
    model = open_model(run)
    if target is not None and target not in model.classes:
        raise LaudoError(_("The model has no such class."), found=target, expected=", ".join(model.classes))
    precision = choose_precision(run.recipe().training.precision, choose_device())
    device = next(model.classifier.parameters()).device
    cases: list[dict[str, Any]] = []
    for number, path in enumerate(track(list_files(paths), _("Explaining")), start=1):
        case: dict[str, Any] = {"file": str(path), "error": ""}
        cases.append(case)
        try:
            pixels = prepare_file(path, model.prepare)
        except UnreadableImageError as error:
            case["error"] = error.what
            continue
        tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(device)
        probabilities = predict_pixels(model.classifier, tensor, precision, model.flip).numpy()
        decided = int(decide(probabilities, model.threshold)[0])
        shown = decided if target is None else model.classes.index(target)
        heat = explainer(model.classifier, tensor, shown)[0].numpy()
        name = out / f"{number:04d}-{path.stem}-{method}.png"  # the number keeps equal names of two folders apart
        save_png(name, overlay(pixels, heat))
        case |= {
            "predicted": model.classes[decided],
            "probability": float(probabilities[0, decided]),
            "target": model.classes[shown],
            "overlay": str(name),
        }
    return cases
