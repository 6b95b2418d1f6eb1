"""A manifest named where a data set's folder is expected: what `laudo data import` or `laudo data split` wrote."""

from __future__ import annotations

from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _

NAME = "manifest.parquet"


def named_manifest(data: Path) -> Path | None:
    """The manifest that ``data`` is, or that it holds as a folder; None when it is neither.

    A Parquet file that laudo did not write is a table of somebody's own, no manifest.
    """
    if data.is_dir():
        return data / NAME if (data / NAME).is_file() else None
    return data if data.suffix.lower() == ".parquet" and data.is_file() and _is_ours(data) else None


def _is_ours(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return b"laudo" in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False


def open_manifest(path: Path) -> Manifest:
    """Load a manifest whose images are to be read.

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
    return manifest
