"""From the stored values of a DICOM image to what they mean: rescaled, coloured, bright for dense."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MAX_SPACING_MM, MIN_SPACING_MM, damaged
from laudo.read.number_types import known_numbers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def meaning(stored: np.ndarray, photometric: str, dataset: Dataset, path: Path) -> tuple[np.ndarray, list[str]]:
    """Values of one frame.

    Grey: the modality's LUT or rescale slope and intercept are applied; of MONOCHROME1 the values are mirrored within the range
    that the stored bits can hold (note ``inverted``). Palettes become colours of eight bits (note ``palette``).

    Args:
        stored: (H, W) or (H, W, 3) as decoded.
        photometric: what the decoder says that it gave.
        dataset: the file, or the functional groups of its frame.
        path: for errors.

    Returns:
        (H, W) uint8, uint16, int16 or float32, or (H, W, 3) uint8 or uint16; notes.
    """
    if photometric == "PALETTE COLOR":
        return _coloured(stored, dataset, path), ["palette"]
    if stored.ndim == 3:
        if stored.shape[2] != 3 or photometric != "RGB":
            raise UnreadableImageError(
                _("The colours of the image are of a kind that is not read."),
                file=path,
                expected="RGB, YBR_FULL, PALETTE COLOR",
                found=photometric,
            )
        return known_numbers(stored, path), []
    values = _rescaled(stored, dataset, path)
    notes = []
    if photometric == "MONOCHROME1":
        notes.append("inverted")
        ends = _rescaled(_ends(stored, dataset), dataset, path).astype(np.float64)
        mirrored = (ends.sum() - values.astype(np.float64)).clip(ends.min(), ends.max())
        values = mirrored.astype(values.dtype)
    plain = values.dtype == stored.dtype and stored.dtype.kind == "u"
    if plain and int(dataset.get("BitsStored") or 16) <= 8 and int(values.max()) <= 255:
        values = values.astype(np.uint8)
    return known_numbers(values, path), notes


def _ends(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Smallest and largest value that the stored bits can hold; of real numbers, those that occur."""
    if stored.dtype.kind == "f":
        return np.array([stored.min(), stored.max()])
    bits = int(dataset.get("BitsStored") or 8 * stored.dtype.itemsize)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if stored.dtype.kind == "i" else (0, (1 << bits) - 1)
    return np.array([low, high]).astype(stored.dtype)


def _rescaled(stored: np.ndarray, dataset: Dataset, path: Path) -> np.ndarray:
    """Whole numbers stay whole where slope and intercept are."""
    from pydicom.pixels.processing import apply_modality_lut

    if dataset.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, dataset))
    if dataset.get("RescaleSlope") is None and dataset.get("RescaleIntercept") is None:
        return stored
    slope = float(1.0 if dataset.get("RescaleSlope") is None else dataset.get("RescaleSlope"))
    intercept = float(0.0 if dataset.get("RescaleIntercept") is None else dataset.get("RescaleIntercept"))
    if not math.isfinite(slope) or not math.isfinite(intercept) or slope == 0:
        raise damaged(path, f"RescaleSlope {slope:g}, RescaleIntercept {intercept:g}")
    if (slope, intercept) == (1.0, 0.0):
        return stored
    if (
        stored.dtype.kind in "iu"
        and slope.is_integer()
        and intercept.is_integer()
        and abs(slope) + abs(intercept) < 2**31
    ):
        whole = stored.astype(np.int64) * int(slope) + int(intercept)
        return whole.astype(np.int16) if whole.min() >= -32768 and whole.max() <= 32767 else whole
    return stored.astype(np.float64) * slope + intercept


def _coloured(stored: np.ndarray, dataset: Dataset, path: Path) -> np.ndarray:
    """(H, W, 3) uint8 of an image of palette numbers."""
    from pydicom.pixels.processing import apply_color_lut

    colours = np.asarray(apply_color_lut(stored, dataset))[..., :3]
    if colours.dtype != np.uint8 and colours.max(initial=0) > 255:
        colours = colours >> 8  # sixteen-bit palettes carry eight bits in their upper half
    return known_numbers(colours.astype(np.uint8), path)


def pixel_spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str, dict[str, Any]]:
    """Distance in mm of rows, then of columns, of a single picture.

    Returns:
        The spacing or None; a note: empty, ``detector-spacing`` (measured at the detector, not in the body), ``region-spacing`` (of
        the region of an ultrasound screen) or ``spacing`` (the file states one that is absurd and was ignored); facts of the note.
    """
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    measures = (shared.get("PixelMeasuresSequence") or [None])[0] if shared is not None else None
    for holder, keyword, note in (
        (dataset, "PixelSpacing", ""),
        (measures, "PixelSpacing", ""),
        (dataset, "ImagerPixelSpacing", "detector-spacing"),
        (dataset, "NominalScannedPixelSpacing", "detector-spacing"),
    ):
        stated = holder.get(keyword) if holder is not None else None
        if stated is None or stated == "":
            continue
        pair = _pair(stated)
        return (pair, note, {}) if pair else (None, "spacing", {"spacing": str(stated)[:60]})
    pair = _ultrasound(dataset)
    return (pair, "region-spacing", {}) if pair else (None, "", {})


def _pair(stated: Any) -> tuple[float, float] | None:
    try:
        values = tuple(float(value) for value in stated)
    except (TypeError, ValueError):
        return None
    if len(values) != 2 or not all(MIN_SPACING_MM <= value <= MAX_SPACING_MM for value in values):
        return None
    return values[0], values[1]


def _ultrasound(dataset: Dataset) -> tuple[float, float] | None:
    """Spacing of the two-dimensional regions of an ultrasound screen, when all agree."""
    found = set()
    for region in dataset.get("SequenceOfUltrasoundRegions") or ():
        spatial = region.get("RegionSpatialFormat") == 1
        if not spatial or region.get("PhysicalUnitsXDirection") != 3 or region.get("PhysicalUnitsYDirection") != 3:
            continue  # 3: centimetres
        found.add(_pair([abs(10 * float(region.get(name) or 0)) for name in ("PhysicalDeltaY", "PhysicalDeltaX")]))
    return found.pop() if len(found) == 1 else None
