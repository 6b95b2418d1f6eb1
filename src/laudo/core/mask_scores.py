"""Scores of predicted masks: one row a case, every metric of every structure. What reports and comparisons of masks read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from laudo.core.case_table import concatenate_rows, load_table, save_table
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.predictions import PROBABILITY, Predictions

MASK_METRICS: tuple[str, ...] = (
    "dice",
    "iou",
    "sensitivity",
    "specificity",
    "precision",
    "accuracy",
    "hd95_mm",
    "assd_mm",
    "nsd",
    "volume_mm3",
    "true_volume_mm3",
    "volume_error",
    "lesions",
    "lesions_found",
    "lesions_false",
)
"""Of each structure; the column of one is ``<metric>:<structure>``."""

BEST: dict[str, float] = {
    "dice": 1.0,
    "iou": 1.0,
    "precision": 1.0,
    "nsd": 1.0,
    "hd95_mm": 0.0,
    "assd_mm": 0.0,
    "volume_error": 0.0,
}
"""What an empty prediction of an empty truth deserves, where it is compared with another model's that invented something."""

SAMPLE_COLUMNS = ("sample", "patient", "group", "label", "image", "mask")

IN_MM = "in_mm"
"""Column: whether the image says its spacing; else lengths are in pixels, and what is called mm³ is a number of pixels."""


def score_column(metric: str, structure: str) -> str:
    """Name of the column of a metric of a structure."""
    return f"{metric}:{structure}"


@dataclass(frozen=True)
class MaskScores:
    """Scores of the masks predicted for some cases.

    Attributes:
        table: columns ``sample, patient, group, label, image, mask`` (``mask`` is the path of the written prediction relative
            to the run, or empty), :data:`IN_MM`, and ``<metric>:<structure>`` for each of :data:`MASK_METRICS`. Where the
            network names a class as well, also ``predicted``, ``threshold`` and one ``probability:<class>`` a class.
        structures: names of the structures in the order of the columns.
    """

    table: pd.DataFrame
    structures: tuple[str, ...]

    @classmethod
    def build(
        cls,
        samples: pd.DataFrame,
        scores: Sequence[Mapping[str, float]],
        structures: Sequence[str],
        predictions: Predictions | None = None,
    ) -> MaskScores:
        """Join manifest rows with the scores of each.

        Args:
            samples: rows with ``sample, group, image``; ``patient``, ``label`` and ``mask`` (the predicted one's path) are
                empty where missing, and :data:`IN_MM` is true.
            scores: of each row, what :func:`laudo.evaluate.mask_scoring.score_masks` gave.
            structures: their names.
            predictions: classes of the same samples in the same order, of a network that names them as well.

        Raises:
            ValueError: the numbers of rows disagree.
        """
        if len(samples) != len(scores):
            raise ValueError("as many scores as samples are needed")
        table = pd.DataFrame(
            {
                name: samples[name].to_numpy() if name in samples or name in {"sample", "group", "image"} else ""
                for name in SAMPLE_COLUMNS
            },
            index=range(len(samples)),
        )
        table[IN_MM] = samples[IN_MM].to_numpy(dtype=bool) if IN_MM in samples else True
        columns = [score_column(metric, structure) for structure in structures for metric in MASK_METRICS]
        values = pd.DataFrame([[row[name] for name in columns] for row in scores], columns=columns, dtype=float)
        parts = [table, values]
        if predictions is not None:
            if predictions.table["sample"].tolist() != table["sample"].tolist():
                raise ValueError("the predicted classes are of other samples")
            own = predictions.table.columns
            parts.append(predictions.table[[c for c in own if c not in table]].reset_index(drop=True))
        return cls(pd.concat(parts, axis=1), tuple(structures))

    def matrix(self, metric: str, both_empty_is_best: bool = False) -> np.ndarray:
        """(n, S) values of a metric, NaN where undefined.

        Args:
            metric: one of :data:`MASK_METRICS`.
            both_empty_is_best: put :data:`BEST` where neither truth nor prediction marks the structure. For comparing two
                models case by case: else a case that only one of them leaves rightly empty would drop out.
        """
        values = self._columns(metric)
        if both_empty_is_best and metric in BEST:
            values = np.where(self.both_empty, BEST[metric], values)
        return values

    @property
    def in_truth(self) -> np.ndarray:
        """(n, S) bool: the structure is marked in the truth."""
        return np.asarray(self._columns("true_volume_mm3") > 0)

    @property
    def in_prediction(self) -> np.ndarray:
        """(n, S) bool: the structure is marked in the prediction."""
        return np.asarray(self._columns("volume_mm3") > 0)

    @property
    def both_empty(self) -> np.ndarray:
        """(n, S) bool: it is marked in neither."""
        return np.asarray(~self.in_truth & ~self.in_prediction)

    @property
    def missed(self) -> np.ndarray:
        """(n, S) bool: it is there and nothing of it was predicted."""
        return np.asarray(self.in_truth & ~self.in_prediction)

    @property
    def invented(self) -> np.ndarray:
        """(n, S) bool: it was predicted and is not there."""
        return np.asarray(~self.in_truth & self.in_prediction)

    @property
    def in_mm(self) -> np.ndarray:
        """(n,) bool: the image says its spacing; else lengths are in pixels. A table that does not say is taken for mm."""
        if IN_MM not in self.table:
            return np.ones(len(self), dtype=bool)
        return np.asarray(self.table[IN_MM].isin([True]) | self.table[IN_MM].isna())

    @property
    def length_unit(self) -> str:
        """``mm``; ``px`` where an image does not say its spacing."""
        return "mm" if self.in_mm.all() else "px"

    @property
    def groups(self) -> np.ndarray:
        """(n,) group of each case: what the bootstrap resamples."""
        return self.table["group"].to_numpy()

    @property
    def predictions(self) -> Predictions | None:
        """The classes that were named beside the masks; None when the network names none."""
        classes = tuple(name.removeprefix(PROBABILITY) for name in map(str, self.table) if name.startswith(PROBABILITY))
        if not classes:
            return None
        columns = ["sample", "image", "group", "label", "predicted", "threshold"]
        return Predictions(self.table[columns + [PROBABILITY + name for name in classes]], classes)

    def _columns(self, metric: str) -> np.ndarray:
        return self.table[[score_column(metric, name) for name in self.structures]].to_numpy(dtype=float)

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def concatenate(cls, parts: Sequence[MaskScores]) -> MaskScores:
        """All rows of several, of the same structures, sorted by sample: pooled out-of-fold scores."""
        return cls(concatenate_rows(part.table for part in parts), parts[0].structures)

    def save(self, path: Path) -> None:
        """Write Parquet, and the same as CSV beside it."""
        save_table(self.table, path)

    @classmethod
    def load(cls, path: Path) -> MaskScores:
        """Read scores.

        Raises:
            DataError: the file is missing, damaged, or holds no scores of masks.
        """
        table = load_table(path, _("Scores can not be read."))
        first = score_column(MASK_METRICS[0], "")
        structures = tuple(name.removeprefix(first) for name in table.columns if name.startswith(first))
        needed = {*SAMPLE_COLUMNS, *(score_column(metric, name) for name in structures for metric in MASK_METRICS)}
        missing = sorted(needed - set(table.columns))
        if not structures or missing:
            raise DataError(
                _("The file holds no scores of masks."),
                file=path,
                expected=score_column(MASK_METRICS[0], "<structure>"),
                found=_("missing: {names}").format(names=", ".join(missing[:5])) if missing else None,
            )
        return cls(table, structures)
