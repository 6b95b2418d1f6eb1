"""Cases of samples that may have several labels or none: each label is a question of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.evaluate.calibration import equal_mass_bins
from laudo.evaluate.cases import group_codes
from laudo.evaluate.ranking import Ranking, rank

HALF = 0.5


@dataclass(frozen=True)
class LabelCases:
    """What is scored. Make it with :meth:`from_predictions` or :meth:`from_arrays`.

    Attributes:
        probabilities: (n, K) float64, each a label's own.
        truth: (n, K) float64, 1 for each label that a sample has, else 0.
        decided: (n, K) float64, 1 for each label that was called.
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
    ) -> LabelCases:
        """Check and hold arrays.

        Args:
            probabilities: (n, K).
            truth: (n, K), 1 or 0.
            decided: (n, K), 1 or 0; None: probabilities from 0.5 on.
            groups: (n,) names; None or an empty name: the sample is a group of its own.

        Raises:
            DataError: no samples, or numbers that are no probabilities.
        """
        probabilities = np.asarray(probabilities, dtype=float)
        _check(probabilities)
        codes, unknown = group_codes([""] * len(probabilities) if groups is None else groups)
        called = probabilities >= HALF if decided is None else np.asarray(decided)
        return cls(probabilities, np.asarray(truth).astype(float), called.astype(float), codes, unknown)

    @classmethod
    def from_predictions(cls, predictions: Predictions) -> LabelCases:
        """Check and hold a table of predictions.

        Raises:
            DataError: see :meth:`from_arrays`.
        """
        groups = predictions.table["group"].where(~predictions.table["group"].isna(), "").tolist()
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
        """Indices of the labels that some samples have and others have not: only these can be judged."""
        share = self.truth.mean(axis=0)
        return np.flatnonzero((share > 0) & (share < 1))

    @cached_property
    def rankings(self) -> list[Ranking]:
        """Ranking of the samples for each label."""
        return [rank(self.probabilities[:, index], self.truth[:, index] == 1) for index in range(self.n_classes)]

    @cached_property
    def confidence(self) -> np.ndarray:
        """(n * K,) what is calibrated: every probability of every sample, sample by sample."""
        return self.probabilities.ravel()

    @cached_property
    def hit(self) -> np.ndarray:
        """(n * K,) 1.0 where what ``confidence`` speaks of came true."""
        return self.truth.ravel()

    @cached_property
    def bins(self) -> np.ndarray:
        """(n * K,) reliability bin of each probability, from 0."""
        return equal_mass_bins(self.confidence)


def _check(probabilities: np.ndarray) -> None:
    if probabilities.ndim != 2 or probabilities.size == 0:
        raise DataError(_("There are no predictions to score."))
    inside = np.isfinite(probabilities) & (probabilities >= -1e-6) & (probabilities <= 1 + 1e-6)
    if not inside.all():
        row = int(np.flatnonzero(~inside.all(axis=1))[0])
        raise DataError(
            _("The probabilities of a sample are not between 0 and 1."),
            found=_("row {row}: {values}").format(
                row=row + 1, values=", ".join(f"{value:g}" for value in probabilities[row])
            ),
        )
