"""Single DICOM files: pictures, clips (first frame), and enhanced multi-frame volumes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.dicom_decode import decode_pixels
from laudo.read.dicom_file import DEFLATED, ENDINGS, open_dicom, syntax_of
from laudo.read.dicom_geometry import Plane, planes_of_frames, stack
from laudo.read.dicom_header import header_of
from laudo.read.dicom_values import meaning, pixel_spacing
from laudo.read.guard import FREE_BYTES, MIB, check_size, damaged, one_error
from laudo.read.image import ReadImage
from laudo.read.isolated import MEMORY_MIB, ask
from laudo.read.orientation import check_affine, to_ras

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", DEFLATED})
"""Syntaxes whose pixels need no decoder; the others are decoded in the child process."""


def read_dicom(path: Path) -> ReadImage:
    """Read one DICOM file.

    A picture is (H, W) or (H, W, 3). Frames with a place in the patient each give a volume (X, Y, Z); of other frames the first is
    taken (note ``frames``). Facts: modality, syntax, bits, the state of burned-in text, and the names of tags that
    identify a person.

    Raises:
        UnreadableImageError: missing, damaged, not DICOM, no picture in it, too large, or absurd geometry of its frames.
    """
    with one_error(path):
        dataset = open_dicom(path)
        check_picture(dataset, path)
        frames = int(dataset.get("NumberOfFrames") or 1)
        planes = planes_of_frames(dataset) if frames > 1 else None
        if planes:
            return _volume(dataset, planes, path)
        array, notes, decoder = read_frame(dataset, path)
        facts = facts_of(dataset, path)
        if frames > 1:
            notes.append("frames")
            facts["frames"] = frames
        spacing, note, details = pixel_spacing(dataset)
        notes += [note] if note else []
        facts |= details
        if path.suffix.lower() not in {*ENDINGS, ""}:
            notes.append("ending")
            facts["ending"] = path.suffix
        mode = str(dataset.get("PhotometricInterpretation", ""))
        return ReadImage(array, spacing, "DICOM", mode, tuple(notes), facts, None, decoder)


def check_picture(dataset: Dataset, path: Path) -> None:
    """Refuse a file without a picture, or with one of an absurd size.

    Raises:
        UnreadableImageError: with the kind of object that the file is.
    """
    size = _size(dataset, 1)
    if not size or not any(name in dataset for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        kind = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID", "")
        raise UnreadableImageError(
            _("The DICOM file holds no picture."),
            file=path,
            expected=_("pixel data"),
            found=str(getattr(kind, "name", "")) or _("none"),
        )
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames < 1:
        raise damaged(path, f"NumberOfFrames {frames}")
    # Native frames must all be in the file; of compressed clips only one is decoded, so only volumes are counted whole.
    whole = syntax_of(dataset) in NATIVE or dataset.get("PerFrameFunctionalGroupsSequence")
    check_size(path, _size(dataset, frames if whole else 1), path.stat().st_size)


def read_frame(dataset: Dataset, path: Path) -> tuple[np.ndarray, list[str], str]:
    """The first frame: its values, notes, and the name of the decoder."""
    stored, photometric, decoder = _stored(dataset, path, 0)
    array, notes = meaning(stored, photometric, dataset, path)
    return np.ascontiguousarray(array), notes, decoder


def facts_of(dataset: Dataset, path: Path) -> dict[str, Any]:
    """What the file says of itself, without anything that names a person."""
    from pydicom.uid import UID

    header = header_of(dataset)
    return {
        "modality": header.modality,
        "body_part": header.body_part,
        "series": header.series,
        "patient": header.patient,
        "burned_in": header.burned_in,
        "patient_tags": list(header.patient_tags),
        "syntax": UID(syntax_of(dataset)).name,
        "bits": int(dataset.get("BitsStored") or 0),
    }


def _size(dataset: Dataset, frames: int) -> int:
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    samples, bits = int(dataset.get("SamplesPerPixel") or 1), int(dataset.get("BitsAllocated") or 8)
    return max(0, rows) * max(0, columns) * max(1, samples) * max(1, (bits + 7) // 8) * frames


def _stored(dataset: Dataset, path: Path, index: int | None) -> tuple[np.ndarray, str, str]:
    """(H, W[, 3]) of one frame, or (frames, H, W[, 3]), decoded here or, when it is compressed, in the child process."""
    if syntax_of(dataset) in NATIVE:
        return decode_pixels(dataset, index)
    size = _size(dataset, 1 if index is not None else int(dataset.get("NumberOfFrames") or 1))
    memory = MEMORY_MIB if size <= FREE_BYTES else MEMORY_MIB + 4 * size // MIB
    answer = ask("dicom", path, memory_mib=memory, index=index)
    pixels = answer.arrays["pixels"]
    if pixels.nbytes > 2 * max(size, MIB):
        raise damaged(path, f"{pixels.shape}")
    return pixels, str(answer.values["photometric"]), str(answer.values["decoder"])


def _volume(dataset: Dataset, planes: list[Plane], path: Path) -> ReadImage:
    """An enhanced multi-frame image as (X, Y, Z)."""
    stored, photometric, decoder = _stored(dataset, path, None)
    if stored.ndim != 3:
        raise UnreadableImageError(_("Volumes in colour are not read."), file=path, found=photometric)
    frames, notes = [], []
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    for frame, group in zip(stored, groups, strict=True):
        array, seen = meaning(frame, photometric, _with_rescale(dataset, group, shared), path)
        frames.append(array)
        notes += [note for note in seen if note not in notes]
    return volume_of(frames, planes, notes, facts_of(dataset, path), dataset, path, decoder)


def _with_rescale(dataset: Dataset, group: Any, shared: Any) -> Dataset:
    """What :func:`meaning` looks at, taken from the frame's own groups where it states a rescale."""
    from pydicom.dataset import Dataset

    for holder in (group, shared):
        items = holder.get("PixelValueTransformationSequence") if holder is not None else None
        if items:
            own = Dataset()
            for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
                if items[0].get(keyword) is not None:
                    setattr(own, keyword, items[0].get(keyword))
            own.BitsStored = dataset.get("BitsStored")
            return own
    return dataset


def volume_of(
    arrays: list[np.ndarray],
    planes: list[Plane],
    notes: list[str],
    facts: dict[str, Any],
    dataset: Dataset,
    path: Path,
    decoder: str,
) -> ReadImage:
    """Stack (H, W) planes to (X, Y, Z) in RAS+; the arrays in the planes' order.

    Raises:
        UnreadableImageError: the planes do not form a volume.
    """
    ordered = stack(planes, path)
    dtype = np.result_type(*{array.dtype for array in arrays})
    dtype = np.dtype(np.float32) if dtype not in (np.uint8, np.uint16, np.int16) else dtype
    block = np.stack([arrays[index].T.astype(dtype, copy=False) for index in ordered.order], axis=2)
    volume, affine, before = to_ras(block, ordered.affine)
    spacing = check_affine(affine, path)
    if ordered.tilt_degrees:
        notes = [*notes, "tilt"]
        facts = {**facts, "tilt_degrees": round(ordered.tilt_degrees, 2)}
    facts = {**facts, "axes": before, "slices": len(arrays)}
    mode = str(dataset.get("PhotometricInterpretation", ""))
    return ReadImage(volume, spacing, "DICOM", mode, tuple(notes), facts, affine, decoder)
