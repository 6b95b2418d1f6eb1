"""Classifiers of scikit-learn on fixed features, kept in a file from which nothing is unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from laudo.core.atomic import atomic_path
from laudo.core.recipe import Classical, ClassicalName
from laudo.networks.classical_file import damaged_model, read_checked

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Kind = ClassicalName
KINDS: tuple[Kind, ...] = get_args(ClassicalName)
VERSION = 1
"""Of the file; raised when its layout changes."""
ITERATIONS = 5000
"""Steps of logistic regression at most; features that are not standardised need many."""


@dataclass(frozen=True)
class ClassicalClassifier:
    """A fitted classifier: (B, D) features to (B, K) probabilities.

    Attributes:
        kind: as `network.classifier` names it.
        pipeline: fitted; its classes are whole numbers below ``classes``, of which the training part may lack some.
        classes: number of classes.
        temperature: divides the decision values of `svm` before the softmax; 1 for the others, which have probabilities.
    """

    kind: Kind
    pipeline: Pipeline
    classes: int
    temperature: float = 1.0

    @property
    def features(self) -> int:
        """Number of features it was fitted on."""
        return int(self.pipeline.n_features_in_)

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(B, K) float64 in the order of the classes; 0 for a class that the training part lacked.

        Args:
            features: (B, D), as many as it was fitted on.

        Raises:
            ValueError: another number of features.
        """
        if features.ndim != 2 or features.shape[1] != self.features:
            raise ValueError(f"features of shape {features.shape}, fitted on {self.features}")
        out = np.zeros((len(features), self.classes))
        if len(features):
            features = features.astype(np.float64)  # else scikit-learn answers in single precision
            known = np.asarray(self.pipeline.classes_)
            out[:, known] = (
                softmax(decision_values(self.pipeline, features) / self.temperature)
                if self.kind == "svm"
                else self.pipeline.predict_proba(features)
            )
        return out

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: it can not be written.
        """
        import skops.io

        content = {
            "version": VERSION,
            "kind": self.kind,
            "classes": self.classes,
            "temperature": self.temperature,
            "pipeline": self.pipeline,
        }
        with atomic_path(path) as temporary:
            skops.io.dump(content, temporary, compression=8)  # 8 is zip's deflate


def load_classical(path: Path) -> ClassicalClassifier:
    """Read what :meth:`ClassicalClassifier.save` wrote.

    Raises:
        RunError: the file is missing, damaged, of another version, or holds a type that no such model has; nothing of it was
            executed then.
    """
    content = read_checked(path)
    try:
        version, kind, classes = content["version"], content["kind"], content["classes"]
        temperature, pipeline = float(content["temperature"]), content["pipeline"]
        if version != VERSION or kind not in KINDS or type(classes) is not int:
            raise ValueError(f"version {version}, kind {kind}, classes {classes}")
        _check(pipeline, kind, classes)
        if not (np.isfinite(temperature) and temperature > 0):
            raise ValueError(f"temperature {temperature}")
        model = ClassicalClassifier(kind, pipeline, classes, temperature)
        model.probabilities(np.zeros((1, model.features), dtype=np.float32))
    except Exception as error:  # what a tampered file leaves out, scikit-learn misses in many ways
        raise damaged_model(path, error) from error
    return model


def build_estimator(kind: Kind, settings: Classical, seed: int, balanced: bool, samples: int) -> Any:
    """An estimator of scikit-learn, not fitted, with the first of the recipe's values.

    Args:
        kind: which.
        settings: of the recipe.
        seed: of forests and boosting.
        balanced: weigh each class by the inverse of its frequency, where the estimator can; neighbours can not.
        samples: number of training samples; no more neighbours than that can vote.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    weights = "balanced" if balanced else None
    c, leaf = settings.c[0], settings.leaf[0]
    if kind == "knn":
        # By brute force: with hundreds of features a tree is no faster, and the file would hold one.
        return KNeighborsClassifier(min(settings.neighbours[0], samples), algorithm="brute")
    if kind == "logistic_regression":
        return LogisticRegression(C=c, max_iter=ITERATIONS, class_weight=weights)
    if kind == "svm":
        return SVC(C=c, class_weight=weights, random_state=seed)
    if kind == "random_forest":
        return RandomForestClassifier(
            settings.trees, min_samples_leaf=leaf, class_weight=weights, random_state=seed, n_jobs=1
        )
    return HistGradientBoostingClassifier(
        max_iter=settings.trees,
        min_samples_leaf=leaf,
        class_weight=weights,
        early_stopping=True,
        random_state=seed,
    )


def decision_values(pipeline: Pipeline, features: np.ndarray) -> np.ndarray:
    """(B, classes it knows) values of a support vector machine; of two classes, plus and minus half of the one value it has."""
    values: np.ndarray = np.asarray(pipeline.decision_function(features), dtype=np.float64)
    return np.stack([-values / 2, values / 2], axis=1) if values.ndim == 1 else values


def softmax(values: np.ndarray) -> np.ndarray:
    """(B, K) shares of (B, K) values."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _check(pipeline: object, kind: Kind, classes: int) -> None:
    """Raise ValueError when what was read is no fitted classifier of this kind."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    if not isinstance(pipeline, Pipeline):
        raise ValueError(f"pipeline {type(pipeline).__name__}")
    check_is_fitted(pipeline)
    expected = type(build_estimator(kind, Classical(), 0, False, 1))
    if type(pipeline.steps[-1][1]) is not expected:
        raise ValueError(f"{kind}: {type(pipeline.steps[-1][1]).__name__}")
    known = np.asarray(pipeline.classes_)
    if known.dtype.kind not in "iu" or len(known) < 2 or known.min() < 0 or known.max() >= classes:
        raise ValueError(f"classes {known}")
