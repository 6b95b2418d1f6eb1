"""Use the model of a run on files: predict them, explain them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from laudo.core.errors import DataError, LaudoError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.predictions import decide
from laudo.core.progress import say, track
from laudo.core.run import Run
from laudo.explain.overlay import overlay, save_png
from laudo.explain.table import get_explainer
from laudo.networks.precision import choose_device, choose_precision
from laudo.predict.beside import Beside
from laudo.predict.files import answer_text, list_files, predict_files, save_rows
from laudo.predict.masks import MaskFolder
from laudo.predict.model import Model
from laudo.predict.question import ask, read_question
from laudo.predict.text_table import TextTable
from laudo.prepare.shown import shown
from laudo.workflows.open_model import open_model
from laudo.workflows.predict_masks import predict_masks


def predict_paths(
    run: Run, paths: Sequence[Path], out: Path, masks: Path | None = None, texts: Path | None = None
) -> pd.DataFrame:
    """Predict files and folders; writes predictions.csv and predictions.json into ``out``.

    Args:
        run: whose model is asked.
        paths: files and folders.
        out: folder for the results.
        masks: folder of the images' masks, for a model that needs them.
        texts: table of the images' texts, for a model that reads them.

    Raises:
        LaudoError: masks or texts are given and the model needs none, or it can not do without texts.
    """
    if run.recipe().outlines:
        if masks is not None:
            raise LaudoError(
                _("The model of this run outlines structures itself."),
                found=f"--masks {masks}",
                cure=_("Leave --masks away."),
            )
        if texts is not None:
            raise _reads_none(texts)
        return predict_masks(run, paths, out)
    model = open_model(run)
    files, beside = _listed(model, paths, masks, texts)
    precision = choose_precision(run.recipe().training.precision, choose_device())
    rows = predict_files(model, files, precision, beside=beside)
    save_rows(rows, out)
    return rows


def explain_paths(
    run: Run,
    paths: Sequence[Path],
    out: Path,
    method: str,
    target: str | None,
    masks: Path | None = None,
    texts: Path | None = None,
) -> list[dict[str, Any]]:
    """Draw the map of each file into ``out``; of the predicted class, or of the one named.

    Raises:
        LaudoError: unknown method or class, masks or texts that the model does not need, or a model without a network of its own.
    """
    explainer = get_explainer(method)
    if run.recipe().outlines:
        raise LaudoError(
            _("The answer of this model is a mask: it shows by itself where the network has seen something."),
            found=f"data.target={run.recipe().data.target}",
            cure=_("Outline the images: laudo predict RUN PATH… -o DIR"),
        )
    model = open_model(run)
    if target is not None and target not in model.classes:
        raise LaudoError(_("The model has no such class."), found=target, expected=", ".join(model.classes))
    precision = choose_precision(run.recipe().training.precision, choose_device())
    if model.classifier is None or model.classical is not None:
        raise LaudoError(
            _("The answers of this model do not come from a network: there is no map to draw."),
            found=f"network.classifier={model.network.classifier}",
            cure=_("Explain a run with network.classifier: dense."),
        )
    device = next(model.classifier.parameters()).device
    files, beside = _listed(model, paths, masks, texts)
    cases: list[dict[str, Any]] = []
    for number, path in enumerate(track(files, _("Explaining")), start=1):
        case: dict[str, Any] = {"file": str(path), "error": ""}
        cases.append(case)
        try:
            question = read_question(model, path, beside)
        except UnreadableImageError as error:
            case["error"] = error.what
            continue
        probabilities = ask(model, [question], precision)
        answer = decide(probabilities, model.threshold)[0]
        index = _answer(model, probabilities[0], answer) if target is None else model.classes.index(target)
        tensor = torch.from_numpy(question.pixels).permute(2, 0, 1)[None].to(device)
        given = question.beside(model)
        numbers = None if given is None else torch.from_numpy(given).to(device)
        heat = explainer(model.classifier, tensor, index, numbers)[0].numpy()
        name = out / f"{number:04d}-{path.stem}-{method}.png"  # the number keeps equal names of two folders apart
        save_png(name, overlay(shown(question.pixels, model.prepare), heat))
        case |= {
            "predicted": answer_text(model, answer),
            "probability": float(probabilities[0, _answer(model, probabilities[0], answer)]),
            "target": model.classes[index],
            "overlay": str(name),
        }
    return cases


def _listed(model: Model, paths: Sequence[Path], masks: Path | None, texts: Path | None) -> tuple[list[Path], Beside]:
    """The images, and where their masks and texts are; files of the folder of masks are no images themselves."""
    files = list_files(paths)
    folder = None
    if masks is not None:
        if not model.needs_mask:
            raise LaudoError(
                _("The model of this run looks at no masks."), found=f"--masks {masks}", cure=_("Leave --masks away.")
            )
        folder = MaskFolder(masks, paths)
        files = folder.images(files)
    return files, Beside(folder, _texts(model, texts, files))


def _texts(model: Model, texts: Path | None, files: Sequence[Path]) -> TextTable | None:
    if model.text is None:
        if texts is not None:
            raise _reads_none(texts)
        return None
    if texts is not None:
        table = TextTable(texts, model.text.columns)
        told = table.told(files)
        if not told:
            raise DataError(
                _("The table has no text of any of these images."),
                file=texts,
                cure=_("Name each image in its column “image” as its file is named, with or without the folders."),
            )
        say(_("Texts: {n} of {total} images have one").format(n=told, total=len(files)))
        return table
    if not model.text.is_late:
        raise LaudoError(
            _("The model of this run looks at image and text together."),
            cure=_("Name the table of the images' texts with --texts."),
        )
    say(_("No texts were named (--texts): the model's image side answers alone."))
    return None


def _reads_none(texts: Path) -> LaudoError:
    return LaudoError(
        _("The model of this run reads no texts."), found=f"--texts {texts}", cure=_("Leave --texts away.")
    )


def _answer(model: Model, probabilities: np.ndarray, answer: np.ndarray) -> int:
    """Index of the class that was decided for; of several labels, the one that is farthest above its threshold."""
    if isinstance(model.threshold, tuple):
        return int((probabilities - np.asarray(model.threshold)).argmax())
    return int(answer)
