"""What is found on the training part and then used for every part: grey levels, and the median spacing of volumes.

Each image is measured on its own; the fit is the median over the training part, so that no image of another part has a say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.core.recipe import Limits, Prepare
from laudo.prepare.bounded import in_order
from laudo.prepare.crop import background
from laudo.prepare.cut import cropped
from laudo.prepare.transform import read_for
from laudo.prepare.volume import read_channels

DIGITS = 6
"""Significant digits that are kept of a fitted value: what two machines agree on."""


@dataclass(frozen=True)
class Measured:
    """What was measured on each image of a manifest, in its order.

    Attributes:
        limits: (n, C, 2) low and high percentile of each channel.
        spacing_mm: (n, 3) spacing of volumes; of pictures (n, 0).
    """

    limits: np.ndarray
    spacing_mm: np.ndarray


def measure(manifest: Manifest, prepare: Prepare, jobs: int | None = None) -> Measured:
    """Decode each image once and measure it.

    Raises:
        UnreadableImageError: a file gives no image.
    """

    def work(index: int) -> tuple[list[Limits], list[float]]:
        paths, masks = manifest.image_paths(index), manifest.mask_paths(index)
        if prepare.volume is not None:
            return _measure_volume(paths, prepare)
        return [_measure_picture(paths[0], masks, prepare)], []

    with closing(in_order(work, range(len(manifest)), jobs or os.cpu_count() or 1)) as found:
        rows = list(track(found, _("Measuring the images"), total=len(manifest)))
    return Measured(
        np.array([limits for limits, _spacing in rows], dtype=np.float64),
        np.array([spacing for _limits, spacing in rows], dtype=np.float64),
    )


def fit_prepare(manifest: Manifest, prepare: Prepare, measured: Measured | None = None) -> Prepare:
    """The same settings with what they leave open filled in from the training part.

    Args:
        manifest: with parts.
        prepare: what the recipe asks for; returned as it is when nothing is left open.
        measured: of every image of the manifest; default: the training part is measured now.

    Raises:
        DataError: there is no training part.
        UnreadableImageError: a file gives no image.
    """
    if not prepare.needs_fitting:
        return prepare
    rows = manifest.indices("train")
    if not len(rows):
        raise DataError(_("Nothing can be fitted: the samples have no training part."), file=manifest.root)
    found = measure(manifest.rows(rows), prepare) if measured is None else measured
    chosen = slice(None) if measured is None else rows
    limits = tuple(
        (_rounded(low), _rounded(high)) for low, high in np.median(found.limits[chosen], axis=0).reshape(-1, 2)
    )
    limits = tuple((low, high if high > low else low + 1.0) for low, high in limits)
    volume = prepare.volume
    if volume is None:
        return prepare.model_copy(update={"limits": limits[0]})
    fitted: dict[str, object] = {}
    if volume.intensity == "fitted" and volume.limits is None:
        fitted["limits"] = limits
    if volume.spacing_mm == "median":
        fitted["spacing_mm"] = tuple(_rounded(side) for side in np.median(found.spacing_mm[chosen], axis=0))
    return prepare.model_copy(update={"volume": volume.model_copy(update=fitted)})


def _measure_picture(path: Path, masks: Sequence[Path], prepare: Prepare) -> Limits:
    low, high = np.percentile(cropped(*read_for(path, prepare, masks), prepare).levels, prepare.percentiles)
    return float(low), float(high)


def _measure_volume(paths: Sequence[Path], prepare: Prepare) -> tuple[list[Limits], list[float]]:
    assert prepare.volume is not None
    sample = read_channels(paths, ())
    limits: list[Limits] = []
    for array in sample.arrays:
        outside = background(array)
        inside = array if outside is None else array[array != outside]
        low, high = np.percentile(inside, prepare.volume.percentiles) if inside.size else (0.0, 0.0)
        limits.append((float(low), float(high)))
    return limits, list(sample.spacing_mm)


def _rounded(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")
