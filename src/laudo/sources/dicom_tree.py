"""Any tree of DICOM files, as a scanner, an archive or a CD exports it: with or without endings, several series a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say, track
from laudo.read.dicom_file import ENDINGS, begins_as_dicom
from laudo.sources.folders import order_classes
from laudo.sources.hashes import series_hashes
from laudo.sources.layout import some
from laudo.sources.source import Source

if TYPE_CHECKING:
    from laudo.read.dicom_header import DicomHeader

NO_PICTURES = frozenset({"SR", "PR", "KO", "AU", "DOC", "RTSTRUCT", "RTPLAN", "RTRECORD", "SEG", "REG", "RWV", "FID"})
"""Modalities whose files describe images and are none."""

PROJECTIONS = frozenset(
    {"CR", "DX", "MG", "US", "IVUS", "XA", "RF", "SC", "OT", "ES", "XC", "OP", "IO", "PX", "GM", "SM"}
)
"""Modalities whose series are no stacks of slices: each file is an image of its own."""


@dataclass
class Series:
    """Files of one series that lie in one folder.

    Attributes:
        folder: relative to the tree's root, with forward slashes; empty for the root itself.
        headers: of its files, which agree in what a sample needs; none when the file is damaged.
    """

    folder: str
    key: str
    files: list[Path] = field(default_factory=list)
    headers: list[DicomHeader] = field(default_factory=list)


def list_candidates(root: Path) -> list[Path]:
    """Every file of the tree that may be DICOM; hidden files and the index DICOMDIR are left out."""
    found = []
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [
            Path(parent, name) for name in sorted(names) if not name.startswith(".") and name.upper() != "DICOMDIR"
        ]
    return sorted(found)


def _fits(root: Path) -> bool:
    """Whether one of the first files begins as DICOM does; to ask all of a large tree would take minutes."""
    if not root.is_dir():
        return False
    seen = 0
    for parent, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.upper() == "DICOMDIR" or name.startswith("."):
                continue
            if begins_as_dicom(Path(parent, name)):
                return True
            seen += 1
            if seen >= 20:
                return False
    return False


def find_series(root: Path) -> list[Series]:
    """Series of a tree by folder, headers read on all cores and no pixel at all; what was left out is said.

    Raises:
        DataError: there is no DICOM image in the tree.
    """
    from laudo.read.dicom_header import read_header

    def header_of(path: Path) -> DicomHeader | UnreadableImageError:
        try:
            return read_header(path)
        except UnreadableImageError as error:
            return error

    files = list_candidates(root)
    found: dict[tuple[str, str], Series] = {}
    other, pictureless = list[Path](), 0
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        headers = track(pool.map(header_of, files), _("Reading the headers"), total=len(files))
        for path, header in zip(files, headers, strict=True):
            folder = path.parent.relative_to(root).as_posix()
            folder = "" if folder == "." else folder
            if isinstance(header, UnreadableImageError):
                # damaged: listed, so that the audit names it
                if path.suffix.lower() in ENDINGS or begins_as_dicom(path):
                    found[folder, f"/{path.name}"] = Series(folder, "", [path])
                else:
                    other.append(path)
            elif header.modality in NO_PICTURES or header.rows < 1 or header.columns < 1:
                pictureless += 1
            else:
                alone = header.modality in PROJECTIONS or header.frames > 1 or not header.series
                key = f"{header.series}/{path.name}" if alone else header.series
                series = found.setdefault((folder, key), Series(folder, header.series))
                series.files.append(path)
                series.headers.append(header)
    if not any(series.headers for series in found.values()):
        raise DataError(
            _("There is no DICOM image in the folder."),
            file=root,
            expected=SOURCE.layout,
            found=_("files: {n}, DICOM without a picture: {without}").format(n=len(files), without=pictureless),
        )
    if other:
        names = some([path.relative_to(root).as_posix() for path in other])
        say(_("Files left out because they are not DICOM: {n} ({names})").format(n=len(other), names=names))
    if pictureless:
        say(_("DICOM files left out because they hold no picture: {n}").format(n=pictureless))
    return [found[key] for key in sorted(found)]


ABOUT = ("sex", "age", "manufacturer", "scanner", "field_strength")
"""Of patient and scanner; figures are shown in subgroups by them."""


def _list(root: Path) -> Manifest:
    every = find_series(root)
    labels = folder_labels(every)
    rows: list[dict[str, object]] = []
    for series, sha256 in zip(every, series_hashes([series.files for series in every]), strict=True):
        header = series.headers[0] if series.headers else None
        several = len(series.files) > 1
        sample = f"{series.folder}#{series.key}" if several else series.files[0].relative_to(root).as_posix()
        rows.append(
            {
                "sample": sample,
                "image": sample,
                "label": labels.get(_top(series), ""),
                "patient": header.patient if header else "",
                "sha256": sha256,
                "study": header.study if header else "",
                "modality": header.modality if header else "",
                "body_part": header.body_part if header else "",
                **{name: getattr(header, name) if header else "" for name in ABOUT},
                "burned_in": _worst([one.burned_in for one in series.headers]),
            }
        )
    _say(every)
    return Manifest.from_rows(rows, root, SOURCE.name, order_classes(set(labels.values())))


def _top(series: Series) -> str:
    """Folder directly in the root that holds the series; empty for files in the root itself."""
    return series.folder.partition("/")[0]


def folder_labels(every: Sequence[Series]) -> dict[str, str]:
    """Class of each folder in the root: its name, when there are two or more of them and they are not one a patient."""
    patients: dict[str, set[str]] = {}
    for series in every:
        if _top(series):
            patients.setdefault(_top(series), set()).update(header.patient for header in series.headers[:1])
    if len(patients) < 2 or any(_top(series) == "" for series in every):
        return {}
    each = [next(iter(known)) for known in patients.values() if len(known) == 1]
    if len(patients) > 2 and all(each) and len(each) == len(set(each)) == len(patients):
        say(_("Each folder holds one patient; the folders are not taken for classes"))
        return {}
    names = sorted(patients)
    say(_("Classes are named by the folders: {names}").format(names=some(names)))
    return {name: name for name in names}


def _worst(values: Sequence[str]) -> str:
    """What a sample of several files must be taken for; a damaged file says nothing."""
    return next((value for value in ("yes", "unknown") if value in values), "no" if values else "unknown")


def _say(every: Sequence[Series]) -> None:
    headers = [header for series in every for header in series.headers]
    single = sum(len(series.files) == 1 for series in every)
    say(
        _("DICOM files: {files}, series: {series}, single images: {single}").format(
            files=len(headers), series=len(every) - single, single=single
        )
    )
    tags = Counter(tag for header in headers for tag in header.patient_tags)
    if tags:
        names = ", ".join(sorted(tags))
        say(_("Tags that identify a patient are filled: {names}. They are not copied.").format(names=names))
    told = sum(header.in_path for header in headers)
    if told:
        say(
            _(
                "Files whose path holds the identifier or the name of their patient: {n}. "
                "Manifests and runs list paths: rename folders and files before you pass them on."
            ).format(n=told)
        )
    unknown = sum(not header.patient for header in headers)
    if unknown:
        say(_("Files without a patient identifier: {n}").format(n=unknown))


SOURCE = Source(
    name="dicom",
    folder="",
    what=N_("Any tree of DICOM files; a sample is a series or a single image"),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout="ROOT/…/*.dcm (any name), ROOT/CLASS/…/*.dcm",
    fits=_fits,
    list_samples=_list,
)
