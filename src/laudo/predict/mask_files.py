"""Label maps on disk, in the geometry of the image that they were predicted for."""

from __future__ import annotations

import gzip
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from laudo.core.atomic import write_bytes
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.read.member import split_member
from laudo.read.nifti import nifti_header
from laudo.read.table import format_of, read_image

VOLUME_ENDING, PICTURE_ENDING = ".nii.gz", ".png"
_FREE_TEXT = ("descrip", "aux_file", "db_name", "intent_name")
"""Free text of a header, which may name a person."""


def mask_ending(like: Path) -> str:
    """``.nii.gz`` for volumes and every NIfTI image, ``.png`` for other pictures.

    Raises:
        UnreadableImageError: the image can not be read.
    """
    return VOLUME_ENDING if _is_nifti(like) or read_image(like).is_volume else PICTURE_ENDING


def save_label_map(path: Path, labels: np.ndarray, like: Path) -> None:
    """Write the label map of an image, so that it lies over that image in any viewer.

    - NIfTI image: a NIfTI file of its shape, version, orientation, affine and codes of sform and qform. Nothing is resampled: axes
      are only put back into the file's order and direction.
    - Other volumes (DICOM series): a NIfTI file whose axes run to right, front and head, with the image's place in the patient.
    - Other pictures: a greyscale PNG of the picture's size, as it is displayed (turned as EXIF says); grey levels are the labels.

    Numbers are uint8 where they fit and else int16, without scaling. Free text of the image's header is not taken over, since it
    may name a person. The file appears whole or not at all.

    Args:
        path: ends as :func:`mask_ending` says.
        labels: (X, Y, Z) in RAS+, or (H, W): whole numbers on the grid of ``read_image(like).array``.
        like: the image; FOLDER#SERIES for a DICOM series.

    Raises:
        DataError: the labels do not lie on the image's grid, or a label does not fit the file.
        UnreadableImageError: the image can not be read.
        OSError: the disk is full or can not be written.
    """
    numbers = _whole_numbers(labels, path)
    if _is_nifti(like):
        write_bytes(path, _packed(_nifti_like(numbers, like)))
        return
    image = read_image(like)
    if numbers.shape != image.array.shape[: 3 if image.is_volume else 2]:
        raise _another_grid(like, image.array.shape, numbers.shape)
    if image.affine is not None:
        write_bytes(path, _packed(_nifti(numbers, image.affine)))
    elif numbers.dtype != np.uint8:
        raise _unfit(path, numbers, _("whole numbers between 0 and 255"))
    else:
        content = io.BytesIO()
        Image.fromarray(numbers).save(content, format="PNG")
        write_bytes(path, content.getvalue())


def _is_nifti(like: Path) -> bool:
    holder, _member = split_member(like)
    return holder.is_file() and format_of(holder).name == "NIfTI"


def _whole_numbers(labels: np.ndarray, path: Path) -> np.ndarray:
    if labels.dtype.kind not in "iub":
        raise ValueError(f"labels are whole numbers, not {labels.dtype}")
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if not -32768 <= low <= high <= 32767:
        raise _unfit(path, labels, _("whole numbers between -32768 and 32767"))
    return labels.astype(np.uint8 if low >= 0 and high <= 255 else np.int16)


def _nifti_like(labels: np.ndarray, like: Path) -> Any:
    """A nibabel image with the header of a file."""
    from nibabel import orientations as typed

    orientations: Any = typed  # its functions carry no types
    header = nifti_header(like)
    shape = tuple(int(side) for side in header.get_data_shape())
    sides = (*shape, 1, 1)[:3]
    stored = orientations.io_orientation(header.get_best_affine())
    turned = tuple(sides[int(axis)] for axis in np.argsort(stored[:, 0]))
    volume = labels
    if labels.ndim == 2 and turned.count(1):  # the reader shows a file of one slice as a radiologist sees it
        volume = np.expand_dims(labels.T[::-1, ::-1], turned.index(1))
    if volume.shape != turned or math.prod(shape) != volume.size:  # more axes than a volume has
        raise _another_grid(like, (*turned, *shape[3:]), labels.shape)
    canonical = orientations.axcodes2ornt("RAS")
    back = orientations.apply_orientation(volume, orientations.ornt_transform(canonical, stored))
    header.set_data_dtype(labels.dtype)
    header.set_data_shape(shape)
    header["cal_max"], header["cal_min"] = (
        0,
        0,
    )  # grey levels that a viewer shows; nibabel takes care of scaling and offset
    for name in _FREE_TEXT:
        if name in header:
            header[name] = b""
    made: Any = _kind(header)
    return made(np.ascontiguousarray(back).reshape(shape), None, header)


def _nifti(labels: np.ndarray, affine: np.ndarray) -> Any:
    """A nibabel image in scanner coordinates."""
    from nibabel.nifti1 import Nifti1Image

    made: Any = Nifti1Image(labels, affine)  # type: ignore[no-untyped-call]
    made.set_sform(affine, code=1)
    made.set_qform(affine, code=1)
    made.header.set_xyzt_units("mm")
    return made


def _kind(header: Any) -> Any:
    """The class of images that have such a header."""
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Header, Nifti2Image

    return Nifti2Image if isinstance(header, Nifti2Header) else Nifti1Image


def _packed(image: Any) -> bytes:
    """The same bytes for the same labels, whenever they are written."""
    return gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)


def _another_grid(like: Path, expected: tuple[int, ...], found: tuple[int, ...]) -> DataError:
    return DataError(
        _("The label map does not lie on the grid of its image."),
        file=like,
        expected=" × ".join(map(str, expected)),
        found=" × ".join(map(str, found)),
    )


def _unfit(path: Path, labels: np.ndarray, expected: str) -> DataError:
    return DataError(
        _("The labels do not fit the file that they are to be written to."),
        file=path,
        expected=expected,
        found=f"{labels.min()} … {labels.max()}",
    )
