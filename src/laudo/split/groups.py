"""What must never be divided between two parts: patients, clusters of copies, or both joined."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _

By = Literal["group", "patient", "duplicates", "official", "sample"]


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


def group_codes(manifest: Manifest, by: By) -> np.ndarray:
    """(n,) int64 number of what each sample must stay together with, from 0 by first appearance.

    Official splits were made by others; what laudo adds to them (a validation part) keeps groups whole.

    Raises:
        DataError: the split is by patients or by copies, and no sample names one.
    """
    if by == "sample":
        return np.arange(len(manifest), dtype=np.int64)
    nothing = np.full(len(manifest), "", dtype=object)
    if by == "patient":
        names = join_groups(_known(manifest, "patient"), nothing)
    elif by == "duplicates":
        names = join_groups(nothing, _known(manifest, "duplicates"))
    else:
        column = manifest.table["group"].astype(str).to_numpy()
        names = join_groups(column, nothing)  # a sample without a group is one of its own
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _known(manifest: Manifest, column: str) -> np.ndarray:
    values = manifest.table[column].astype(str).to_numpy()
    if len(values) and not (values != "").any():
        raise DataError(
            _("The samples can not be kept together by {column}: it is known of none.").format(column=column),
            file=manifest.root,
            cure=_("Keep patients and copies together, as far as they are known: --set split.by=group"),
        )
    return values
