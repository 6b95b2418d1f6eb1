"""The parts and folds that the authors of a data set made, kept as they are."""

from __future__ import annotations

import numpy as np

from laudo.core.errors import DataError
from laudo.core.manifest import PARTS, Manifest
from laudo.core.messages import _


def official_folds(manifest: Manifest) -> np.ndarray:
    """(n,) int64 fold of each sample, from 1, as the source filled it.

    Raises:
        DataError: the data set has no folds, a sample has none, or a number is left out.
    """
    folds = manifest.table["fold"].to_numpy(dtype=np.int64)
    if not (folds > 0).any():
        raise DataError(
            _("The authors of this data set made no folds."),
            file=manifest.root,
            cure=_("Let laudo make them: --set split.by=group"),
        )
    without = int((folds <= 0).sum())
    if without:
        raise _incomplete(manifest, without)
    k = int(folds.max())
    missing = sorted(set(range(1, k + 1)) - {int(fold) for fold in np.unique(folds)})
    if missing or k < 2:
        raise DataError(
            _("The official folds do not count from 1 to their number."),
            file=manifest.root,
            found=", ".join(str(fold) for fold in np.unique(folds)),
        )
    return folds


def official_parts(manifest: Manifest) -> np.ndarray | None:
    """(n,) part of each sample as the source filled it; None when it filled none.

    Raises:
        DataError: a sample has no part while others have one, a part is none of train, val and test, or train is empty.
    """
    parts = manifest.table["split"].astype(str).to_numpy(dtype=object)
    if not (parts != "").any():
        return None
    without = int((parts == "").sum())
    if without:
        raise _incomplete(manifest, without)
    strange = sorted(set(parts) - set(PARTS))
    if strange or "train" not in parts:
        raise DataError(
            _("The official parts are not those that laudo knows."),
            file=manifest.root,
            expected=", ".join(PARTS),
            found=", ".join(sorted(set(parts))),
        )
    return parts


def _incomplete(manifest: Manifest, without: int) -> DataError:
    return DataError(
        _("The official split does not cover every sample."),
        file=manifest.root,
        found=_("samples without a part: {n} of {total}").format(n=without, total=len(manifest)),
        cure=_("Let laudo divide them: --set split.by=group"),
    )
