"""Predict files and folders; a broken file is a row with its error, and the rest goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from laudo.core.atomic import atomic_path, write_text
from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.predictions import PROBABILITY, called_text, decide
from laudo.core.progress import step
from laudo.networks.precision import Precision
from laudo.predict.beside import NOTHING, Beside
from laudo.predict.model import Answer, Model
from laudo.predict.ood_score import OOD, OOD_DISTANCE
from laudo.predict.question import Question, answer, read_question
from laudo.read.dicom_file import begins_as_dicom
from laudo.read.table import ENDINGS, is_image_name


def list_files(paths: Sequence[Path]) -> list[Path]:
    """Files named, and all images below the folders named, DICOM files without an ending too, in order and once each.

    Raises:
        DataError: a path does not exist, or there is no image at all.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for parent, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    file = Path(parent, name)
                    if is_image_name(name) or (not name.startswith(".") and begins_as_dicom(file)):
                        found[file] = None
        elif path.exists():
            found[path] = None
        else:
            raise DataError(_("There is no such file or folder."), file=path)
    if not found:
        raise DataError(_("No image was found."), file=", ".join(map(str, paths)), expected=", ".join(sorted(ENDINGS)))
    return list(found)


def predict_files(
    model: Model, files: Iterable[Path], precision: Precision, batch_size: int = 32, beside: Beside = NOTHING
) -> pd.DataFrame:
    """One row a file: ``file, predicted, probability:<class> …, threshold, error``, and ``ood, ood_distance`` before the error.

    Rows of files that can not be read, or lack the mask that the model needs, have an ``error`` and no prediction. Of a model that
    gives several labels, ``predicted`` joins those that it calls, and ``threshold`` is empty: each label has its own. A model that
    was not told what training images look like leaves ``ood`` out; see :data:`laudo.predict.ood_score.OOD`.
    """
    todo = list(files)
    rows: list[dict[str, object]] = []
    with step(_("Predicting"), len(todo)) as advance:
        for start in range(0, len(todo), batch_size):
            batch = todo[start : start + batch_size]
            questions: list[Question] = []
            errors: dict[Path, str] = {}
            for path in batch:
                try:
                    questions.append(read_question(model, path, beside))
                except UnreadableImageError as error:
                    errors[path] = f"{error.what} ({error.found})" if error.found else error.what
                advance()
            told = iter(_told(model, answer(model, questions, precision)) if questions else ())
            rows += [{"file": str(p), "error": errors.get(p, ""), **({} if p in errors else next(told))} for p in batch]
    unlike = [] if model.ood is None else [OOD, OOD_DISTANCE]
    columns = ["file", "predicted", *[PROBABILITY + name for name in model.classes], "threshold", *unlike, "error"]
    return pd.DataFrame(rows, columns=columns)


def _told(model: Model, found: Answer) -> list[dict[str, object]]:
    """What stands in the row of each image that was answered."""
    decided = decide(found.probabilities, model.threshold)
    rows: list[dict[str, object]] = []
    for number, (probabilities, called) in enumerate(zip(found.probabilities, decided, strict=True)):
        row: dict[str, object] = {
            "predicted": answer_text(model, called),
            "threshold": None if isinstance(model.threshold, tuple) else model.threshold,
        }
        row |= {PROBABILITY + name: float(value) for name, value in zip(model.classes, probabilities, strict=True)}
        if found.ood is not None:
            row |= {OOD: round(float(found.ood[0][number]), 2), OOD_DISTANCE: round(float(found.ood[1][number]), 4)}
        rows.append(row)
    return rows


def answer_text(model: Model, decided: np.ndarray) -> str:
    """The class that was decided for, or the labels that were called, as :func:`laudo.core.predictions.decide` gives them."""
    if model.separator is None:
        return model.classes[int(decided)]
    return called_text(decided, model.classes, model.separator)


def save_rows(rows: pd.DataFrame, folder: Path) -> None:
    """Write predictions.csv and predictions.json."""
    with atomic_path(folder / "predictions.csv") as temporary:
        rows.to_csv(temporary, index=False)
    records = json.loads(rows.to_json(orient="records"))
    write_text(folder / "predictions.json", json.dumps(records, indent=2, ensure_ascii=False) + "\n")
