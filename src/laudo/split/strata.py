"""What each part of a split is to have its share of."""

from __future__ import annotations

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.recipe import Split


def is_stratified(manifest: Manifest, split: Split) -> bool:
    """Whether the parts keep the proportion of the classes."""
    return split.stratified and bool(manifest.classes)


def strata(manifest: Manifest, split: Split) -> np.ndarray:
    """(n,) int64 number of what each sample is one of, from 0: its class, or all samples alike.

    A sample with several labels counts as the rarest of them, so that rare labels are spread too; one without a label is of a
    stratum of its own kind.
    """
    if not is_stratified(manifest, split):
        return np.zeros(len(manifest), dtype=np.int64)
    if not manifest.multilabel:
        return manifest.labels
    members = manifest.membership
    by_rarity = np.argsort(members.sum(axis=0), kind="stable")
    first = members[:, by_rarity].argmax(axis=1)
    return np.where(members.any(axis=1), by_rarity[first], len(manifest.classes)).astype(np.int64)
