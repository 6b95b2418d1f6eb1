"""The steps of a catalogue, as functions of the names of the commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

if TYPE_CHECKING:
    from laudo.catalog.filters import Conditions
    from laudo.catalog.result import Found

PathLike = str | Path


def catalog_import(
    what: PathLike,
    root: PathLike | None = None,
    *,
    db: PathLike | None = None,
    name: str | None = None,
    embed: str | None = None,
    prune: bool = False,
) -> dict[str, Any]:
    """Bring a data set, a manifest or a run into a catalogue.

    Args:
        what: name of a source; or a manifest, a folder of images, or a run, whose predictions are registered.
        root: the data set's folder, of a source.
        db: file or address of the catalogue; default: LAUDO_CATALOG, else ``laudo-catalog.sqlite``.
        name: of the data set in the catalogue; default: its source's or folder's.
        embed: backbone that makes vectors of the images.
        prune: remove images of the data set that are not listed any more.
    """
    from laudo.workflows.catalog_jobs import import_into

    return import_into(str(what), None if root is None else Path(root), _db(db), name, embed, prune)


def catalog_embed(backbone: str, *, db: PathLike | None = None, again: bool = False) -> dict[str, Any]:
    """Make the vectors that the images of a catalogue lack."""
    from laudo.workflows.catalog_jobs import embed_into

    return embed_into(backbone, _db(db), again)


def catalog_search(
    words: str = "",
    *,
    db: PathLike | None = None,
    limit: int = 20,
    like: PathLike | None = None,
    encoder: str | None = None,
    **conditions: Unpack[Conditions],
) -> Found:
    """Images of a catalogue by words of their cases, by filters, by likeness: the best first, with their cases.

    Args:
        words: all must stand in the texts; ``"a phrase"``, ``-excluded``, ``beginning*``.
        db: file or address of the catalogue.
        limit: images at most.
        like: an image; the nearest to it come first.
        encoder: whose vectors are compared; default: the only one that the catalogue has.
        conditions: ``modality, plane, location, sex, age, split, source, wrong, part``; see
            :class:`laudo.catalog.filters.Filters`.
    """
    from laudo.catalog.filters import Filters
    from laudo.workflows.catalog_jobs import search_in

    image = None if like is None else Path(like)
    return search_in(_db(db), words, Filters.of(conditions), limit, image, encoder)


def catalog_export(
    out: PathLike,
    words: str = "",
    *,
    db: PathLike | None = None,
    limit: int | None = None,
    **conditions: Unpack[Conditions],
) -> dict[str, Any]:
    """Write the manifest of the images that :func:`catalog_search` finds into the folder ``out``, for a training."""
    from laudo.catalog.filters import Filters
    from laudo.workflows.catalog_jobs import export_from

    return export_from(_db(db), words, Filters.of(conditions), Path(out), limit)


def _db(named: PathLike | None) -> str | None:
    return None if named is None else str(named)
