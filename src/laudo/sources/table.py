"""Every source laudo knows, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.sources import (
    brats,
    bus_uc,
    busi,
    csv_table,
    dicom_tree,
    figshare,
    folders,
    images_masks,
    jsonl,
    kaggle_brain,
    medpix2,
    msd,
    phantom_brain,
)
from laudo.sources.named_manifest import named_manifest, open_manifest
from laudo.sources.source import Source

PUBLIC: tuple[Source, ...] = (
    kaggle_brain.SOURCE,
    figshare.SOURCE,
    medpix2.SOURCE,
    bus_uc.SOURCE,
    busi.SOURCE,
    brats.SOURCE,
    msd.SOURCE,
)
"""Public data sets; at most one of them fits a folder."""

GENERIC: tuple[Source, ...] = (
    csv_table.SOURCE,
    jsonl.SOURCE,
    images_masks.SOURCE,
    dicom_tree.SOURCE,
    folders.SOURCE,
)
"""Layouts of one's own data; several may fit a folder, and the first that does says the most about it."""

SYNTHETIC: tuple[Source, ...] = (phantom_brain.SOURCE,)
"""Synthetic data in a layout of their own; the others are written in that of a public set."""

SOURCES: dict[str, Source] = {source.name: source for source in (*PUBLIC, *GENERIC, *SYNTHETIC)}


def get_source(name: str) -> Source:
    """The source of this name.

    Raises:
        UnknownNameError: with the names there are and the nearest.
    """
    if name in SOURCES:
        return SOURCES[name]
    near = difflib.get_close_matches(name, SOURCES, n=1, cutoff=0.4)
    raise UnknownNameError(
        _("There is no data source of this name."),
        found=name,
        expected=", ".join(SOURCES),
        cure=_("Did you mean {name}?").format(name=near[0]) if near else None,
    )


def detect(root: Path) -> Source | None:
    """The source whose layout a folder (or table) has: a public or synthetic set first, then the layouts of one's own data.

    Looks at names of files and at first lines, never at an image; None when nothing fits.
    """
    return next((source for source in (*PUBLIC, *SYNTHETIC, *GENERIC) if source.fits(root)), None)


def import_manifest(name: str, data: Path | None) -> Manifest:
    """List the samples of a data set.

    Args:
        name: name of a source.
        data: the data set's own folder (or table), or a folder that holds it under its name; or a manifest that laudo wrote, or
            the folder that holds it; None: the folder in ``LAUDO_DATA``.

    Raises:
        DataError: no such folder, or it is not laid out as the source expects; or the images of the manifest are gone.
    """
    source = get_source(name)
    if data is not None and (given := named_manifest(data)):
        return open_manifest(given)
    return source.list_samples(find_root(source, data))


def find_root(source: Source, data: Path | None) -> Path:
    """The data set's own folder; see :func:`import_manifest`."""
    if data is None:
        if not os.environ.get("LAUDO_DATA"):
            raise DataError(
                _("No data were named."),
                expected=source.layout,
                cure=_("Name the folder with --data ROOT, or set LAUDO_DATA. The data set: {where}").format(
                    where=_(source.where)
                ),
            )
        data = Path(os.environ["LAUDO_DATA"])
    if data.is_file() and data.suffix.lower() in source.endings:
        return data
    if not data.is_dir():
        raise DataError(_("There is no such folder."), file=data, expected=source.layout)
    inside = data / source.folder
    if source.folder and inside.is_dir() and not source.fits(data):
        return inside
    return data
