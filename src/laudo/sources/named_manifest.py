"""A manifest named where a data set's folder is expected: what `laudo data import` or `laudo data split` wrote."""

from __future__ import annotations

from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import COLUMNS, Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.read.member import split_member
from laudo.sources.hashes import with_hashes

NAME = "manifest.parquet"

_HEAD = ",".join([*COLUMNS][:6]).encode()
"""How the CSV copy of a manifest begins."""


def named_manifest(data: Path) -> Path | None:
    """The manifest that ``data`` is, or that it holds as a folder; None when it is neither.

    A Parquet file that laudo did not write is a table of somebody's own, no manifest.
    """
    if data.is_dir():
        return data / NAME if (data / NAME).is_file() and _is_ours(data / NAME) is not False else None
    return data if data.suffix.lower() == ".parquet" and data.is_file() and _is_ours(data) else None


def _is_ours(path: Path) -> bool | None:
    """Whether laudo wrote a Parquet file; None when it can not be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return b"laudo" in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return None


def check_target(folder: Path) -> None:
    """Ask whether a manifest may be written into a folder.

    Raises:
        DataError: a table of somebody's own stands there under the name of the manifest or of its CSV copy.
    """
    table, copy = folder / NAME, (folder / NAME).with_suffix(".csv")
    foreign = [table] if table.is_file() and _is_ours(table) is False else []
    if copy.is_file() and not table.is_file():  # beside a manifest it is the copy of it, damaged or not
        with copy.open("rb") as handle:
            foreign += [] if handle.read(len(_HEAD)) in (_HEAD, b"") else [copy]
    if foreign:
        raise DataError(
            _("A table that laudo did not write would be overwritten."),
            file=foreign[0],
            cure=_("Name another folder with -o."),
        )


def open_manifest(path: Path) -> Manifest:
    """Load a manifest whose images are to be read; files that have changed since they were listed have their new hash.

    Raises:
        DataError: it can not be read, or the folder that its paths start from is gone.
    """
    manifest = Manifest.load(path)
    if not manifest.root.is_dir():
        raise DataError(
            _("The folder of the images that the manifest lists is not there."),
            file=manifest.root,
            found=str(path),
            cure=_(
                "Bring the folder back, or name where it is now with --data ROOT, or import it again: "
                "laudo data import {source} ROOT -o DIR"
            ).format(source=manifest.source),
        )
    return _with_hashes_of_today(manifest)


def _with_hashes_of_today(manifest: Manifest) -> Manifest:
    """Hash the files again: the cache knows pictures by their hash, and would give the old one of a file that was replaced.

    DICOM series keep theirs, which only a source can work out.
    """
    columns = ("sha256", "mask_sha256")
    series = [
        any(split_member(path)[0].is_dir() for path in (*manifest.image_paths(row), *manifest.mask_paths(row)))
        for row in range(len(manifest))
    ]
    paths = zip(manifest.table["image"], manifest.table["mask"], strict=True)
    rows = with_hashes([{"image": image, "mask": mask} for image, mask in paths], manifest.root)
    before = [tuple(values) for values in manifest.table[[*columns]].to_numpy()]
    now = [
        old if is_series else tuple(str(row[column]) for column in columns)
        for row, old, is_series in zip(rows, before, series, strict=True)
    ]
    changed = sum(one != other for one, other in zip(before, now, strict=True))
    if not changed:
        return manifest
    say(_("Files that are not those that were listed: {n}; they are taken as they are now").format(n=changed))
    return manifest.with_columns(**{column: [row[place] for row in now] for place, column in enumerate(columns)})
