"""Cases under many sets of sample weights: every quantity that metrics are made of, each worked out once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import numpy as np

from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.ranking import ratio, weighted_auc_pr, weighted_auc_roc


class Rates(ABC):
    """What is known of K classes, each against the rest, under R sets of weights.

    Args:
        cases: n samples.
        weights: (R, n), not negative, no row all zero.
    """

    cases: Cases | LabelCases

    def __init__(self, cases: Cases | LabelCases, weights: np.ndarray) -> None:
        self.cases = cases
        self.weights = weights

    @cached_property
    def total(self) -> np.ndarray:
        """(R,) sum of the weights."""
        return np.asarray(self.weights.sum(axis=1))

    @property
    @abstractmethod
    def right(self) -> np.ndarray:
        """(R, K) weight of each class that was called right."""

    @property
    @abstractmethod
    def actual(self) -> np.ndarray:
        """(R, K) weight of each class in the truth."""

    @property
    @abstractmethod
    def called(self) -> np.ndarray:
        """(R, K) weight of each class among the calls."""

    @cached_property
    def precision(self) -> np.ndarray:
        """(R, K); NaN where a class is never called."""
        return ratio(self.right, self.called)

    @cached_property
    def sensitivity(self) -> np.ndarray:
        """(R, K); NaN where a class is absent."""
        return ratio(self.right, self.actual)

    @cached_property
    def specificity(self) -> np.ndarray:
        """(R, K); NaN where there is nothing but the class."""
        total = self.total[:, None]
        return ratio(total - self.actual - self.called + self.right, total - self.actual)

    @cached_property
    def f1(self) -> np.ndarray:
        """(R, K); NaN where a class is absent."""
        return np.where(self.actual > 0, ratio(2 * self.right, self.actual + self.called), np.nan)

    @cached_property
    def auc_roc(self) -> np.ndarray:
        """(R, K) each class against the rest."""
        return np.stack([weighted_auc_roc(ranking, self.weights) for ranking in self.cases.rankings], axis=1)

    @cached_property
    def auc_pr(self) -> np.ndarray:
        """(R, K) average precision of each class against the rest."""
        return np.stack([weighted_auc_pr(ranking, self.weights) for ranking in self.cases.rankings], axis=1)

    def macro(self, rates: np.ndarray) -> np.ndarray:
        """(R,) unweighted mean over the classes that can be judged: those present in the data; NaN when there is none."""
        if not len(self.cases.present):
            return np.full(len(rates), np.nan)
        return np.asarray(rates[:, self.cases.present].mean(axis=1))

    def average(self, losses: np.ndarray) -> np.ndarray:
        """(R,) weighted mean of (n,) losses."""
        return np.asarray(self.weights @ losses / self.total)


class Weighted(Rates):
    """Samples of one class each."""

    def __init__(self, cases: Cases, weights: np.ndarray) -> None:
        super().__init__(cases, weights)
        self.cases: Cases = cases

    @cached_property
    def confusion(self) -> np.ndarray:
        """(R, K, K) weight of each cell; rows are the truth."""
        k = self.cases.n_classes
        return np.asarray(self.weights @ self.cases.cells).reshape(-1, k, k)

    @cached_property
    def right(self) -> np.ndarray:
        """(R, K) weight of each class that was called right."""
        return np.diagonal(self.confusion, axis1=1, axis2=2)

    @cached_property
    def actual(self) -> np.ndarray:
        """(R, K) weight of each class in the truth."""
        return np.asarray(self.confusion.sum(axis=2))

    @cached_property
    def called(self) -> np.ndarray:
        """(R, K) weight of each class among the calls."""
        return np.asarray(self.confusion.sum(axis=1))

    def headline(self, rates: np.ndarray) -> np.ndarray:
        """(R,) from (R, K): the positive class of two, else the mean over the classes present in the data.

        A resample that lost one of those classes is undefined, so that every resample estimates the same thing.
        """
        if self.cases.n_classes == 2:
            return rates[:, POSITIVE]
        return self.macro(rates)


class WeightedLabels(Rates):
    """Samples that may have several labels or none."""

    def __init__(self, cases: LabelCases, weights: np.ndarray) -> None:
        super().__init__(cases, weights)
        self.cases: LabelCases = cases

    @cached_property
    def right(self) -> np.ndarray:
        """(R, K) weight of the samples that have each label and were called so."""
        return np.asarray(self.weights @ (self.cases.truth * self.cases.decided))

    @cached_property
    def actual(self) -> np.ndarray:
        """(R, K) weight of the samples that have each label."""
        return np.asarray(self.weights @ self.cases.truth)

    @cached_property
    def called(self) -> np.ndarray:
        """(R, K) weight of the samples that were called to have each label."""
        return np.asarray(self.weights @ self.cases.decided)
