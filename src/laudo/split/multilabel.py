"""Parts of samples that may have several labels: groups stay whole, every label keeps its proportion in each part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def deal_labels(members: np.ndarray, groups: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """(n,) part of each sample, from 0, by iterative stratification (Sechidis et al. 2011) of whole groups.

    The label with the fewest samples left is dealt first: each of its groups, the richest in it first, goes to the part that still
    lacks most of this label, of equals to the one that lacks most samples, of these to one drawn by the seed. Having no label is
    dealt as one more label.

    Args:
        members: (n, K) bool, which labels each sample has.
        groups: (n,) number of each sample's group.
        shares: of the samples that each part is to have; their sum is 1.
        seed: of the order of equal groups and parts.
    """
    _names, codes = np.unique(groups, return_inverse=True)
    columns = np.column_stack([members, ~members.any(axis=1), np.ones(len(members), dtype=bool)]).astype(np.int64)
    having = np.zeros((len(_names), columns.shape[1]), dtype=np.int64)
    np.add.at(having, codes, columns)
    return np.asarray(_deal(having, np.asarray(shares, dtype=float), np.random.default_rng(seed))[codes])


def _deal(having: np.ndarray, shares: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """(G,) part of each group, from 0.

    Args:
        having: (G, K + 2) samples of each label in each group, of none of them, and all samples.
        shares: (P,) of the parts.
        generator: decides between equals.
    """
    wanted = np.outer(shares, having.sum(axis=0))
    chosen = np.full(len(having), -1, dtype=np.int64)
    order = generator.permutation(len(having))
    while (waiting := order[chosen[order] < 0]).size:
        left = having[waiting, :-1].sum(axis=0)
        label = int(np.where(left > 0, left, np.iinfo(np.int64).max).argmin())
        with_label = waiting[having[waiting, label] > 0]
        for group in with_label[np.argsort(-having[with_label, label], kind="stable")]:
            # rounded, so that what is equal but for the last bits is equal
            lacking = np.round([wanted[:, label], wanted[:, -1], generator.random(len(shares))], 9)
            part = int(np.lexsort(lacking[::-1])[-1])
            chosen[group] = part
            wanted[part] -= having[group]
    return chosen
