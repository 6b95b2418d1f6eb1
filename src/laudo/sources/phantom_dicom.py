"""Synthetic heads as a tree of DICOM files: a CT and an MR series a patient, with and without a tumour.

CT files are named as most archives do (``IM0001.dcm``), MR files as a CD has them, without an ending; every second series is
stored from the top down, so that neither names nor instance numbers say where a slice lies.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.core.atomic import write_bytes, write_text
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.sources.phantom_anatomy import Anatomy, Array
from laudo.sources.phantom_brain import draw_anatomy, with_tumour
from laudo.sources.phantom_head import draw

FIELD_MM = 240.0
THICKNESS_MM = 5.0
CLASSES = ("healthy", "tumour")
MODALITIES = ("CT", "MR")
CLASS_UID = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

README = """Synthetic DICOM series
======================
Every file in this tree was computed by `laudo` from geometric shapes and random numbers. No person was scanned:
patient identifiers are made up, names and dates are empty. The files serve to try the program and to test it.

healthy/, tumour/   <patient>/<series>/, one CT and one MR series of the head a patient
"""


@dataclass(frozen=True)
class Series:
    """One synthetic series.

    Attributes:
        slices: (Z, H, W) int16, from below upwards: Hounsfield units of CT, signal of MR.
        modality: "CT" or "MR".
        label: "healthy" or "tumour".
        patient: made-up identifier.
        number: of the series, from 0.
        spacing_mm: distance of slices, rows and columns.
    """

    slices: NDArray[np.int16]
    modality: str
    label: str
    patient: str
    number: int
    spacing_mm: tuple[float, float, float]


def series(n: int, seed: int, size: int = 128) -> Iterator[Series]:
    """``n`` series, a CT and an MR of each patient; the k-th depends only on ``(seed, k)``.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32:
        raise ValueError(f"n={n}, seed={seed}, size={size}: too small")
    for number in range(n):
        patient = number // 2
        rng = np.random.default_rng([seed, patient, 0])
        anatomy = draw_anatomy(rng, 0.25)
        label = CLASSES[int(np.random.default_rng([seed, patient // 2, 77]).permutation(2)[patient % 2])]
        if label == "tumour":
            anatomy = with_tumour(anatomy, rng, rng.uniform(0.15, 0.35))
        rng = np.random.default_rng([seed, patient, 1 + number % 2])
        modality = MODALITIES[number % 2]
        stack = np.stack([_slice(rng, anatomy, modality, z, size) for z in _levels(rng)])
        pixel = FIELD_MM / size
        yield Series(stack, modality, label, f"PHANTOM-{patient + 1:04d}", number, (THICKNESS_MM, pixel, pixel))


def write(folder: Path, n: int, seed: int = 0, size: int = 128) -> None:
    """Write ``n`` series: ``<class>/<patient>/<modality>/<files>``.

    Raises:
        OSError: the folder can not be written.
    """
    for one in track(series(n, seed, size), _("Making synthetic images"), total=n):
        place = folder / one.label / one.patient / f"{one.modality}{one.number + 1:04d}"
        ending = ".dcm" if one.modality == "CT" else ""
        levels = range(len(one.slices))
        for name, level in enumerate(reversed(levels) if one.number % 4 < 2 else levels, start=1):
            write_bytes(place / f"IM{name:04d}{ending}", _file(one, level, name, seed))
    write_text(folder / "README.txt", README)


def _levels(rng: np.random.Generator) -> Array:
    """Heights of the slices, in half image widths."""
    count = int(rng.integers(8, 12))
    return rng.uniform(0.04, 0.08) + np.arange(count) * (THICKNESS_MM / (FIELD_MM / 2))


def _slice(rng: np.random.Generator, anatomy: Anatomy, modality: str, z: float, size: int) -> NDArray[np.int16]:
    if modality == "MR":
        contrast = anatomy.contrast
        clean, _cover = draw(anatomy, float(z), size)
        real, imaginary = rng.standard_normal((2, size, size), np.float32) * np.float32(0.025)
        scale = {"t1": 900, "t2": 1400, "flair": 600}[contrast]
        signal: NDArray[np.int16] = np.rint(
            np.hypot(ndimage.gaussian_filter(clean, 0.5) + real, imaginary) * scale
        ).astype(np.int16)
        return signal
    clean, _cover = draw(replace(anatomy, contrast="ct"), float(z), size)
    head = ndimage.binary_fill_holes(clean > 0.2)
    units = np.interp(clean, [0, 0.06, 0.10, 0.70, 0.76, 1.2], [-90, 0, 8, 56, 130, 1100])
    units = ndimage.gaussian_filter(np.where(head, units, -1000.0), 0.5)
    grain = ndimage.gaussian_filter(rng.standard_normal((size, size)), 0.7) * 9
    return np.clip(np.rint(units + grain), -1024, 3071).astype(np.int16)


def _uid(*parts: object) -> str:
    """A UID that follows from the parts alone."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["laudo phantom", *map(str, parts)]))


def _file(one: Series, level: int, instance: int, seed: int) -> bytes:
    """One slice as a DICOM file."""
    from pydicom.dataset import Dataset, FileMetaDataset

    data: Any = Dataset()
    slope, intercept = (1, -1024) if one.modality == "CT" else (1, 0)
    stored = ((one.slices[level].astype(np.int32) - intercept) // slope).astype("<u2")
    spacing, rows, columns = one.spacing_mm
    data.SOPClassUID = CLASS_UID[one.modality]
    data.SOPInstanceUID = _uid(seed, one.number, level)
    data.StudyInstanceUID = _uid(seed, one.patient, "study")
    data.SeriesInstanceUID = _uid(seed, one.number, "series")
    data.FrameOfReferenceUID = _uid(seed, one.number, "frame")
    data.Modality, data.BodyPartExamined = one.modality, "HEAD"
    data.PatientID, data.PatientName, data.PatientBirthDate, data.PatientSex = one.patient, "", "", ""
    data.PatientIdentityRemoved, data.DeidentificationMethod = "YES", "synthetic"
    data.StudyDate, data.StudyTime, data.AccessionNumber, data.ReferringPhysicianName = "", "", "", ""
    data.StudyID, data.SeriesNumber, data.InstanceNumber = "1", one.number % 2 + 1, instance
    data.Manufacturer, data.ImageType = "laudo", ["DERIVED", "PRIMARY", "AXIAL"]
    data.BurnedInAnnotation = "NO"
    data.PatientPosition = "HFS"
    corner = -FIELD_MM / 2 + columns / 2
    data.ImagePositionPatient = [round(value, 4) for value in (corner, corner, level * spacing)]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.PixelSpacing = [round(rows, 6), round(columns, 6)]
    data.SliceThickness, data.SpacingBetweenSlices = spacing, spacing
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = stored.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    data.RescaleIntercept, data.RescaleSlope = intercept, slope
    data.WindowCenter, data.WindowWidth = (40, 80) if one.modality == "CT" else (500, 1000)
    if one.modality == "CT":
        data.RescaleType = "HU"
    data.PixelData = stored.tobytes()
    meta: Any = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = EXPLICIT_LITTLE_ENDIAN
    data.file_meta = meta
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
