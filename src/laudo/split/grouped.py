"""Parts and folds in which groups stay whole and classes keep their proportion.

The result is a function of the samples' names, labels and groups and of the seed: the order of the rows does not matter.
"""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Split
from laudo.split.groups import assign_groups, group_codes, join_groups
from laudo.split.multilabel import deal_labels
from laudo.split.official import official_folds, official_parts
from laudo.split.parts_check import check_parts
from laudo.split.strata import is_stratified, strata

__all__ = ["assign_groups", "fold_numbers", "join_groups", "repeat", "split_fold", "split_parts"]

PIECES = 20
"""Of so many folds, or as many as there can be, those are chosen that come nearest to a share."""


def repeat(split: Split, number: int) -> Split:
    """The settings of one repeat of a cross-validation, from 1: each has the next seed."""
    return split.model_copy(update={"seed": split.seed + number - 1, "repeats": 1})


def fold_numbers(manifest: Manifest, folds: int, split: Split, seed: int) -> np.ndarray:
    """(n,) test fold of each sample, from 1; official folds are those of the source, however many they are.

    Samples without a class are divided without stratification.

    Raises:
        DataError: there are fewer groups than folds, or fewer images in every class; or there are no official folds.
    """
    if split.by == "official":
        return official_folds(manifest)
    order = _by_name(manifest)
    numbers = np.empty(len(manifest), dtype=np.int64)
    numbers[order] = _deal(manifest.rows(order), folds, split, seed)
    return numbers


def split_parts(manifest: Manifest, split: Split, may_lack: bool = False) -> Manifest:
    """Fill ``split`` with train, val and test as the recipe says.

    An official split keeps its parts; where it has no validation part, one is taken from train, in groups. Where there are
    official folds only, the last fold is the test part.

    Args:
        manifest: with groups.
        split: the recipe's section.
        may_lack: whether a part may be without a class (``data.rare: keep``).

    Raises:
        DataError: a part would be empty, or lack a class that it may not lack.
    """
    if split.by == "official":
        return _official(manifest, split, may_lack)
    order = _by_name(manifest)
    sorted_manifest = manifest.rows(order)
    parts = np.full(len(manifest), "train", dtype=object)
    rest = np.arange(len(manifest))
    for name, share, seed in (("test", split.test, split.seed), ("val", split.validation, split.seed + 1)):
        if share > 0:
            chosen = _share(sorted_manifest.rows(rest), share * len(manifest) / len(rest), split, seed, may_lack)
            parts[rest[chosen]] = name
            rest = rest[~chosen]
    filled = np.empty(len(manifest), dtype=object)
    filled[order] = parts
    # folds that a source has filled are not those of this split
    divided = manifest.with_columns(split=filled, fold=np.zeros(len(manifest), dtype=np.int64)).with_seed(split.seed)
    check_parts(divided, split, may_lack)
    return divided


def split_fold(manifest: Manifest, fold: int, split: Split, may_lack: bool = False) -> Manifest:
    """Fill ``split`` for one fold: its samples are the test part, a share of the rest is validation.

    Args:
        manifest: with the column ``fold`` filled.
        fold: number of the fold, from 1.
        split: ``validation`` is the share of all samples.
        may_lack: as in :func:`split_parts`.
    """
    parts = np.where(manifest.table["fold"] == fold, "test", "train").astype(object)
    return _with_validation(manifest, parts, split, split.seed + fold, may_lack)


def _official(manifest: Manifest, split: Split, may_lack: bool) -> Manifest:
    parts = official_parts(manifest)
    if parts is None:
        return split_fold(manifest, int(official_folds(manifest).max()), split, may_lack)
    if "val" not in parts and split.validation > 0:
        return _with_validation(manifest, parts, split, split.seed + 1, may_lack)
    divided = manifest.with_columns(split=parts).with_seed(split.seed)
    check_parts(divided, split, may_lack)
    return divided


