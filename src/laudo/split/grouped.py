"""Parts and folds in which groups stay whole and classes keep their proportion."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Split


def join_groups(patients: np.ndarray, duplicates: np.ndarray) -> list[str]:
    """Groups in which patients and duplicate clusters are both whole.

    A copy that stands under two patients joins them; without either, a sample is a group of its own.

    Args:
        patients: (n,) patient identifiers, "" when unknown.
        duplicates: (n,) cluster names, "" when not looked for.

    Returns:
        n names ``g0001 …``, numbered by first appearance.
    """
    n = len(patients)
    rows, columns = [], []
    for keys in (patients, duplicates):
        first: dict[str, int] = {}
        for index, key in enumerate(keys):
            if key:
                rows.append(first.setdefault(str(key), index))
                columns.append(index)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(n, n))
    _count, labels = connected_components(graph, directed=False)
    numbers: dict[int, int] = {}
    return [f"g{numbers.setdefault(int(label), len(numbers) + 1):04d}" for label in labels]


def assign_groups(manifest: Manifest) -> Manifest:
    """Fill the column ``group`` from patients and duplicate clusters."""
    table = manifest.table
    return manifest.with_columns(group=join_groups(table["patient"].to_numpy(), table["duplicates"].to_numpy()))


def fold_numbers(manifest: Manifest, folds: int, split: Split, seed: int) -> np.ndarray:
    """(n,) test fold of each sample, from 1.

    Raises:
        DataError: there are fewer groups than folds, or fewer images in every class.
    """
    labels, groups = manifest.labels, manifest.table["group"].to_numpy()
    if split.by == "sample":
        groups = np.arange(len(manifest)).astype(str)
    if len(np.unique(groups)) < folds:
        raise DataError(
            _("There are fewer groups than folds."),
            found=_("groups: {groups}, folds: {folds}").format(groups=len(np.unique(groups)), folds=folds),
            cure=_("Choose fewer folds: --set split.folds={n}").format(n=max(2, len(np.unique(groups)))),
        )
    largest = int(np.bincount(labels).max())
    if split.stratified and largest < folds:
        raise DataError(
            _("No class has as many images as there are folds."),
            found=_("images: {images}, folds: {folds}").format(images=largest, folds=folds),
            cure=_("Choose fewer folds: --set split.folds={n}").format(n=max(2, largest)),
        )
    numbers = np.zeros(len(manifest), dtype=np.int64)
    splitter = _splitter(split, folds, seed)
    together = groups if split.by == "group" else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # _check says it in words, as an error
        for number, (_rest, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, together), start=1):
            numbers[held_out] = number
    return numbers


def split_parts(manifest: Manifest, split: Split) -> Manifest:
    """Fill ``split`` with train, val and test as the recipe says.

    Raises:
        DataError: a part would be empty or lack a class.
    """
    parts = np.full(len(manifest), "train", dtype=object)
    rest = np.arange(len(manifest))
    for name, share, seed in (("test", split.test, split.seed), ("val", split.validation, split.seed + 1)):
        if share > 0:
            chosen = _share(manifest.rows(rest), share * len(manifest) / len(rest), split, seed)
            parts[rest[chosen]] = name
            rest = rest[~chosen]
    divided = manifest.with_columns(split=parts)
    _check(divided, split)
    return divided


def split_fold(manifest: Manifest, fold: int, split: Split) -> Manifest:
    """Fill ``split`` for one fold: its samples are the test part, a share of the rest is validation.

    Args:
        manifest: with the column ``fold`` filled.
        fold: number of the fold, from 1.
        split: ``validation`` is the share of all samples.
    """
    parts = np.where(manifest.table["fold"] == fold, "test", "train").astype(object)
    rest = np.flatnonzero(parts == "train")
    chosen = _share(manifest.rows(rest), split.validation * len(manifest) / len(rest), split, split.seed + fold)
    parts[rest[chosen]] = "val"
    divided = manifest.with_columns(split=parts)
    _check(divided, split)
    return divided


def _share(manifest: Manifest, share: float, split: Split, seed: int) -> np.ndarray:
    """(n,) mask of about ``share`` of the samples: the folds, of twenty (or as many as there can be), nearest to it."""
    labels = manifest.labels
    groups = manifest.table["group"].to_numpy() if split.by == "group" else np.arange(len(manifest))
    pieces = len(np.unique(groups))
    if split.stratified:  # every piece can then have every class in it
        pieces = min(pieces, *(len(np.unique(groups[labels == label])) for label in np.unique(labels)))
    pieces = max(2, min(20, pieces))
    numbers = fold_numbers(manifest, pieces, split, seed)
    columns = labels if split.stratified else np.zeros_like(labels)
    counts = np.zeros((pieces, columns.max() + 1))
    np.add.at(counts, (numbers - 1, columns), 1)
    return np.isin(numbers, 1 + np.array(_nearest_pieces(counts, share)))


def _nearest_pieces(counts: np.ndarray, share: float) -> list[int]:
    """Pieces, one after the other, that bring the sum of their (pieces, columns) counts nearest to a share of all.

    At least one, and never all: something must be left for the other parts.
    """
    total = np.maximum(counts.sum(axis=0), 1)
    chosen: list[int] = []
    taken, distance = np.zeros(counts.shape[1]), np.inf
    while len(chosen) < len(counts) - 1:
        distances = np.square((taken + counts) / total - share).sum(axis=1)
        distances[chosen] = np.inf
        best = int(distances.argmin())
        if distances[best] >= distance:
            break
        chosen.append(best)
        taken, distance = taken + counts[best], float(distances[best])
    return chosen


def _splitter(split: Split, folds: int, seed: int) -> StratifiedGroupKFold | GroupKFold | StratifiedKFold | KFold:
    if split.by == "group":
        kind = StratifiedGroupKFold if split.stratified else GroupKFold
    else:
        kind = StratifiedKFold if split.stratified else KFold
    return kind(n_splits=folds, shuffle=True, random_state=seed)


def _check(manifest: Manifest, split: Split) -> None:
    wanted = ["train", "val", *(["test"] if (manifest.table["split"] == "test").any() or split.test > 0 else [])]
    for part in wanted:
        missing = set(manifest.classes) - set(manifest.part(part).table["label"])
        if missing:
            raise DataError(
                _("A part of the split lacks a class."),
                found=_("{part} has no sample of {names}").format(part=part, names=", ".join(sorted(missing))),
                cure=_("Bring more images of this class, or fewer folds."),
            )
