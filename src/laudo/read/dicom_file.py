"""Opens DICOM files of any syntax, with or without the usual preamble, deflated ones within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MIB, a_folder, check_size, damaged

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

ENDINGS = (".dcm", ".dicom", ".ima")

DEFLATED = "1.2.840.10008.1.2.1.99"
_FIRST_TAGS = frozenset(b"\0\1\5\6\x08\x12\x14\x16\x18")
"""Element numbers of group 8 that old files without a preamble begin with."""


def is_dicom(head: bytes) -> bool:
    """Whether the first 132 bytes of a file are those of a DICOM file; a file without preamble must begin with group 2 or 8."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 16:
        return False
    little = head[0] in {2, 8} and head[1] == 0 and head[3] == 0
    big = head[0] == 0 and head[1] in {2, 8} and head[2] == 0
    number = head[2] if little else head[3]
    if not (little or big) or number not in _FIRST_TAGS:
        return False
    explicit = head[4:6] in {b"UL", b"UI", b"CS", b"LO", b"SH", b"DA", b"OB"}
    length = int.from_bytes(head[4:8], "little" if little else "big")
    return explicit or 0 < length <= 128


def begins_as_dicom(path: Path) -> bool:
    """Whether the first bytes of a file are those of DICOM, whatever its name; not when it can not be opened, and not an index."""
    if path.name.upper() == "DICOMDIR":
        return False
    try:
        with path.open("rb") as handle:
            return is_dicom(handle.read(132))
    except OSError:
        return False


def open_dicom(path: Path, pixels: bool = True, tags: Sequence[str] | None = None) -> FileDataset:
    """Parse a DICOM file; call inside :func:`laudo.read.guard.one_error`.

    Args:
        path: the file.
        pixels: whether to go on to the pixel data.
        tags: keywords to read; default: all.

    Raises:
        UnreadableImageError: not DICOM, or deflated data that would unpack to far more than the file.
        Exception: whatever pydicom raises on damaged files.
    """
    import pydicom

    if path.is_dir():
        raise a_folder(path)
    with path.open("rb") as handle:
        head = handle.read(132)
        if not is_dicom(head):
            raise UnreadableImageError(_("The file is not DICOM."), file=path)
        if head[128:] == b"DICM":
            _check_deflated(path)
        handle.seek(0)
        wanted = None if tags is None else list(tags)
        return pydicom.dcmread(handle, force=True, stop_before_pixels=not pixels, specific_tags=wanted)


def syntax_of(dataset: Dataset) -> str:
    """Transfer syntax; of a file that does not say, the one that it was read with."""
    stated = str(dataset.file_meta.get("TransferSyntaxUID", "")) if hasattr(dataset, "file_meta") else ""
    if stated:
        return stated
    implicit, little = dataset.original_encoding
    if implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"


def _check_deflated(path: Path) -> None:
    """Count what deflated data unpack to before pydicom unpacks them all at once."""
    from pydicom.filereader import read_file_meta_info

    meta = read_file_meta_info(path)
    if str(meta.get("TransferSyntaxUID", "")) != DEFLATED:
        return
    size = path.stat().st_size
    inflate, count = zlib.decompressobj(-zlib.MAX_WBITS), 0
    with path.open("rb") as handle:
        handle.seek(144 + int(meta.FileMetaInformationGroupLength))
        chunk = handle.read(MIB)
        while chunk and not inflate.eof:
            count += len(inflate.decompress(chunk, 8 * MIB))
            check_size(path, count, size)
            chunk = inflate.unconsumed_tail or handle.read(MIB)
    if not inflate.eof:
        raise damaged(path, _("the deflated data are cut short"))
