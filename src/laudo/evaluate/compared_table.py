"""What a comparison needs to know of runs, whether they outlined structures or named classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from laudo.evaluate.aligned import Aligned
from laudo.evaluate.resampled import Place, Resampled

Cell = dict[str, Any]
"""A value or a difference, its interval and its test, ready for compare.json."""

Claim = tuple[str, Place]
"""A metric of a structure, of a class, or of the whole, that is tested."""

FEW_GROUPS = 20
"""With fewer, percentile intervals are too narrow: of normal differences they cover 0.84 with 5 groups and 0.90 with 10."""


class ComparedTable(ABC):
    """Runs on the same cases.

    Attributes:
        kind: ``segmentation`` or ``classification``.
        per: key under which compare.json keeps the places: ``per_structure`` or ``per_class``.
        primary: the metric that the verdict speaks of.
        lower_is_better: metrics of which less is better.
        aligned: the cases.
        resampled: values of all runs.
    """

    kind: str
    per: str
    primary: str
    lower_is_better: frozenset[str]
    aligned: Aligned
    resampled: Resampled

    @property
    @abstractmethod
    def families(self) -> tuple[tuple[Claim, ...], ...]:
        """Tests that are corrected together; the first family holds the primary metric of the whole."""

    @abstractmethod
    def estimate(self, run: int, metric: str, place: Place) -> Cell:
        """``value, ci95`` of a run."""

    @abstractmethod
    def counted(self, metric: str, place: Place) -> tuple[int, int]:
        """How many cases, and how many groups of them, a difference rests on."""

    @abstractmethod
    def cell(self, a: int, b: int, metric: str, place: Place) -> Cell:
        """Difference of run ``b`` minus run ``a``: ``value, ci95, n, groups, p, method``, effect sizes and counts of cases."""

    @abstractmethod
    def detectable(self, a: int, b: int, metric: str, tests: int) -> float | None:
        """Difference that would have been found in four of five such samples."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """``structures`` or ``classes``, and what else compare.json says of the table."""

    @abstractmethod
    def own_notes(self) -> list[dict[str, Any]]:
        """What a reader must know of the figures of this kind."""

    def has(self, metric: str, place: Place) -> bool:
        """Whether there is such a metric of such a place."""
        return place is None or metric in self.metrics_of_places

    @property
    @abstractmethod
    def metrics_of_places(self) -> frozenset[str]:
        """Metrics that each structure or class has."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """All of them."""
        return self.resampled.metrics

    @property
    def places(self) -> tuple[Place, ...]:
        """The whole, then every structure or class."""
        return self.resampled.places

    def by_place(self, metric: str, found: dict[Place, Any]) -> dict[str, Any]:
        """``{"mean": …, "per_structure": {name: …}}`` from what stands at each place of a metric."""
        return {"mean": found[None], self.per: {place: one for place, one in found.items() if place is not None}}

    def of_metric(self, metric: str) -> list[Place]:
        """Places at which a metric is known."""
        return [place for place in self.places if self.has(metric, place)]

    def notes(self) -> list[dict[str, Any]]:
        """What a reader must know, as ``{"id", …}``."""
        return [*self.own_notes(), *notes_of_cases(self.aligned)]


def notes_of_cases(aligned: Aligned) -> list[dict[str, Any]]:
    """What there is to say of cases and groups."""
    notes: list[dict[str, Any]] = []
    if aligned.n_groups < FEW_GROUPS:
        notes.append({"id": "few_groups", "groups": aligned.n_groups})
    if aligned.unknown_groups:
        notes.append({"id": "groups_unknown", "n": aligned.unknown_groups})
    if aligned.groups_differ:
        notes.append({"id": "groups_differ"})
    if any(aligned.left_out):
        notes.append({"id": "left_out", "n": list(aligned.left_out), "shared": len(aligned)})
    return notes
