"""The file of a fitted classical model: written by skops, and read only when it holds nothing but what such models are made of."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import RunError
from laudo.core.messages import _

TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "numpy.random._generator.Generator",
        "numpy.uint64",
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.svm._classes.SVC",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._tree.Tree",
    }
)
"""Every type that the file may hold. A test saves each kind of model and compares."""
LOADERS = frozenset(
    {
        "DictNode",
        "JsonNode",
        "ListNode",
        "LossNode",
        "NdArrayNode",
        "ObjectNode",
        "RandomGeneratorNode",
        "TreeNode",
        "TupleNode",
        "TypeNode",
    }
)
"""Every way in which skops may build one; ways to call a function or a method are not among them."""
UNKNOWN_TO_SKOPS = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""Those that skops does not trust of its own accord, since they are not public: the trees of forests and boosting."""


def read_checked(path: Path) -> dict[str, Any]:
    """The dictionary in the file.

    Raises:
        RunError: the file is missing or damaged, or names a type or a way to build one that is not listed above; it is refused
            before anything is built from it.
    """
    import skops.io

    if not path.is_file():
        raise RunError(_("The fitted model is missing."), file=path, cure=_("Train again."))
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if broken is not None:
                raise ValueError(broken)
            schema = json.loads(archive.read("schema.json"))
        foreign = sorted(set(_foreign(schema)))
    except Exception as error:  # a damaged archive lets out errors of many kinds
        raise damaged_model(path, error) from error
    if foreign:
        raise RunError(
            _("The fitted model holds what no classical model of laudo has; nothing of it was executed."),
            file=path,
            found=", ".join(foreign[:5]),
            cure=_("Do not use this file. Train again, or ask whoever gave it to you."),
        )
    try:
        content = skops.io.loads(data, trusted=list(UNKNOWN_TO_SKOPS))
        if type(content) is not dict:
            raise ValueError(type(content).__name__)
        _check_trees(content.get("pipeline"))
    except Exception as error:
        raise damaged_model(path, error) from error
    return content


def damaged_model(path: Path, error: Exception) -> RunError:
    """The error for a file that is not what was written."""
    return RunError(
        _("The fitted model can not be read."),
        file=path,
        expected=_("a classical model written by this version of laudo"),
        found=f"{type(error).__name__}: {error}"[:300],
        cure=_("Train again, or bring the file back from a copy."),
    )


def _foreign(node: object) -> Iterator[str]:
    """Names of types and ways to build them that are not allowed, wherever in the description they stand."""
    if isinstance(node, dict):
        if "__loader__" in node or "__class__" in node or "__module__" in node:
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            if name not in TYPES:
                yield name
            if node.get("__loader__") not in LOADERS:
                yield f"{name} ({node.get('__loader__')})"
        for value in node.values():
            yield from _foreign(value)
    elif isinstance(node, list):
        for value in node:
            yield from _foreign(value)


def _check_trees(pipeline: Any) -> None:
    """Raise ValueError when a node of a tree points outside it: scikit-learn follows such pointers without looking."""
    model = pipeline.steps[-1][1]
    features = int(pipeline.n_features_in_)
    for tree in getattr(model, "estimators_", ()):
        state = tree.tree_.__getstate__()["nodes"]
        inner = state["left_child"] != -1
        _check_links(state["left_child"][inner], state["right_child"][inner], state["feature"][inner], inner, features)
    for stage in getattr(model, "_predictors", ()):
        for tree in stage:
            inner = tree.nodes["is_leaf"] == 0
            nodes = tree.nodes[inner]
            if nodes["is_categorical"].any():
                raise ValueError("a tree splits by categories")
            _check_links(nodes["left"], nodes["right"], nodes["feature_idx"], inner, features)


def _check_links(left: np.ndarray, right: np.ndarray, feature: np.ndarray, inner: np.ndarray, features: int) -> None:
    """Children come after their parent, so that every way through the tree ends."""
    parents = np.flatnonzero(inner)
    for child in (left.astype(np.int64), right.astype(np.int64)):
        if (child <= parents).any() or (child >= len(inner)).any():
            raise ValueError("a tree points outside itself")
    if (feature.astype(np.int64) < 0).any() or (feature.astype(np.int64) >= features).any():
        raise ValueError("a tree asks for a feature that is not there")
