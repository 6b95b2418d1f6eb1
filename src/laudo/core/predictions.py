"""Predictions: one row a sample, with the probability of every class. What evaluate scores, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from laudo.core.case_table import concatenate_rows, load_table, save_table
from laudo.core.errors import DataError
from laudo.core.labels import join_labels, label_matrix
from laudo.core.messages import _

PROBABILITY = "probability:"
"""Columns ``probability:<class>`` hold the class probabilities."""

TRUTH, CALLED, CUT = "truth:", "called:", "threshold:"
"""Samples with several labels: ``truth:<class>`` and ``called:<class>`` are 1 or 0, ``threshold:<class>`` is what decided."""

Threshold = float | tuple[float, ...] | None
"""Of two classes, the probability from which the positive one is called; of samples with several labels, that of each label;
None: the largest probability wins."""


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of samples.

    Attributes:
        table: columns ``sample, image, group, label, predicted, threshold`` and one ``probability:<class>`` a class.
            ``threshold`` is what the positive class was compared with; NaN when the largest probability decides. Where
            samples may have several labels or none, ``label`` and ``predicted`` join them, ``threshold`` is NaN, and there
            are three more columns a class: ``truth:<class>``, ``called:<class>``, ``threshold:<class>``.
        classes: class names in the order of the columns.
    """

    table: pd.DataFrame
    classes: tuple[str, ...]

    @classmethod
    def build(
        cls,
        samples: pd.DataFrame,
        probabilities: np.ndarray,
        classes: Sequence[str],
        threshold: Threshold,
        separator: str | None = None,
    ) -> Predictions:
        """Join manifest rows with (n, K) probabilities and decide the class of each.

        Args:
            samples: rows with ``sample, image, group, label``.
            probabilities: (n, K), rows sum to one; with a separator, each number is a label's own.
            classes: K names; of two, the second is the positive one.
            threshold: see :data:`Threshold`; with a separator, K of them.
            separator: the manifest's, where samples may have several labels or none; else None.
        """
        table = samples[["sample", "image", "group", "label"]].reset_index(drop=True)
        for index, name in enumerate(classes):
            table[PROBABILITY + name] = probabilities[:, index].astype(float)
        decided = decide(probabilities, threshold)
        if separator is None:
            table["predicted"] = np.asarray(classes)[decided]
            table["threshold"] = np.nan if threshold is None else threshold
            return cls(table, tuple(classes))
        if not isinstance(threshold, tuple):
            raise ValueError("samples with several labels need a threshold for each label")
        table["predicted"] = [called_text(row, classes, separator) for row in decided]
        table["threshold"] = np.nan
        truth = label_matrix(table["label"], classes, separator)
        for index, name in enumerate(classes):
            table[TRUTH + name] = truth[:, index].astype(np.uint8)
            table[CALLED + name] = decided[:, index].astype(np.uint8)
            table[CUT + name] = threshold[index]
        return cls(table, tuple(classes))

    @property
    def multilabel(self) -> bool:
        """Whether a sample may have several labels, or none."""
        return bool(self.classes) and TRUTH + self.classes[0] in self.table

    @property
    def probabilities(self) -> np.ndarray:
        """(n, K) float64."""
        return self.table[[PROBABILITY + name for name in self.classes]].to_numpy(dtype=float)

    @property
    def truth(self) -> np.ndarray:
        """(n,) int64 true class index; with several labels (n, K), 1 for each that is true."""
        return self._matrix(TRUTH) if self.multilabel else self._index("label")

    @property
    def decided(self) -> np.ndarray:
        """(n,) int64 predicted class index; with several labels (n, K), 1 for each that was called."""
        return self._matrix(CALLED) if self.multilabel else self._index("predicted")

    @property
    def right(self) -> np.ndarray:
        """(n,) bool: the answer is the truth; with several labels, all of them."""
        same = self.truth == self.decided
        return np.asarray(same.all(axis=1) if self.multilabel else same)

    @property
    def thresholds(self) -> np.ndarray:
        """(n, K) what decided each label of each sample, where samples may have several."""
        return self.table[[CUT + name for name in self.classes]].to_numpy(dtype=float)

    @property
    def groups(self) -> np.ndarray:
        """(n,) group of each sample: what the bootstrap resamples."""
        return self.table["group"].to_numpy()

    def _matrix(self, prefix: str) -> np.ndarray:
        return self.table[[prefix + name for name in self.classes]].to_numpy(dtype=np.int64)

    def _index(self, column: str) -> np.ndarray:
        return self.table[column].map({name: index for index, name in enumerate(self.classes)}).to_numpy(dtype=np.int64)

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """All rows of several predictions of the same classes, sorted by sample: pooled out-of-fold predictions."""
        return cls(concatenate_rows(part.table for part in parts), parts[0].classes)

    def save(self, path: Path) -> None:
        """Write Parquet, and the same as CSV beside it."""
        save_table(self.table, path)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read predictions.

        Raises:
            DataError: the file is missing, damaged, or holds no probabilities.
        """
        table = load_table(path, _("Predictions can not be read."))
        classes = tuple(name.removeprefix(PROBABILITY) for name in table.columns if name.startswith(PROBABILITY))
        if not classes:
            raise DataError(_("The file holds no class probabilities."), file=path, expected=PROBABILITY + "<class>")
        return cls(table, classes)


def decide(probabilities: np.ndarray, threshold: Threshold) -> np.ndarray:
    """Answers from (n, K) probabilities.

    Returns:
        (n,) class index: the positive class from ``threshold`` on, or the largest. With a threshold for each label (n, K)
        int64, 1 for each label that is called.
    """
    if isinstance(threshold, tuple):
        return np.asarray(probabilities >= np.asarray(threshold)).astype(np.int64)
    if threshold is None or probabilities.shape[1] != 2:
        return np.asarray(probabilities.argmax(axis=1))
    return np.where(probabilities[:, 1] >= threshold, 1, 0)


def called_text(called: np.ndarray, classes: Sequence[str], separator: str) -> str:
    """The (K,) labels that were called of one sample, as one text; empty when none was."""
    return join_labels([name for name, one in zip(classes, called, strict=True) if one], classes, separator)
