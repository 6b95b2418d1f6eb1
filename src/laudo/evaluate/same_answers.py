"""Answers of several runs that named the same classes of the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.evaluate.aligned import Aligned, align
from laudo.evaluate.cases import Cases
from laudo.evaluate.label_cases import LabelCases


@dataclass(frozen=True)
class SameAnswers(Aligned):
    """Predictions of several runs, row by row of the same cases.

    Attributes:
        predictions: of each run; samples and classes in the order of the first run's.
        cases: the same as arrays, with the groups of all runs.
    """

    predictions: tuple[Predictions, ...]
    cases: tuple[Cases | LabelCases, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; of two, the second is the positive one."""
        return self.predictions[0].classes

    @property
    def multilabel(self) -> bool:
        """Whether a sample may have several labels, or none."""
        return self.predictions[0].multilabel

    @property
    def truth(self) -> np.ndarray:
        """(n,) true class; of samples with several labels (n, K), 1 for each that is true."""
        return self.cases[0].truth

    def right(self, run: int) -> np.ndarray:
        """(n,) bool: the answer of a run is the truth; of several labels, all of them."""
        return self.predictions[run].right


def same_answers(names: Sequence[str], predictions: Sequence[Predictions], shared: bool = False) -> SameAnswers:
    """Align the predictions of one run or more.

    Args:
        names: of the runs.
        predictions: of each run; rows and classes may be in other orders.
        shared: leave out cases that a run does not have; else that is an error.

    Raises:
        DataError: the runs did not name the same classes of the same cases, or their labels differ.
    """
    first = predictions[0]
    for name, one in zip(names, predictions, strict=True):
        if set(one.classes) != set(first.classes):
            raise DataError(
                _("The runs did not name the same classes."),
                expected=f"{names[0]}: {', '.join(first.classes)}",
                found=f"{name}: {', '.join(one.classes)}",
                details=_differing_classes(names[0], first, name, one),
            )
        if one.multilabel != first.multilabel:
            raise DataError(
                _("In one run a sample may have several labels, in another it has one class."),
                file=name,
            )
    common = align(names, [one.table for one in predictions], shared)
    aligned = tuple(
        Predictions(
            one.table.assign(sample=one.table["sample"].astype(str)).iloc[rows].reset_index(drop=True), first.classes
        )
        for one, rows in zip(predictions, common.rows, strict=True)
    )
    kind = LabelCases if first.multilabel else Cases
    cases = tuple(replace(kind.from_predictions(one), groups=common.groups) for one in aligned)
    for name, one, own in zip(names[1:], aligned[1:], cases[1:], strict=True):
        _same_labels(names[0], aligned[0], name, one, np.asarray(cases[0].truth != own.truth))
    return SameAnswers(**vars(common), predictions=aligned, cases=cases)


def _differing_classes(name: str, one: Predictions, other_name: str, other: Predictions) -> tuple[str, ...]:
    """Classes that only one of the two has."""
    only = [(name, sorted(set(one.classes) - set(other.classes)))]
    only.append((other_name, sorted(set(other.classes) - set(one.classes))))
    return tuple(
        _("only in {name}: {classes}").format(name=owner, classes=", ".join(found)) for owner, found in only if found
    )


def _same_labels(name: str, one: Predictions, other_name: str, other: Predictions, differing: np.ndarray) -> None:
    rows = np.flatnonzero(differing.any(axis=1) if differing.ndim == 2 else differing)
    if not len(rows):
        return
    row = int(rows[0])
    raise DataError(
        _("The runs were not judged against the same labels."),
        expected=f"{name}: {one.table['label'].iloc[row]}",
        found=f"{other_name}: {other.table['label'].iloc[row]}",
        details=(
            _("{sample}: the labels differ; so in {n} cases.").format(
                sample=one.table["sample"].iloc[row], n=len(rows)
            ),
        ),
    )
