"""Bytes of the file formats that synthetic data are written in, the same for the same content."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MATLAB_HEAD = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Thu Jan  1 00:00:00 1970 HDF5 schema 1.00 ."
"""Text that MATLAB writes before the HDF5 part; always the same moment, so that the bytes are the same."""

USER_BLOCK = 512

Variable: TypeAlias = NDArray[Any] | str
"""What :func:`matlab` can store."""


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """JPEG of (H, W) pixels, in RGB as such files mostly are."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, format="JPEG", quality=92)
    return buffer.getvalue()


def rgb_png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG of (H, W) or (H, W, 3) pixels, in RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(buffer, format="PNG")
    return buffer.getvalue()


def nifti(array: NDArray[np.generic], affine: NDArray[np.float64]) -> bytes:
    """Compressed NIfTI-1 of a volume in its own dtype, millimetres, scanner coordinates."""
    import nibabel

    make: Any = nibabel.Nifti1Image
    image = make(array, affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    return gzip.compress(image.to_bytes(), compresslevel=3, mtime=0)


def matlab(variables: Mapping[str, Variable | Mapping[str, Variable]]) -> bytes:
    """MATLAB v7.3 file: HDF5 behind 512 bytes of its own, arrays transposed, text as 16-bit numbers; a dict is a struct."""
    import h5py  # type: ignore[import-untyped]

    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=USER_BLOCK, track_order=False) as file:
        for name, value in variables.items():
            if isinstance(value, Mapping):
                group = file.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_(b"struct")
                for field, inner in value.items():
                    _store(group, field, inner)
            else:
                _store(file, name, value)
    content = bytearray(buffer.getvalue())
    content[:128] = MATLAB_HEAD.ljust(116) + bytes(8) + (0x0200).to_bytes(2, "little") + b"IM"
    return bytes(content)


def _store(group: Any, name: str, value: Variable) -> None:
    """One variable as MATLAB stores it: two axes at least, the last of MATLAB's first."""
    if isinstance(value, str):
        numbers = np.frombuffer(value.encode("utf-16-le"), dtype="<u2").reshape(-1, 1)
        stored, kind = numbers, b"char"
    elif value.dtype == bool:
        stored, kind = np.atleast_2d(value).T.astype(np.uint8), b"logical"
    else:
        stored = np.atleast_2d(value).T
        kind = b"double" if value.dtype == np.float64 else str(value.dtype).encode()
    data = group.create_dataset(name, data=np.ascontiguousarray(stored))
    data.attrs["MATLAB_class"] = np.bytes_(kind)
    if kind in {b"char", b"logical"}:
        data.attrs["MATLAB_int_decode"] = np.int32(2 if kind == b"char" else 1)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Text of a CSV file."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue()
