"""Predictions: one row a sample, with the probability of every class. What evaluate scores, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from laudo.core.atomic import atomic_path
from laudo.core.errors import DataError
from laudo.core.messages import _

PROBABILITY = "probability:"
"""Columns ``probability:<class>`` hold the class probabilities."""


@dataclass(frozen=True)
class Predictions:
    """Class probabilities of samples.

    Attributes:
        table: columns ``sample, image, group, label, predicted, threshold`` and one ``probability:<class>`` a class.
            ``threshold`` is what the positive class was compared with; NaN when the largest probability decides.
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
        threshold: float | None,
    ) -> Predictions:
        """Join manifest rows with (n, K) probabilities and decide the class of each.

        Args:
            samples: rows with ``sample, image, group, label``.
            probabilities: (n, K), rows sum to one.
            classes: K names; of two, the second is the positive one.
            threshold: probability from which the positive class is called (two classes only); None: the largest wins.
        """
        table = samples[["sample", "image", "group", "label"]].reset_index(drop=True)
        for index, name in enumerate(classes):
            table[PROBABILITY + name] = probabilities[:, index].astype(float)
        names = np.asarray(classes)
        table["predicted"] = names[decide(probabilities, threshold)]
        table["threshold"] = np.nan if threshold is None else threshold
        return cls(table, tuple(classes))

    @property
    def probabilities(self) -> np.ndarray:
        """(n, K) float64."""
        return self.table[[PROBABILITY + name for name in self.classes]].to_numpy(dtype=float)

    @property
    def truth(self) -> np.ndarray:
        """(n,) int64 true class index."""
        return self._index("label")

    @property
    def decided(self) -> np.ndarray:
        """(n,) int64 predicted class index."""
        return self._index("predicted")

    @property
    def groups(self) -> np.ndarray:
        """(n,) group of each sample: what the bootstrap resamples."""
        return self.table["group"].to_numpy()

    def _index(self, column: str) -> np.ndarray:
        return self.table[column].map({name: index for index, name in enumerate(self.classes)}).to_numpy(dtype=np.int64)

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def concatenate(cls, parts: Sequence[Predictions]) -> Predictions:
        """All rows of several predictions of the same classes, sorted by sample: pooled out-of-fold predictions."""
        table = pd.concat([part.table for part in parts], ignore_index=True)
        return cls(table.sort_values("sample", kind="stable").reset_index(drop=True), parts[0].classes)

    def save(self, path: Path) -> None:
        """Write Parquet, and the same as CSV beside it."""
        with atomic_path(path) as temporary:
            self.table.to_parquet(temporary, index=False)
        with atomic_path(path.with_suffix(".csv")) as temporary:
            self.table.to_csv(temporary, index=False)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read predictions.

        Raises:
            DataError: the file is missing, damaged, or holds no probabilities.
        """
        try:
            table = pd.read_parquet(path)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise DataError(
                _("Predictions can not be read."), file=path, found=f"{type(error).__name__}: {error}"
            ) from error
        classes = tuple(name.removeprefix(PROBABILITY) for name in table.columns if name.startswith(PROBABILITY))
        if not classes:
            raise DataError(_("The file holds no class probabilities."), file=path, expected=PROBABILITY + "<class>")
        return cls(table, classes)


def decide(probabilities: np.ndarray, threshold: float | None) -> np.ndarray:
    """(n,) class index from (n, K) probabilities: the positive class from ``threshold`` on, or the largest."""
    if threshold is None or probabilities.shape[1] != 2:
        return np.asarray(probabilities.argmax(axis=1))
    return np.where(probabilities[:, 1] >= threshold, 1, 0)
