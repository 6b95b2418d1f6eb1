"""A word on what a file is when it is no image that laudo reads."""

from __future__ import annotations

from laudo.core.messages import N_, _

KNOWN = "PNG, JPEG, BMP, TIFF, WEBP, GIF, DICOM, NIfTI, MATLAB"
"""Formats that are read, as an error names them."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", N_("a document or archive")),
    (b"PK", N_("a document or archive")),
    (b"7z\xbc\xaf", N_("a document or archive")),
    (b"Rar!", N_("a document or archive")),
    (b"\x1f\x8b", N_("a compressed file that holds no NIfTI image")),
    (b"BZh", N_("a compressed file that holds no NIfTI image")),
    (b"\xfd7zXZ", N_("a compressed file that holds no NIfTI image")),
    (b"NRRD", N_("a NRRD image; convert it to NIfTI")),
    (b"ObjectType", N_("a MetaImage; convert it to NIfTI")),
    (b"NDims", N_("a MetaImage; convert it to NIfTI")),
    (b"\x93NUMPY", N_("a NumPy array; convert it to PNG or NIfTI")),
    (b"\x00\x00\x00\x0cjP  ", N_("a JPEG 2000 image outside DICOM; convert it to PNG")),
    (b"\xffO\xffQ", N_("a JPEG 2000 image outside DICOM; convert it to PNG")),
    (b"\x5c\x01\x00\x00", N_("the header of an Analyze image; convert it to NIfTI")),
    (b"\x00\x00\x01\x5c", N_("the header of an Analyze image; convert it to NIfTI")),
)


def what_it_is(head: bytes) -> str:
    """What a file is, by its first bytes (64 or more, where it has them), translated."""
    if not head:
        return _("an empty file")
    for start, what in _STARTS:
        if head.startswith(start):
            return _(what)
    if head[4:8] == b"ftyp" or head.startswith(b"\x1aE\xdf\xa3") or (head[:4] == b"RIFF" and head[8:11] == b"AVI"):
        return _("a video")
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head[:64]):
        return _("text: {start}").format(start=repr(head[:24].decode("ascii")))
    return _("unknown bytes: {start}").format(start=head[:8].hex(" "))
