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
from laudo.predict.model import Model
from laudo.predict.question import Question, ask, read_question
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
    """One row a file: ``file, predicted, probability:<class> …, threshold, error``.

    Rows of files that can not be read, or lack the mask that the model needs, have an ``error`` and no prediction. Of a model that
    gives several labels, ``predicted`` joins those that it calls, and ``threshold`` is empty: each label has its own.
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
            probabilities = np.zeros((0, len(model.classes)))
            if questions:
                probabilities = ask(model, questions, precision)
            answers = iter(zip(probabilities, decide(probabilities, model.threshold), strict=True))
            rows += [_row(p, errors[p]) if p in errors else _row(p, "", next(answers), model) for p in batch]
    columns = ["file", "predicted", *[PROBABILITY + name for name in model.classes], "threshold", "error"]
    return pd.DataFrame(rows, columns=columns)


def _row(
    path: Path, error: str, answer: tuple[np.ndarray, np.ndarray] | None = None, model: Model | None = None
) -> dict[str, object]:
    row: dict[str, object] = {"file": str(path), "error": error}
    if answer is not None and model is not None:
        row["predicted"] = answer_text(model, answer[1])
        row["threshold"] = None if isinstance(model.threshold, tuple) else model.threshold
        row |= {PROBABILITY + name: float(value) for name, value in zip(model.classes, answer[0], strict=True)}
    return row


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
