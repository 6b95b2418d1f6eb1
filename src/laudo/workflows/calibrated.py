"""A learner whose answers are scaled by the temperature that its validation answers ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.predictions import Predictions, Threshold
from laudo.core.recipe import Recipe
from laudo.evaluate.cases import group_codes
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.intervals import paired_difference
from laudo.evaluate.temperature import Temperature, fit_temperature, scale
from laudo.workflows.answering import Answering

OF_PROBABILITIES = ("ece", "brier", "log_loss")
"""Metrics that a temperature changes."""
RAW = "uncalibrated"
"""Predictions before scaling are in ``predictions/<part>-uncalibrated``."""


@dataclass(frozen=True)
class Calibrated:
    """See :class:`laudo.workflows.answering.Answering`.

    Attributes:
        plain: whose answers are scaled.
        temperature: found on its validation answers: of several networks, each image's answer is that of the one network which has
            not seen it, and the temperature that is found scales the mean of all.
        several: whether a sample may have several labels.
    """

    plain: Answering
    temperature: Temperature
    several: bool

    @property
    def recipe(self) -> Recipe:
        """Of the learner."""
        return self.plain.recipe

    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these samples."""
        return self._scaled(self.plain.predict(indices))

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """Rows that may choose a threshold, and their probabilities."""
        rows, answers = self.plain.validation(manifest)
        return rows, self._scaled(answers)

    def scaled(self, raw: Predictions, threshold: Threshold, manifest: Manifest) -> Predictions:
        """Predictions of :attr:`plain`, scaled, without asking again."""
        return Predictions.build(raw.table, self._scaled(raw.probabilities), raw.classes, threshold, manifest.separator)

    def _scaled(self, answers: np.ndarray) -> np.ndarray:
        return scale(answers, self.temperature.value, self.several)


def calibrated(learner: Answering, manifest: Manifest) -> Answering:
    """The learner with the calibration that its recipe asks for; itself, where it asks for none."""
    if learner.recipe.evaluation.calibration == "none":
        return learner
    rows, answers = learner.validation(manifest)
    groups, _unknown = group_codes(manifest.table["group"].iloc[rows].tolist())
    found = fit_temperature(answers, manifest.targets[rows], groups, manifest.multilabel)
    return Calibrated(learner, found, manifest.multilabel)


def before_and_after(before: Predictions, after: Predictions, bootstrap: int, seed: int) -> dict[str, Any]:
    """What scaling has done to the probabilities of one part, for metrics.json.

    Args:
        before: predictions of the part, not scaled.
        after: the same, scaled.
        bootstrap: resamples of the groups.
        seed: of the resamples.

    Returns:
        ``before`` (``n, metrics, by_chance, reliability``) and ``change``, after minus before of each metric, paired.
    """
    scores = evaluate(before, bootstrap, seed)
    return {
        "before": {
            "n": scores["n"],
            "metrics": {name: scores["metrics"][name] for name in OF_PROBABILITIES},
            "by_chance": scores["calibration"]["by_chance"],
            "reliability": scores["curves"]["reliability"],
        },
        "change": paired_difference(after, before, OF_PROBABILITIES, bootstrap, seed),
    }
