"""The steps from images to a prepared data set, as functions of the names of the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laudo.core.errors import LaudoError
from laudo.core.messages import _, current_language

if TYPE_CHECKING:
    from laudo.workflows.data_jobs import AuditedData

PathLike = str | Path


def make_data(kind: str, folder: PathLike, n: int | None = None, seed: int = 0, size: int | None = None) -> Path:
    """Write a synthetic data set; number and size default to the kind's own."""
    from laudo.workflows.data_jobs import make_phantoms

    return make_phantoms(kind, Path(folder), n, seed, size)


def fetch_data(source: str, folder: PathLike) -> dict[str, Any]:
    """Bring a public data set from its publisher, where that needs no account."""
    from laudo.sources.fetch import fetch
    from laudo.sources.table import get_source

    return fetch(get_source(source), Path(folder))


def import_data(source: str, root: PathLike, out: PathLike) -> dict[str, Any]:
    """List the samples of a data set into ``out``; a second time, only what has changed is read."""
    from laudo.workflows.import_set import import_data

    return import_data(source, Path(root), Path(out))


def audit(
    where: PathLike,
    source: str | None = None,
    label: str | None = None,
    against: PathLike | None = None,
    inflation: bool = False,
) -> AuditedData:
    """What is wrong with a data set: a folder, a table or a manifest.

    Args:
        where: its folder, table or manifest.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class; default: the source's own.
        against: another data set, of whose images copies are looked for.
        inflation: also train a cheap model under a random and under a grouped split.
    """
    from laudo.workflows.data_jobs import audit_data

    return audit_data(Path(where), source, label, None if against is None else Path(against), inflation)


def write_audit(
    audited: AuditedData, out: PathLike | None, html: PathLike | None, language: str | None = None
) -> dict[str, str]:
    """Write an audit: audit.json and the manifest of the usable samples into the folder ``out``, a page to the file ``html``."""
    from laudo.workflows.data_jobs import write_audit

    return write_audit(
        audited, Path(out) if out else None, Path(html) if html else None, language or current_language()
    )


def split_data(
    where: PathLike,
    out: PathLike,
    settings: Mapping[str, Any] | None = None,
    folds: int | None = None,
    source: str | None = None,
    label: str | None = None,
) -> dict[str, Any]:
    """Divide a data set into parts, or into folds, and write its manifest into ``out``.

    Args:
        where: its folder, table or manifest.
        out: folder for the manifest.
        settings: of the section ``split`` of a recipe (``by``, ``test``, ``validation``, ``repeats``, ``seed``).
        folds: number of folds; default: parts.
        source: name of the source; default: the one whose layout fits.
        label: column that names the class; default: the source's own.

    Raises:
        LaudoError: the settings are not valid, or the data can not be divided so.
    """
    from pydantic import ValidationError

    from laudo.core.recipe import Split
    from laudo.workflows.data_jobs import split_data

    chosen = dict(settings or {})
    if folds and ({"test", "validation"} & set(chosen)):
        raise LaudoError(
            _("--test and --validation are shares of parts: with --folds each fold is the test part once.")
        )
    if not folds and "repeats" in chosen:
        raise LaudoError(_("--repeats needs --folds: parts are drawn once."))
    if chosen.get("by") == "official" and ({"test", "repeats"} & set(chosen)):
        raise LaudoError(_("An official split is as its authors made it: --test and --repeats do not belong to it."))
    try:
        split = Split.model_validate(chosen)
    except ValidationError as error:
        problems = tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise LaudoError(_("The split can not be made like this."), details=problems) from error
    return split_data(Path(where), Path(out), split, folds, source, label)


def prepare(
    recipe: PathLike, data: PathLike | None = None, settings: Sequence[str] = (), jobs: int | None = None
) -> dict[str, Any]:
    """Write what a recipe's network eats into the cache, ahead of the training."""
    from laudo.workflows.prepare_data import prepare_data

    return prepare_data(str(recipe), settings, None if data is None else Path(data), jobs)
