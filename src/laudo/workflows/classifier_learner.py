"""What every learner of classes can do: answer for any image of its data set."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.predictions import Threshold
from laudo.networks.classifier import Classifier
from laudo.networks.ensemble import Ensemble
from laudo.predict.model import Model
from laudo.workflows.dataset import Dataset
from laudo.workflows.learner import Learner
from laudo.workflows.looking import Looking


@dataclass
class ClassifierLearner(Learner[Dataset]):
    """Learns the class of a picture."""

    @abstractmethod
    def predict(self, indices: np.ndarray) -> np.ndarray:
        """(m, K) float64 probabilities of these images."""

    @abstractmethod
    def model(self, classes: tuple[str, ...], threshold: Threshold, facts: dict[str, Any]) -> Model:
        """What was trained, to be kept.

        Args:
            classes: in the order of the outputs.
            threshold: of the positive class of two.
            facts: what else model.json is to say.
        """

    @property
    @abstractmethod
    def explained(self) -> Classifier | Ensemble | None:
        """The network of which class-activation maps can be drawn; None when there is none."""

    @abstractmethod
    def looking(self, manifest: Manifest) -> list[Looking]:
        """How each network that was trained looks at images, nothing beside them; a classical classifier counts as one."""

    @property
    def descriptors(self) -> np.ndarray | None:
        """(n, D) descriptors beside the images that :attr:`explained` is given; None without."""
        return None

    def validation(self, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
        """Rows whose answers may choose a threshold, (m,), and their (m, K) probabilities: none of them was trained on."""
        rows = manifest.indices("val")
        return rows, self.predict(rows)
