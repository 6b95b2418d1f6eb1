"""Fit classifiers of scikit-learn on fixed features: every candidate on the training part, the best on validation is kept."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import say, track
from laudo.core.recipe import Classical, Network
from laudo.networks.classical import ITERATIONS, ClassicalClassifier, Kind, build_estimator, decision_values, softmax

CHOICES: dict[Kind, tuple[str, ...]] = {
    "knn": ("neighbours",),
    "logistic_regression": ("c",),
    "svm": ("c",),
    "random_forest": ("leaf",),
    "gradient_boosting": ("leaf",),
}
"""Settings of which the validation part chooses one of several values."""
LEAST = float(np.finfo(np.float64).eps)
"""Smallest probability that the log-loss counts."""
Sample = tuple[np.ndarray, np.ndarray]
"""(n, D) features and (n,) classes."""


@dataclass(frozen=True)
class FittedClassical:
    """What came of a fit.

    Attributes:
        classifier: the best candidate on validation.
        tried: each candidate's ``settings`` and its ``balanced_accuracy``, ``accuracy`` and ``log_loss`` on validation, in
            the order in which they were tried.
        chosen: which of them.
    """

    classifier: ClassicalClassifier
    tried: list[dict[str, Any]]
    chosen: int


def fit_classical(
    network: Network,
    train: Sample,
    val: Sample,
    classes: int,
    seed: int,
    class_weights: Literal["none", "balanced"] = "none",
) -> FittedClassical:
    """Fit what ``network.classifier`` names, once for each combination of values that ``network.classical`` gives.

    The best has the highest balanced accuracy on validation; of equal ones the lower log-loss counts, then the earlier. The same
    arguments give the same classifier. Validation also scales the decision values of support vector machines to probabilities (one
    temperature), and ends boosting when it no longer helps.

    Args:
        network: `classifier` and `classical` of the recipe.
        train: samples that are learned from.
        val: samples that choose.
        classes: number of classes, of which the parts may lack some.
        seed: of forests and boosting.
        class_weights: `balanced` weighs each class by the inverse of its frequency, where the estimator can: `knn` can not.

    Raises:
        DataError: the training part has fewer than two classes, or validation is empty.
        ValueError: the classifier is no classical one, or a feature is not finite.
    """
    kind = network.classifier
    if kind == "dense":
        raise ValueError("dense layers are trained as networks are")
    if len(np.unique(train[1])) < 2:
        raise DataError(_("The training part has fewer than two classes: nothing can be learned from it."))
    if not len(val[1]):
        raise DataError(_("The validation part is empty: without it nothing can be chosen."))
    train, val = (train[0].astype(np.float64), train[1]), (val[0].astype(np.float64), val[1])
    tried: list[dict[str, Any]] = []
    best: ClassicalClassifier | None = None
    chosen = 0
    candidates = list(_candidates(kind, network.classical))
    for number, (settings, values) in enumerate(track(candidates, _("Fitting"), total=len(candidates))):
        candidate = _fit(kind, settings, train, val, classes, seed, class_weights == "balanced")
        tried.append({"settings": values, **_figures(candidate.probabilities(val[0]), val[1])})
        if best is None or _rank(tried[number]) < _rank(tried[chosen]):
            best, chosen = candidate, number
    assert best is not None
    if kind == "logistic_regression" and best.pipeline.steps[-1][1].n_iter_.max() >= ITERATIONS:
        say(
            _("Logistic regression has not reached its end after {n} steps; standardise the features.").format(
                n=ITERATIONS
            )
        )
    return FittedClassical(best, tried, chosen)


def _candidates(kind: Kind, settings: Classical) -> Iterator[tuple[Classical, dict[str, float]]]:
    names = CHOICES[kind]
    for values in product(*[getattr(settings, name) for name in names]):
        chosen = dict(zip(names, values, strict=True))
        yield settings.model_copy(update={name: (value,) for name, value in chosen.items()}), chosen


def _fit(
    kind: Kind, settings: Classical, train: Sample, val: Sample, classes: int, seed: int, balanced: bool
) -> ClassicalClassifier:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    estimator = build_estimator(kind, settings, seed, balanced, len(train[1]))
    scaler = StandardScaler().fit(train[0]) if settings.standardise else None
    features = train[0] if scaler is None else scaler.transform(train[0])
    extra: dict[str, Any] = {}
    if kind == "gradient_boosting":
        known = np.isin(val[1], train[1])
        if known.any():
            seen = val[0][known]
            extra = {"X_val": seen if scaler is None else scaler.transform(seen), "y_val": val[1][known]}
        else:
            estimator.set_params(early_stopping=False)
    if kind == "random_forest":
        estimator.set_params(n_jobs=os.cpu_count())  # each tree has a seed of its own: the forest is the same
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # said once, of the candidate that is chosen
        estimator.fit(features, train[1], **extra)
    if kind == "random_forest":
        estimator.set_params(n_jobs=1)  # sums of threads that finish in any order differ in the last digit
    steps = [("scaler", scaler)] if scaler is not None else []
    pipeline = Pipeline([*steps, ("classifier", estimator)])
    temperature = _temperature(pipeline, val) if kind == "svm" else 1.0
    return ClassicalClassifier(kind, pipeline, classes, temperature)


def _temperature(pipeline: Any, val: Sample) -> float:
    """What decision values are divided by so that their softmax has the lowest log-loss on validation.

    Guo C, Pleiss G, Sun Y, Weinberger K Q. On calibration of modern neural networks. ICML 2017. Unlike the calibration that
    scikit-learn offers in place of ``SVC(probability=True)``, it needs no folds inside the training part, which would divide
    patients and fail on rare classes, and it never changes which class is the likeliest.
    """
    from scipy.optimize import minimize_scalar

    known = np.asarray(pipeline.classes_)
    seen = np.isin(val[1], known)
    if not seen.any():
        return 1.0
    values, targets = decision_values(pipeline, val[0][seen]), np.searchsorted(known, val[1][seen])

    def loss(exponent: float) -> float:
        shares = softmax(values / np.exp(exponent))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(shares, LEAST)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-4.0, 4.0), method="bounded").x))


def _figures(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Balanced accuracy over the classes that are there, accuracy, log-loss."""
    right = probabilities.argmax(axis=1) == targets
    own = probabilities[np.arange(len(targets)), targets]
    return {
        "balanced_accuracy": float(np.mean([right[targets == label].mean() for label in np.unique(targets)])),
        "accuracy": float(right.mean()),
        "log_loss": float(-np.log(np.maximum(own, LEAST)).mean()),
    }


def _rank(tried: dict[str, Any]) -> tuple[float, float]:
    """Smaller is better."""
    return -tried["balanced_accuracy"], tried["log_loss"]
