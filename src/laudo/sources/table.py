"""Every source laudo knows, in one place. A new one is a file beside this and a line here."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.sources import folders, kaggle_brain, phantom_brain
from laudo.sources.source import Source

SOURCES: dict[str, Source] = {
    source.name: source for source in (kaggle_brain.SOURCE, folders.SOURCE, phantom_brain.SOURCE)
}


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


def import_manifest(name: str, data: Path | None) -> Manifest:
    """List the samples of a data set.

    Args:
        name: name of a source.
        data: the data set's own folder, or a folder that holds it under its name; None: the folder in ``LAUDO_DATA``.

    Raises:
        DataError: no such folder, or it is not laid out as the source expects.
    """
    source = get_source(name)
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
    if not data.is_dir():
        raise DataError(_("There is no such folder."), file=data, expected=source.layout)
    inside = data / source.folder
    if source.folder and inside.is_dir() and not source.fits(data):
        return inside
    return data
