"""The part of a model that reads texts, and how its answer joins the image's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from laudo.core.run import Run
from laudo.networks.classical import ClassicalClassifier, load_classical
from laudo.networks.pooled import pooled
from laudo.networks.text_encoder import TextEncoder
from laudo.networks.text_encoders import load_text_encoder


@dataclass(frozen=True)
class TextPart:
    """What reads a sample's text.

    Attributes:
        encoder: text to numbers.
        columns: of the manifest, whose texts it was trained on, one below the other.
        classifiers: that answer for the text, the mean of which counts; empty where the image's classifier is given the numbers.
        weights: of the image's answer and of the text's; empty without classifiers.
    """

    encoder: TextEncoder
    columns: tuple[str, ...]
    classifiers: tuple[ClassicalClassifier, ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def is_late(self) -> bool:
        """Whether the text has an answer of its own."""
        return bool(self.classifiers)

    @property
    def size_beside(self) -> int:
        """How many numbers the image's classifier is given."""
        return 0 if self.is_late else self.encoder.size

    def beside(self, descriptors: np.ndarray | None, texts: Sequence[str]) -> np.ndarray | None:
        """(B, D) what the image's classifier is given beside the image: descriptors, then the texts' numbers."""
        if self.is_late:
            return descriptors
        vectors = self.encoder.encode(texts)
        return vectors if descriptors is None else np.concatenate([descriptors, vectors], axis=1)

    def answers(self, vectors: np.ndarray) -> np.ndarray:
        """(B, K) float64 probabilities from (B, D) numbers of the texts."""
        mean: np.ndarray = np.mean([one.probabilities(vectors) for one in self.classifiers], axis=0)
        return mean

    def join(self, answers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """(B, K) image's and text's answers together; where nothing of a text is known, the image's alone."""
        return self.join_answers(answers, self.answers(vectors), vectors) if self.is_late else answers

    def join_answers(self, answers: np.ndarray, of_text: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """The same with the text's (B, K) answers given."""
        joined = pooled([answers, of_text], self.weights)
        return np.where(vectors.any(axis=1, keepdims=True), joined, answers)

    def save(self, run: Run) -> dict[str, Any]:
        """Write it into the run's folder ``text``; what model.json says of it."""
        self.encoder.save(run.text_folder)
        for number, classifier in enumerate(self.classifiers, start=1):
            classifier.save(run.text_classifier_path(number))
        return {
            "columns": list(self.columns),
            "size": self.encoder.size,
            "kind": self.encoder.kind,
            "classifiers": len(self.classifiers),
            "weights": list(self.weights),
        }

    @classmethod
    def load(cls, run: Run, facts: dict[str, Any], classes: int, device: torch.device) -> TextPart:
        """Read what :meth:`save` wrote; nothing is unpickled.

        Args:
            run: the run.
            facts: ``text`` of model.json.
            classes: that the model tells apart.
            device: where the encoder computes.

        Raises:
            RunError: a file is missing, damaged or not of this model.
        """
        try:
            size, count = int(facts["size"]), int(facts["classifiers"])
            columns, weights = tuple(map(str, facts["columns"])), tuple(map(float, facts["weights"]))
            if len(weights) != (2 if count else 0) or not all(0 <= weight < np.inf for weight in weights):
                raise ValueError(f"weights {weights}")
        except (KeyError, TypeError, ValueError) as error:
            raise run.damaged(run.model_path, f"{type(error).__name__}: {error}") from error
        encoder = load_text_encoder(run.text_folder, device)
        if encoder.size != size:
            raise run.damaged(run.text_folder, f"{encoder.size} ≠ {size}")
        paths = [run.text_classifier_path(number) for number in range(1, count + 1)]
        classifiers = tuple(load_classical(path) for path in paths)
        for path, one in zip(paths, classifiers, strict=True):
            if (one.features, one.classes) != (encoder.size, classes):
                raise run.damaged(path, f"{one.features}, {one.classes} ≠ {encoder.size}, {classes}")
        return cls(encoder, columns, classifiers, weights)
