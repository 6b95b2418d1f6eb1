"""NIfTI-1 and NIfTI-2, plain and gzipped, with their axes turned to right, front and head."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MIB, a_folder, check_size, damaged, one_error
from laudo.read.image import ReadImage
from laudo.read.number_types import known_numbers
from laudo.read.orientation import check_affine, to_ras

ENDINGS = (".nii", ".nii.gz")

GZIP = b"\x1f\x8b"
_HEADER = 540
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}
"""Units other than mm by their code in the header: metres and micrometres."""


def is_nifti(head: bytes) -> bool:
    """Whether the first bytes of a file, gzipped or not, are those of a NIfTI image (or of the header of a pair)."""
    if head.startswith(GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, _HEADER)
        except zlib.error:
            return False
    return head[344:348] in {b"n+1\0", b"ni1\0"} or head[4:8] in {b"n+2\0", b"ni2\0"}


def read_nifti(path: Path) -> ReadImage:
    """Read a NIfTI image: three axes give a volume (X, Y, Z) in RAS+, two give a picture as a radiologist sees it.

    A fourth axis of length one is dropped. Scaling (``scl_slope``) is applied. Notes: ``axes`` (the axes were reordered or
    flipped), ``no-orientation`` (the file does not say how it lies; its axes are taken for left, front, head), ``scaled``,
    ``units`` (given in other than mm, converted), ``ending``.

    Raises:
        UnreadableImageError: missing, damaged, cut short, too large, more than three axes, colours or complex numbers, a NaN or
            infinite pixel, an absurd spacing or affine.
    """
    if path.is_dir():
        raise a_folder(path)
    with one_error(path):
        size = path.stat().st_size
        with path.open("rb") as handle:
            packed = handle.read(2) == GZIP
            handle.seek(0)
            unpack = _Unpacker(handle, path) if packed else None
            head = unpack.take(_HEADER) if unpack else handle.read(_HEADER)
            header = _header(head, path)
            shape, dtype, offset = _layout(header, path)
            length = math.prod(shape) * dtype.itemsize
            if offset < header.single_vox_offset:  # nibabel lets 0 pass, and would take the header for pixels
                raise damaged(path, f"vox_offset {offset}")
            check_size(path, offset + max(length, 4 * math.prod(shape)), size)
            wanted = offset + length
            more = max(0, wanted - len(head))
            data = head + (unpack.take(more) if unpack else handle.read(min(more, size)))
            if unpack:
                unpack.finish()
        if len(data) < wanted:
            raise damaged(path, _("{n} bytes where {wanted} should be").format(n=len(data), wanted=wanted))
        del head
        array = np.frombuffer(data, dtype, math.prod(shape), offset).reshape(shape, order="F")
        return _image(array, header, path)


def nifti_header(path: Path) -> Any:
    """Nibabel's header of a NIfTI image; of the pixels nothing is read.

    Raises:
        UnreadableImageError: missing, damaged or no NIfTI image in one file.
    """
    with one_error(path), path.open("rb") as handle:
        packed = handle.read(2) == GZIP
        handle.seek(0)
        return _header(_Unpacker(handle, path).take(_HEADER) if packed else handle.read(_HEADER), path)


class _Unpacker:
    """Reads from a gzipped file no more than asked for, and checks its checksum at the end."""

    def __init__(self, handle: BinaryIO, path: Path) -> None:
        self._handle = handle
        self._path = path
        self._gunzip = zlib.decompressobj(31)
        self._left = b""

    def take(self, count: int) -> bytes:
        """Up to ``count`` bytes; fewer when the file holds no more."""
        parts: list[bytes] = []
        while count > 0:
            if self._gunzip.eof:  # gzip files may be several, one after the other
                following = self._gunzip.unused_data or self._handle.read(MIB)
                if not following.startswith(GZIP):
                    break
                self._gunzip, self._left = zlib.decompressobj(31), following
            chunk = self._left or self._handle.read(MIB)
            part = self._gunzip.decompress(chunk, count)
            self._left = self._gunzip.unconsumed_tail
            if not chunk and not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def finish(self) -> None:
        """Read to the end, at most a MiB past what was asked for.

        Raises:
            UnreadableImageError: the checksum is wrong (as zlib.error, inside ``one_error``) or the end is missing.
        """
        self.take(MIB)
        if not self._gunzip.eof:
            raise damaged(self._path, _("the compressed data go on or are cut short after the last pixel"))


def _header(head: bytes, path: Path) -> Any:
    """Nibabel's header of the right version."""
    from nibabel import imageglobals
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    if len(head) < 348:
        raise damaged(path, _("{n} bytes where {wanted} should be").format(n=len(head), wanted=348))
    two = head[4:8] in {b"n+2\0", b"ni2\0"}
    if (head[4:8] if two else head[344:348]) not in {b"n+1\0", b"n+2\0"}:
        raise UnreadableImageError(
            _("The file is not a NIfTI image in one piece."),
            file=path,
            expected=_("one file that ends in .nii or .nii.gz"),
            found=_("the header of a pair of files (.hdr and .img)") if is_nifti(head) else head[344:348].hex(" "),
            cure=_("Save the image again as one file."),
        )
    with imageglobals.LoggingOutputSuppressor():
        return Nifti2Header(head[:540]) if two else Nifti1Header(head[:348])  # type: ignore[no-untyped-call]


