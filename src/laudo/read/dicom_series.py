"""A whole DICOM series as one volume, its slices sorted by where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.dicom import check_picture, facts_of, read_dicom, read_frame, volume_of
from laudo.read.dicom_file import is_dicom, open_dicom
from laudo.read.dicom_geometry import Plane, plane_of, stack
from laudo.read.dicom_header import read_header
from laudo.read.guard import check_size, missing, one_error
from laudo.read.image import ReadImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "NumberOfFrames")


def read_series(folder: Path, key: str) -> ReadImage:
    """Read the series of a key from the files directly in a folder; see :func:`read_slices`.

    Args:
        folder: with DICOM files of any name; files that are not DICOM, and hidden ones, are passed over.
        key: ``DicomHeader.series`` of the files.

    Raises:
        UnreadableImageError: no such series, or as :func:`read_slices`.
    """
    if not folder.is_dir():
        raise missing(folder)
    found = series_in(folder)
    if key not in found:
        raise UnreadableImageError(
            _("There is no such DICOM series in the folder."),
            file=folder,
            expected=", ".join(sorted(found)[:8]) or _("files of a DICOM series"),
            found=key,
        )
    return read_slices(found[key], folder.with_name(f"{folder.name}#{key}"))


def series_in(folder: Path) -> dict[str, list[Path]]:
    """Files directly in a folder by the key of their series, sorted by name; a DICOM file that can not be read is an error.

    Raises:
        UnreadableImageError: a DICOM file is damaged: a series must not be read without it.
    """
    files = [path for path in sorted(folder.iterdir()) if _may_be_a_slice(path)]
    facts = [path.stat() for path in files]
    seen = tuple((str(path), fact.st_size, fact.st_mtime_ns) for path, fact in zip(files, facts, strict=True))
    return _series_of(seen)


def _may_be_a_slice(path: Path) -> bool:
    return not path.name.startswith(".") and path.name.upper() != "DICOMDIR" and path.is_file()


@lru_cache(maxsize=4)
def _series_of(seen: tuple[tuple[str, int, int], ...]) -> dict[str, list[Path]]:
    """The same of files as the disk last described them: a folder of many series has its headers read once, not once a series."""
    found: dict[str, list[Path]] = {}
    for path in (Path(name) for name, _size, _changed in seen):
        with one_error(path), path.open("rb") as handle:
            ours = is_dicom(handle.read(132))
        if ours:
            header = read_header(path)
            if header.rows and header.columns:
                found.setdefault(header.series, []).append(path)
    return found


def read_slices(paths: Sequence[Path], name: Path | None = None) -> ReadImage:
    """Read the slices of one series, in any order, as a volume (X, Y, Z) in RAS+; a single file as :func:`read_dicom` does.

    Slices are sorted by their position along the normal, never by number or name; the tilt of a gantry comes from the positions
    (note ``tilt``, the affine is then sheared). Nothing is resampled.

    Args:
        paths: the files.
        name: what errors call the series; default: the first file's folder.

    Raises:
        UnreadableImageError: a file is missing or damaged; no position; several sizes or orientations; a slice missing or twice.
    """
    if len(paths) == 1:
        return read_dicom(paths[0])
    whole = name or paths[0].parent
    planes = [_plane(path, whole) for path in paths]
    with one_error(whole):
        stack(planes, whole)  # before any pixel is read
    arrays, notes, decoders = [], [], []
    facts: dict[str, Any] = {}
    dataset: Dataset | None = None
    for path, plane in zip(paths, planes, strict=True):
        with one_error(path):
            dataset = open_dicom(path)
            check_picture(dataset, path)
            array, seen, decoder = read_frame(dataset, path)
            if array.ndim != 2:
                raise UnreadableImageError(_("Volumes in colour are not read."), file=path, found=str(array.shape))
            if array.shape != plane.shape:
                raise UnreadableImageError(
                    _("The picture is not as large as its header says."),
                    file=path,
                    expected=f"{plane.shape}",
                    found=f"{array.shape}",
                )
            check_size(whole, array.nbytes * len(paths), 1 << 40)
            facts = facts or facts_of(dataset, path)
        arrays.append(array)
        notes += [note for note in seen if note not in notes]
        decoders += [decoder] if decoder not in decoders else []
    assert dataset is not None
    with one_error(whole):
        return volume_of(arrays, planes, notes, facts, dataset, whole, "; ".join(decoders))


def _plane(path: Path, whole: Path) -> Plane:
    with one_error(path):
        header = open_dicom(path, pixels=False, tags=_GEOMETRY)
        if int(header.get("NumberOfFrames") or 1) > 1:
            raise UnreadableImageError(
                _("A file of the series holds several frames."),
                file=path,
                cure=_("Read each file of the series on its own."),
            )
        shape = (int(header.get("Rows") or 0), int(header.get("Columns") or 0))
        position, orientation, spacing = (header.get(name) for name in _GEOMETRY[:3])
        plane = plane_of(position, orientation, spacing, shape, path.name)
    if plane is None:
        raise UnreadableImageError(
            _("A file of the series does not say where it lies, or says something absurd."),
            file=path,
            expected="ImagePositionPatient, ImageOrientationPatient, PixelSpacing",
            found=", ".join(f"{name} {header.get(name)}" for name in _GEOMETRY[:3]),
            cure=_("Read each file of the series on its own."),
            details=(str(whole),),
        )
    return plane