def _with_validation(manifest: Manifest, parts: np.ndarray, split: Split, seed: int, may_lack: bool) -> Manifest:
    """Take a validation part from train, in groups."""
    order = _by_name(manifest)
    rest = order[parts[order] == "train"]
    if not len(rest):
        check_parts(manifest.with_columns(split=parts), split, may_lack)
    chosen = _share(manifest.rows(rest), split.validation * len(manifest) / len(rest), split, seed, may_lack)
    parts[rest[chosen]] = "val"
    divided = manifest.with_columns(split=parts).with_seed(split.seed)
    check_parts(divided, split, may_lack)
    return divided


def _by_name(manifest: Manifest) -> np.ndarray:
    """(n,) row numbers in the order of the samples' names, by code points: the same in every language and on every disk."""
    return np.argsort(manifest.table["sample"].astype(str).to_numpy(dtype=str), kind="stable")


def _deal(manifest: Manifest, folds: int, split: Split, seed: int) -> np.ndarray:
    """(n,) fold of each sample of a manifest in the order of its names."""
    labels, groups = strata(manifest, split), group_codes(manifest, split.by)
    if len(np.unique(groups)) < folds:
        raise DataError(
            _("There are fewer groups than folds."),
            found=_("groups: {groups}, folds: {folds}").format(groups=len(np.unique(groups)), folds=folds),
            cure=_("Choose at most {n} folds (split.folds).").format(n=max(2, len(np.unique(groups)))),
        )
    largest = int(np.bincount(labels).max())
    stratified = is_stratified(manifest, split)
    if stratified and manifest.multilabel:
        return deal_labels(manifest.membership, groups, [1 / folds] * folds, seed) + 1
    if stratified and largest < folds:
        raise DataError(
            _("No class has as many images as there are folds."),
            found=_("images: {images}, folds: {folds}").format(images=largest, folds=folds),
            cure=_("Choose at most {n} folds (split.folds).").format(n=max(2, largest)),
        )
    numbers = np.zeros(len(manifest), dtype=np.int64)
    splitter = _splitter(stratified, split.by != "sample", folds, seed)
    together = None if split.by == "sample" else groups
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The least populated class"
        )  # check_parts says it in words, as an error
        for number, (_rest, held_out) in enumerate(splitter.split(np.zeros(len(labels)), labels, together), start=1):
            numbers[held_out] = number
    return numbers


def _share(manifest: Manifest, share: float, split: Split, seed: int, may_lack: bool) -> np.ndarray:
    """(n,) mask of about ``share`` of the samples: the folds, of :data:`PIECES` (or as many as there can be), nearest to it."""
    columns = strata(manifest, split)
    groups = group_codes(manifest, split.by)
    if is_stratified(manifest, split) and manifest.multilabel:
        chosen: np.ndarray = deal_labels(manifest.membership, groups, [share, 1 - share], seed) == 0
        return chosen
    pieces = len(np.unique(groups))
    if is_stratified(manifest, split):  # every piece can then have every class in it
        groups_of = [len(np.unique(groups[columns == label])) for label in np.unique(columns)]
        if may_lack:  # but a class too rare to give this share would leave pieces larger than it
            needed = int(np.ceil(1 / max(min(share, 1 - share), 1 / PIECES)))
            groups_of = [n for n in groups_of if n >= needed]
        pieces = min([pieces, int(np.bincount(columns).max()), *groups_of])
    pieces = max(2, min(PIECES, pieces))
    numbers = _deal(manifest, pieces, split, seed)
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


def _splitter(
    stratified: bool, grouped: bool, folds: int, seed: int
) -> StratifiedGroupKFold | GroupKFold | StratifiedKFold | KFold:
    kinds = {
        (True, True): StratifiedGroupKFold,
        (False, True): GroupKFold,
        (True, False): StratifiedKFold,
        (False, False): KFold,
    }
    return kinds[stratified, grouped](n_splits=folds, shuffle=True, random_state=seed)
