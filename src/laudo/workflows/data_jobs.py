"""Jobs on data sets: make, import, audit."""

from __future__ import annotations

from pathlib import Path

from laudo.audit.audit import Audit, audit_manifest
from laudo.core.errors import DataError, UnknownNameError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.sources import phantom_brain
from laudo.sources.table import SOURCES, import_manifest
from laudo.split.grouped import assign_groups

PHANTOMS = {"phantom-brain": phantom_brain.write}
"""Kinds of synthetic data, and what writes each."""


def make_phantoms(kind: str, folder: Path, n: int, seed: int, size: int) -> Path:
    """Write a synthetic data set.

    Raises:
        UnknownNameError: there is no such kind.
        DataError: the folder is not empty.
    """
    if kind not in PHANTOMS:
        raise UnknownNameError(_("There is no synthetic data of this kind."), found=kind, expected=", ".join(PHANTOMS))
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(_("The folder is not empty."), file=folder, cure=_("Name a new folder."))
    PHANTOMS[kind](folder, n, seed, size)
    return folder


def import_data(source: str, root: Path, out: Path) -> Path:
    """Write manifest.parquet and manifest.csv of a data set; groups included, nothing split."""
    audit = audit_manifest(import_manifest(source, root), unreadable="skip")
    path = out / "manifest.parquet"
    assign_groups(audit.manifest).save(path)
    return path


def audit_data(where: Path) -> Audit:
    """Audit a manifest, or a folder: of a source that knows its layout, else of one sub-folder a class."""
    if where.suffix == ".parquet":
        return audit_manifest(Manifest.load(where), unreadable="skip")
    if not where.is_dir():
        raise DataError(
            _("There is no such folder."), file=where, expected=_("a folder of images, or a manifest.parquet")
        )
    known = [name for name, source in SOURCES.items() if name != "folders" and source.fits(where)]
    return audit_manifest(import_manifest(known[0] if known else "folders", where), unreadable="skip")
