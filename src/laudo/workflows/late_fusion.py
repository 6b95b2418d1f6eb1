"""An answer for the text beside the image's, and how much each counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe
from laudo.networks.classical import ClassicalClassifier
from laudo.predict.text_part import TextPart
from laudo.train.classical import fit_classical
from laudo.train.pool_weights import pool_weights
from laudo.workflows.texts import ReadTexts


@dataclass(frozen=True)
class LateFusion:
    """What was fitted beside the image's answers.

    Attributes:
        part: the text's side of the model.
        read: the texts as numbers.
        unseen: (n, K) the text's answers, where no classifier that gave one was trained on the sample; zeros elsewhere.
        tried: what validation has chosen among, a list a classifier.
    """

    part: TextPart
    read: ReadTexts
    unseen: np.ndarray
    tried: list[dict[str, Any]]

    def alone(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) the text's answers for these samples."""
        return self.part.answers(self.read.vectors[indices])

    def joined(self, answers: np.ndarray, indices: np.ndarray) -> np.ndarray:
        """(m, K) both answers together, given the image's."""
        return self.part.join(answers, self.read.vectors[indices])


def fit_late_fusion(
    recipe: Recipe,
    manifest: Manifest,
    read: ReadTexts,
    folds: np.ndarray | None,
    image: tuple[np.ndarray, np.ndarray],
) -> LateFusion:
    """Fit the text's classifier on the training part, and the weights on what neither side was trained on.

    Args:
        recipe: says which classifier.
        manifest: with parts.
        read: the texts as numbers.
        folds: (n,) which network of several has not seen the sample, from 1, 0 outside the training part: the text then has as
            many classifiers, divided as they are. None: the validation part chooses.
        image: rows that the image's side was not trained on, and its (m, K) answers for them.
    """
    network, training = recipe.network, recipe.training
    balanced = "balanced" in {training.class_weights, training.sampling} and network.text_classifier != "knn"
    weights: Literal["none", "balanced"] = "balanced" if balanced else "none"
    asked = network.model_copy(update={"classifier": network.text_classifier})
    unseen = np.zeros((len(manifest), len(manifest.classes)))
    classifiers: list[ClassicalClassifier] = []
    tried: list[dict[str, Any]] = []
    for train, val in _divisions(manifest, folds):
        sides = [(read.vectors[rows], manifest.labels[rows]) for rows in (train, val)]
        fitted = fit_classical(asked, sides[0], sides[1], len(manifest.classes), training.seed, weights)
        unseen[val] = fitted.classifier.probabilities(read.vectors[val])
        classifiers.append(fitted.classifier)
        tried.append({"tried": fitted.tried, "chosen": fitted.chosen})
    rows, answers = image
    known = read.vectors[rows].any(axis=1)  # samples without a text say nothing about what it is worth
    chosen: tuple[float, ...] = (1.0, 0.0)
    if known.any():
        kept = rows[known]
        chosen = pool_weights([answers[known], unseen[kept]], manifest.labels[kept])
    part = TextPart(read.encoder, recipe.data.text, tuple(classifiers), chosen)
    return LateFusion(part, read, unseen, tried)


def _divisions(manifest: Manifest, folds: np.ndarray | None) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows that are learned from and rows that choose, once for each classifier."""
    if folds is None:
        return [(manifest.indices("train"), manifest.indices("val"))]
    numbers = range(1, int(folds.max()) + 1)
    return [(np.flatnonzero((folds > 0) & (folds != number)), np.flatnonzero(folds == number)) for number in numbers]
