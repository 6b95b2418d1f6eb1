"""The formats that are read, and the one function that reads them all: by content, never by ending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read import dicom_file, matlab, nifti, raster
from laudo.read.guard import a_folder, missing, one_error
from laudo.read.image import ReadImage
from laudo.read.member import split_member

HEAD_BYTES = 4096
"""How much of a file is looked at to tell its format."""


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: of the format.
        endings: lower case, with the dot. Used to find images among other files, not to tell what they are.
        recognises: whether the first bytes of a file are of this format.
        read: the reader.
    """

    name: str
    endings: tuple[str, ...]
    recognises: Callable[[bytes], bool]
    read: Callable[[Path], ReadImage]


def _read_dicom(path: Path) -> ReadImage:
    from laudo.read.dicom import read_dicom

    return read_dicom(path)


FORMATS: tuple[Format, ...] = (
    Format("DICOM", dicom_file.ENDINGS, dicom_file.is_dicom, _read_dicom),
    Format("NIfTI", nifti.ENDINGS, nifti.is_nifti, nifti.read_nifti),
    Format("MATLAB", matlab.ENDINGS, matlab.is_matlab, matlab.read_matlab),
    Format("raster", tuple(sorted(raster.ENDINGS)), lambda head: True, raster.read_raster),
)
"""In the order in which they are tried; the last takes what is left and says what it is when it is no picture."""

ENDINGS: frozenset[str] = frozenset(ending for one in FORMATS for ending in one.endings)
"""Endings of all formats, lower case; ``.nii.gz`` is one."""

_PACKAGES = (
    "pillow",
    "pydicom",
    "pylibjpeg-openjpeg",
    "pylibjpeg-rle",
    "pyjpegls",
    "python-gdcm",
    "nibabel",
    "h5py",
    "scipy",
)

READERS_VERSION = 2
"""Raised when a reader here gives other pixels for the same file."""


def _decoders() -> str:
    found = [f"readers {READERS_VERSION}"]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} -")
    return ", ".join(found)


DECODERS: str = _decoders()
"""Name and version of everything that turns bytes into pixels; part of every cache key."""


def is_image_name(name: str) -> bool:
    """Whether a file's name ends like an image of a known format and is not hidden."""
    return not name.startswith(".") and name.lower().endswith(tuple(ENDINGS))


def read_image(path: Path) -> ReadImage:
    """Read an image of any known format.

    Args:
        path: a file; ``FILE.mat#NAME`` for an array of a MATLAB file; ``FOLDER#KEY`` for the DICOM series of that key. When a path
            exists as it stands, ``#`` is part of its name.

    Raises:
        UnreadableImageError: missing, a folder, not an image, damaged, too large.
    """
    holder, member = split_member(path)
    if holder != path:
        return _read_member(path, holder, member)
    if path.is_dir():
        raise a_folder(path)
    return format_of(path).read(path)


def format_of(path: Path) -> Format:
    """The format of a file, by its first bytes.

    Raises:
        UnreadableImageError: it can not be opened.
    """
    with one_error(path), path.open("rb") as handle:
        head = handle.read(HEAD_BYTES)
    return next(one for one in FORMATS if one.recognises(head))


def _read_member(path: Path, holder: Path, member: str) -> ReadImage:
    if holder.is_dir():
        from laudo.read.dicom_series import read_series

        return read_series(holder, member)
    if not holder.exists():
        raise missing(path)
    found = format_of(holder)
    if found.name != "MATLAB":
        raise UnreadableImageError(
            _("Files of this format have no named parts."),
            file=path,
            expected=_("a MATLAB file or a folder before the #"),
            found=found.name,
        )
    return matlab.read_matlab(holder, member)
