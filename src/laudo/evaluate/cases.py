"""Cases: predictions as plain arrays, checked once, with what every metric needs worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.predictions import PROBABILITY, Predictions
from laudo.evaluate.calibration import equal_mass_bins
from laudo.evaluate.ranking import Ranking, rank

POSITIVE = 1
"""Index of the positive class when there are two."""

SUM_TOLERANCE = 0.01
"""How far a row of probabilities may be from one: tables rounded to two or three decimals are still read."""


@dataclass(frozen=True)
class Cases:
    """What is scored. Make it with :meth:`from_predictions` or :meth:`from_arrays`.

    Attributes:
        probabilities: (n, K) float64.
        truth: (n,) int64 true class.
        decided: (n,) int64 class that was called.
        groups: (n,) int64 codes 0 … G-1 of what is resampled together.
        unknown_groups: how many samples had no group and count as one of their own.
    """

    probabilities: np.ndarray
    truth: np.ndarray
    decided: np.ndarray
    groups: np.ndarray
    unknown_groups: int = 0

    @classmethod
    def from_arrays(
        cls,
        probabilities: np.ndarray,
        truth: np.ndarray,
        decided: np.ndarray | None = None,
        groups: Sequence[object] | np.ndarray | None = None,
    ) -> Cases:
        """Check and hold arrays.

        Args:
            probabilities: (n, K).
            truth: (n,) class index.
            decided: (n,) class index; None: the largest probability.
            groups: (n,) names; None or an empty name: the sample is a group of its own.

        Raises:
            DataError: no samples, fewer than two classes, or rows that are not probabilities.
        """
        probabilities = np.asarray(probabilities, dtype=float)
        _check_probabilities(probabilities)
        codes, unknown = group_codes([""] * len(probabilities) if groups is None else groups)
        return cls(
            probabilities,
            np.asarray(truth, dtype=np.int64),
            probabilities.argmax(axis=1) if decided is None else np.asarray(decided, dtype=np.int64),
            codes,
            unknown,
        )

    @classmethod
    def from_predictions(cls, predictions: Predictions) -> Cases:
        """Check and hold a table of predictions, whoever made it.

        Raises:
            DataError: also when a label or a called class is not among the classes.
        """
        table = predictions.table
        for column in ("label", "predicted"):
            strange = sorted(set(map(str, table[column].unique())) - set(predictions.classes))
            if strange:
                raise DataError(
                    _("A class in the predictions has no probability."),
                    expected=", ".join(predictions.classes),
                    found=", ".join(strange[:5]),
                    cure=_("Give the table one column {name} for each class.").format(name=PROBABILITY + "<class>"),
                )
        groups = table["group"].where(~table["group"].isna(), "").tolist()
        return cls.from_arrays(predictions.probabilities, predictions.truth, predictions.decided, groups)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def n_classes(self) -> int:
        """K."""
        return int(self.probabilities.shape[1])

    @property
    def n_groups(self) -> int:
        """G."""
        return int(self.groups.max()) + 1

    @cached_property
    def present(self) -> np.ndarray:
        """Indices of the classes that occur in the truth."""
        return np.unique(self.truth)

    @cached_property
    def cells(self) -> np.ndarray:
        """(n, K * K) one-hot cell of the confusion matrix, row (truth) by row."""
        cells = np.zeros((len(self.truth), self.n_classes**2))
        cells[np.arange(len(self.truth)), self.truth * self.n_classes + self.decided] = 1.0
        return cells

    @cached_property
    def rankings(self) -> list[Ranking]:
        """Ranking of the samples for each class against the rest."""
        return [rank(self.probabilities[:, index], self.truth == index) for index in range(self.n_classes)]

    @cached_property
    def confidence(self) -> np.ndarray:
        """(n,) what is calibrated: the positive class's probability, or of more than two classes the largest."""
        return self.probabilities[:, POSITIVE] if self.n_classes == 2 else self.probabilities.max(axis=1)

    @cached_property
    def hit(self) -> np.ndarray:
        """(n,) 1.0 where what ``confidence`` speaks of came true."""
        called = POSITIVE if self.n_classes == 2 else self.probabilities.argmax(axis=1)
        return np.asarray(self.truth == called, dtype=float)

    @cached_property
    def bins(self) -> np.ndarray:
        """(n,) reliability bin of each sample, from 0."""
        return equal_mass_bins(self.confidence)


def group_codes(groups: Sequence[object] | np.ndarray) -> tuple[np.ndarray, int]:
    """(n,) int64 codes from 0, and how many samples had no group; each of those gets a code of its own.

    Codes follow the order of the names, not of the rows, so that the resamples do not depend on the order of a table.
    """
    names = np.asarray(["" if name is None else str(name) for name in groups])
    blank = names == ""
    codes = np.empty(len(names), dtype=np.int64)
    known, codes[~blank] = np.unique(names[~blank], return_inverse=True)
    codes[blank] = len(known) + np.arange(blank.sum())
    return codes, int(blank.sum())


def _check_probabilities(probabilities: np.ndarray) -> None:
    if probabilities.ndim != 2 or len(probabilities) == 0:
        raise DataError(_("There are no predictions to score."))
    if probabilities.shape[1] < 2:
        raise DataError(
            _("Predictions of fewer than two classes can not be scored."), found=str(probabilities.shape[1])
        )
    inside = np.isfinite(probabilities) & (probabilities >= -1e-6) & (probabilities <= 1 + 1e-6)
    wrong = ~(inside.all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) <= SUM_TOLERANCE))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            _("The probabilities of a sample do not add up to one."),
            expected=_("numbers from 0 to 1 with the sum 1 in each row"),
            found=_("such rows: {n}; the first is row {row}: {values}").format(
                n=int(wrong.sum()), row=row + 1, values=", ".join(f"{value:g}" for value in probabilities[row])
            ),
        )
