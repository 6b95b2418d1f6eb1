"""Predictions of runs in a catalogue, so that one can ask which cases a model got wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from laudo.catalog.batches import BATCH, batches
from laudo.catalog.fold import clean
from laudo.catalog.store import Stored
from laudo.catalog.tables import Prediction, RunRow
from laudo.core.errors import DataError, RunError
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.progress import say
from laudo.core.run import Run

ORDER = ("train", "val", "test", "pooled")
"""Parts of a run that hold images of its own manifest."""


@dataclass(frozen=True)
class Registered:
    """Predictions of one part of a run: how many, how many of them wrong, how many of images that the catalogue has not."""

    part: str
    predictions: int
    wrong: int
    unknown: int


def register_run(session: Session, run: Run, stored: Stored) -> list[Registered]:
    """Store the predictions of a run's parts; what was registered of it before is replaced.

    Args:
        session: that writes.
        run: a run, or a cross-validation with its pooled predictions.
        stored: what became of its manifest.

    Raises:
        RunError: no part of it has class probabilities.
    """
    parts = {part: found for part in ORDER if (found := _predictions(run, part)) is not None}
    if not parts:
        raise RunError(
            _("The run has no predictions of classes that could be registered."),
            file=run.folder,
            cure=_("Finish it, or import its manifest alone: {file}").format(file=run.manifest_path),
        )
    path = str(run.folder.absolute())
    known = session.execute(select(RunRow).where(RunRow.path == path)).scalar_one_or_none()
    row = known or RunRow(path=path, set_id=stored.set_id)
    recipe = run.recipe()
    row.name, row.recipe, row.set_id = run.folder.absolute().name, recipe.name, stored.set_id
    headline = "pooled" if "pooled" in parts else recipe.evaluation.headline
    row.headline = headline if headline in parts else [*parts][-1]
    session.add(row)
    session.flush()
    session.execute(delete(Prediction).where(Prediction.run_id == row.id))
    return [_store(session, row.id, part, predictions, stored) for part, predictions in parts.items()]


def _predictions(run: Run, part: str) -> Predictions | None:
    """Those of a part; None where there are none, or where they are masks without a class."""
    if not run.has_predictions(part):
        return None
    try:
        return run.predictions(part)
    except DataError as error:
        say(_("Not registered: {what} ({file})").format(what=error.what, file=error.file))
        return None


def _store(session: Session, run: int, part: str, predictions: Predictions, stored: Stored) -> Registered:
    chosen = predictions.probabilities.max(axis=1) if predictions.multilabel else _of_predicted(predictions)
    rows = []
    table = predictions.table
    for sample, truth, predicted, probability, right in zip(
        table["sample"], table["label"], table["predicted"], chosen, predictions.right, strict=True
    ):
        number = stored.numbers.get(clean(str(sample)))
        if number is not None:
            rows.append(
                {
                    "run_id": run,
                    "part": part,
                    "image_id": number,
                    "truth": clean(str(truth)),
                    "predicted": clean(str(predicted)),
                    "probability": None if predictions.multilabel else float(probability),
                    "correct": bool(right),
                }
            )
    for batch in batches(rows, BATCH):
        session.execute(insert(Prediction), batch)
    return Registered(part, len(rows), sum(not row["correct"] for row in rows), len(table) - len(rows))


def _of_predicted(predictions: Predictions) -> list[float]:
    """Probability of the class that was decided for."""
    return [float(row[index]) for row, index in zip(predictions.probabilities, predictions.decided, strict=True)]


def runs_named(path: Path) -> Run | None:
    """The run that a folder is; None when it is none."""
    run = Run(path)
    return run if run.recipe_path.is_file() and run.manifest_path.is_file() else None
