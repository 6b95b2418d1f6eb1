"""What leakage would be worth: one cheap model, the same images, under a random split and under a grouped one."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from laudo.audit.inspect import inspect_images
from laudo.audit.usable import require_usable
from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.core.errors import DataError, WeightsError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.predictions import Predictions
from laudo.core.progress import say, step
from laudo.core.recipe import Network, Prepare
from laudo.evaluate.evaluate import evaluate
from laudo.evaluate.intervals import paired_difference
from laudo.split.groups import assign_groups

FOLDS = 5
METRICS = ("accuracy", "balanced_accuracy", "auc_roc")
RESAMPLES = 2000
SIDE_PX = 224
"""Side of the images that the frozen backbone sees."""
PREFERRED = "mobilenetv2_100"
"""Backbone that is taken when several have weights in LAUDO_WEIGHTS."""
GREY_BINS = 32
DESCRIPTOR_SIDE = 16
"""Side of the small picture among the hand-made descriptors."""
PENALTY = 0.01
"""C of the logistic regression: strong regularisation, for there are as many features as images."""

Number = Callable[[float, int], str]


def inflation_worth(manifest: Manifest, seed: int = 0) -> dict[str, Any]:
    """Cross-validate a cheap model under both splits and compare them image by image.

    The features are those of a frozen backbone whose weights lie in ``LAUDO_WEIGHTS`` (nothing is ever downloaded), else hand-made
    descriptors; the model is a logistic regression on standardised features. The grouped split is the data set's own folds when
    it has some, else five folds in which patients and copies stay whole.

    Args:
        manifest: usable samples, as an audit leaves them.
        seed: of both splits and of the bootstrap.

    Returns:
        ``model, features, folds, grouped_by, images, groups, with_copy``; ``random`` and ``grouped``: metrics with 95 % intervals
        (bootstrap over groups); ``difference``: random minus grouped, paired.

    Raises:
        DataError: fewer than two classes, a class of one sample, or fewer groups than folds.
    """
    if len(manifest.classes) < 2:
        raise DataError(
            _("Without two classes there is no model whose figures leakage could inflate."), file=manifest.root
        )
    require_usable(manifest)
    if (manifest.table["group"] == "").any():
        manifest = assign_groups(manifest)
    name, features = descriptors(manifest)
    grouped_by, grouped = _grouped_folds(manifest, seed)
    splits = {"random": _random_folds(manifest, len(np.unique(grouped)), seed), "grouped": grouped}
    predictions = {by: _cross_validated(manifest, features, folds) for by, folds in splits.items()}
    scores = {by: evaluate(one, RESAMPLES, seed)["metrics"] for by, one in predictions.items()}
    return {
        "model": name,
        "features": int(features.shape[1]),
        "folds": len(np.unique(grouped)),
        "grouped_by": grouped_by,
        "images": len(manifest),
        "groups": int(manifest.table["group"].nunique()),
        "with_copy": int(manifest.table["group"].duplicated(keep=False).sum()),
        **{by: {metric: scores[by][metric] for metric in METRICS} for by in splits},
        "difference": paired_difference(predictions["random"], predictions["grouped"], METRICS, RESAMPLES, seed),
    }


def inflation_text(worth: dict[str, Any], _: Callable[[str], str], number: Number) -> str:
    """The outcome in a few sentences."""
    low, high = worth["difference"]["accuracy"]["ci95"] or (None, None)
    words = {
        "model": model_name(worth["model"], _),
        "n": worth["images"],
        "groups": worth["groups"],
        "folds": worth["folds"],
        "random": _estimate(worth["random"]["accuracy"], number),
        "grouped": _estimate(worth["grouped"]["accuracy"], number),
        "difference": number(worth["difference"]["accuracy"]["value"], 3),
        "interval": "–" if low is None or high is None else f"{number(low, 3)} … {number(high, 3)}",
        "how": _(_how(worth["grouped_by"])),
    }
    text = _(
        "What leakage would be worth: {model} has accuracy {random} when images are divided at random, and {grouped} when {how} "
        "({folds} folds, the same {n} images in {groups} groups). Difference {difference} (95 % interval {interval}, paired)."
    )
    return text.format(**words)


def model_name(model: str, _: Callable[[str], str]) -> str:
    """The cheap model in words."""
    if model == "descriptors":
        return _("a logistic regression on hand-made descriptors")
    return _("a logistic regression on features of frozen {backbone}").format(backbone=model)


def descriptors(manifest: Manifest) -> tuple[str, np.ndarray]:
    """Name of the extractor and (n, D) float32 features of every sample, from the cache when they were computed before."""
    found = local_weights()
    if found is not None and not _is_volumetric(manifest):
        backbone, path = found
        try:
            return backbone, _backbone_features(manifest, backbone, path)
        except WeightsError as error:
            say(_("The weights can not be used, hand-made descriptors are: {error}").format(error=error.what))
    return "descriptors", _hand_made(manifest)


def local_weights() -> tuple[str, Path] | None:
    """Name and weights file of a backbone in ``LAUDO_WEIGHTS``; None when there is none that says what it is."""
    from laudo.networks.weights_file import read_weights

    folder = Path(os.environ.get("LAUDO_WEIGHTS") or "/nonexistent")
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    for path in sorted(files, key=lambda path: path.stem != PREFERRED):
        try:
            architecture = read_weights(path).architecture
        except WeightsError:
            continue
        if architecture:
            return architecture.split(".")[0], path
    return None


def _is_volumetric(manifest: Manifest) -> bool:
    """Whether samples are volumes, or of several modalities: a picture network has no place for them."""
    return bool(manifest.channels) or any(len(one.size) == 3 for one in inspect_images(manifest.rows(np.arange(1))))


def _backbone_features(manifest: Manifest, backbone: str, path: Path) -> np.ndarray:
    import torch

    from laudo.core.environment import file_hash
    from laudo.networks.precision import choose_device, choose_precision
    from laudo.networks.table import build_classifier
    from laudo.prepare.cache import picture_keys, prepare_images
    from laudo.prepare.transform import transform_key
    from laudo.train.features import frozen_features

    prepare = Prepare(height=SIDE_PX, width=SIDE_PX, colour="rgb")
    device = choose_device()
    precision = choose_precision("auto", device)
    images = picture_keys(manifest, prepare)
    facts = [backbone, file_hash(path), transform_key(prepare), precision, device.type, torch.__version__, images]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    stored = _stored(key)
    if stored is None:
        classifier, _spec = build_classifier(Network(backbone=backbone, weights=str(path)), len(manifest.classes))
        stored = frozen_features(classifier, prepare_images(manifest, prepare), device, precision).numpy()
        _store(key, stored)
    return stored


def _stored(key: str) -> np.ndarray | None:
    """Features of an earlier run; a damaged file counts as none."""
    from safetensors import SafetensorError, safe_open

    path = cache_folder() / "descriptors" / f"{key}.safetensors"
    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="numpy") as handle:
            features: np.ndarray = handle.get_tensor("features")
            whole = (handle.metadata() or {}).get("crc32") == str(zlib.crc32(features.tobytes()))
            return features if whole else None
    except (SafetensorError, KeyError, OSError):
        return None


def _store(key: str, features: np.ndarray) -> None:
    from safetensors.numpy import save

    content = save(
        {"features": np.ascontiguousarray(features)}, metadata={"crc32": str(zlib.crc32(features.tobytes()))}
    )
    with atomic_path(cache_folder() / "descriptors" / f"{key}.safetensors") as temporary:
        temporary.write_bytes(content)


def _hand_made(manifest: Manifest) -> np.ndarray:
    """(n, 16 × 16 + 32 + 8) descriptors: a small picture, a histogram of its grey levels, and what its borders look like."""
    from PIL import Image

    rows = []
    for one in inspect_images(manifest):
        if one.thumbnail is None:
            raise DataError(_("A sample gives no image; audit the data first."), file=manifest.root)
        small = Image.fromarray(one.thumbnail).resize((DESCRIPTOR_SIDE, DESCRIPTOR_SIDE), Image.Resampling.BILINEAR)
        histogram = np.bincount(one.thumbnail.ravel() // (256 // GREY_BINS), minlength=GREY_BINS) / one.thumbnail.size
        rows.append(np.concatenate([np.asarray(small).ravel() / 255.0, histogram, one.channels[0].borders]))
    return np.stack(rows).astype(np.float32)


def _random_folds(manifest: Manifest, folds: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import StratifiedKFold

    return _numbers(manifest, StratifiedKFold(folds, shuffle=True, random_state=seed), None)


def _grouped_folds(manifest: Manifest, seed: int) -> tuple[str, np.ndarray]:
    from sklearn.model_selection import StratifiedGroupKFold

    official = manifest.table["fold"].to_numpy(dtype=np.int64)
    if (official > 0).all() and len(np.unique(official)) > 1:
        return "official", official
    groups = manifest.table["group"].to_numpy()
    if len(np.unique(groups)) < FOLDS:
        raise DataError(
            _("There are fewer groups than folds."),
            file=manifest.root,
            found=_("groups: {groups}, folds: {folds}").format(groups=len(np.unique(groups)), folds=FOLDS),
        )
    return "group", _numbers(manifest, StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed), groups)


def _numbers(manifest: Manifest, splitter: Any, groups: np.ndarray | None) -> np.ndarray:
    numbers = np.zeros(len(manifest), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for number, (_rest, test) in enumerate(
            splitter.split(np.zeros(len(manifest)), manifest.labels, groups), start=1
        ):
            numbers[test] = number
    return numbers


def _cross_validated(manifest: Manifest, features: np.ndarray, folds: np.ndarray) -> Predictions:
    """Out-of-fold predictions of every sample."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = manifest.labels
    probabilities = np.zeros((len(manifest), len(manifest.classes)))
    numbers = np.unique(folds)
    with step(_("Cross-validating the cheap model"), len(numbers)) as advance, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*failed to converge.*")
        for number in numbers:
            test = folds == number
            model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=300))
            model.fit(features[~test], labels[~test])
            probabilities[np.ix_(test, model.classes_)] = model.predict_proba(features[test])
            advance()
    return Predictions.build(manifest.table, probabilities, manifest.classes, None)


def _estimate(metric: dict[str, Any], number: Number) -> str:
    low, high = metric["ci95"] or (None, None)
    value = number(metric["value"], 3)
    return value if low is None or high is None else f"{value} ({number(low, 3)}–{number(high, 3)})"


def _how(grouped_by: str) -> str:
    if grouped_by == "official":
        return N_("the data set's own folds stay whole")
    return N_("patients and copies stay whole")