def _layout(header: Any, path: Path) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape without trailing ones, number type and offset, all as Python integers."""
    dim = [int(length) for length in header["dim"]]
    if not 1 <= dim[0] <= 7 or any(length < 1 for length in dim[1 : dim[0] + 1]):
        raise damaged(path, f"dim {dim}")
    shape = dim[1 : dim[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) not in {2, 3}:
        raise UnreadableImageError(
            _("The image has too many or too few axes."),
            file=path,
            expected=_("three axes, or two for a picture"),
            found=" × ".join(map(str, shape)),
            cure=_("Save each volume of a series, or each direction, as an image of its own."),
        )
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise UnreadableImageError(
            _("The image's pixels are not plain numbers."),
            file=path,
            expected=_("integers or real numbers"),
            found=str(header.get_value_label("datatype")),
        )
    return tuple(shape), dtype, int(header["vox_offset"])


def _image(array: np.ndarray, header: Any, path: Path) -> ReadImage:
    notes = []
    mode = array.dtype.newbyteorder("=").name
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if math.isinf(slope) or (slope == slope and slope != 0 and not math.isfinite(intercept)):
        raise damaged(path, f"scl_slope {slope:g}, scl_inter {intercept:g}")
    if slope == slope and slope != 0 and (slope, intercept) != (1.0, 0.0):  # zero and NaN mean: not scaled
        notes.append("scaled")
        array = array.astype(np.float64) * slope + intercept
    array = known_numbers(array, path)
    affine = np.asarray(header.get_best_affine(), dtype=np.float64)
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        notes.append("no-orientation")
    factor = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    if factor != 1.0:
        notes.append("units")
        affine[:3] *= factor
    check_affine(affine, path)
    volume, affine, before = to_ras(array.reshape(*array.shape, 1) if array.ndim == 2 else array, affine)
    spacing = check_affine(affine, path)
    if before != "RAS":
        notes.append("axes")
    if path.suffix.lower() not in {".nii", ".gz"}:
        notes.append("ending")
    facts: dict[str, Any] = {"axes": before, "stored": mode}
    if "ending" in notes:
        facts["ending"] = path.suffix
    if array.ndim == 3:
        return ReadImage(volume, spacing, "NIfTI", mode, tuple(notes), facts, affine, decoder())
    flat = volume.shape.index(1)
    wide, high = (spacing[axis] for axis in range(3) if axis != flat)
    picture = np.ascontiguousarray(np.squeeze(volume, axis=flat)[::-1, ::-1].T)
    return ReadImage(picture, (high, wide), "NIfTI", mode, tuple(notes), facts, None, decoder())


def decoder() -> str:
    """Name and version of what decodes."""
    import nibabel

    return f"nibabel {nibabel.__version__}"
