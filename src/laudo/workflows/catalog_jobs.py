"""Jobs on a catalogue: import, search, export, vectors.

A search needs neither tables nor readers of images: what needs them imports them when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laudo.catalog.filters import Filters
from laudo.catalog.nearest import Nearest, encoders, find_nearest
from laudo.catalog.open import Catalog, check, open_catalog
from laudo.catalog.result import Found
from laudo.catalog.search import search, search_numbers
from laudo.catalog.vectors import ImageEncoder, embed_images
from laudo.core.atomic import write_json
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.sources.broken_rows import BrokenRow, broken_rows_skipped

if TYPE_CHECKING:
    from laudo.catalog.store import Counts, Stored
    from laudo.core.manifest import Manifest

RECORD = "export.json"
"""File beside an exported manifest that says what was asked."""


def import_into(
    what: str, root: Path | None, db: str | Path | None, name: str | None, embed: str | None = None, prune: bool = False
) -> dict[str, Any]:
    """Bring a data set, a manifest or a run into a catalogue, in one transaction.

    Args:
        what: name of a source; or a manifest, a folder or table whose layout is found out, or a run, whose predictions are
            registered as well.
        root: the data set's folder; only with a source.
        db: see :func:`laudo.catalog.address.read_address`.
        name: of the data set in the catalogue; default: the source's, of one's own data that of its folder.
        embed: encoder that makes vectors of the images afterwards.
        prune: remove images of the data set that are not listed any more.

    Returns:
        ``catalogue, data_set, images`` and ``cases`` (new, changed, same), ``gone, removed, skipped, predictions, vectors``.

    Raises:
        DataError: there is nothing to import, or the catalogue can not be used.
    """
    from laudo.catalog.registered import register_run, runs_named
    from laudo.catalog.store import store_manifest
    from laudo.sources.table import SOURCES

    encoder = None
    if embed is not None:
        from laudo.workflows.image_encoders import image_encoder

        encoder = image_encoder(embed)  # a wrong name or missing weights are told before the work
    run = None if what in SOURCES else runs_named(Path(what))
    with broken_rows_skipped() as broken:
        manifest = run.manifest() if run else _listed(what, root)
    with open_catalog(db, create=True) as catalog:
        check(catalog)
        registered: list[dict[str, Any]] = []
        with catalog.writing() as session:
            chosen = name or _name(manifest)
            stored = store_manifest(session, catalog.words, manifest, chosen, add_only=run is not None, prune=prune)
            if run:
                registered = [vars(one) for one in register_run(session, run, stored)]
        facts = _imported(catalog, stored, [*broken, *stored.skipped])
        if encoder is not None:
            facts["vectors"] = _embedded(catalog, encoder, again=False)
        return {**facts, "run": str(run.folder) if run else None, "predictions": registered}


def _listed(what: str, root: Path | None) -> Manifest:
    from laudo.sources.table import SOURCES, import_manifest
    from laudo.split.groups import assign_groups
    from laudo.workflows.data_jobs import find_samples

    if what in SOURCES:
        manifest = import_manifest(what, root)
    elif root is not None:
        raise DataError(
            _("There is no data source of this name."), found=what, expected=", ".join(SOURCES),
            cure=_("A manifest, a folder or a run is named alone, without ROOT."),
        )  # fmt: skip
    elif not Path(what).exists():
        raise DataError(
            _("There is neither a data source nor a file or folder of this name."),
            found=what,
            expected=", ".join(SOURCES),
        )
    else:
        manifest = find_samples(Path(what))
    grouped = (manifest.table["group"] != "").all()
    return manifest if grouped else assign_groups(manifest)


def _name(manifest: Manifest) -> str:
    """Name of the data set: that of its source; one's own data are called after their folder."""
    from laudo.sources.table import GENERIC

    own = manifest.source in {source.name for source in GENERIC}
    return (manifest.root.absolute().name or manifest.source) if own else manifest.source


def _imported(catalog: Catalog, stored: Stored, skipped: Sequence[BrokenRow]) -> dict[str, Any]:
    def counts(one: Counts) -> dict[str, int]:
        return dict(vars(one))

    return {
        "catalogue": catalog.address.shown,
        "data_set": stored.data_set,
        "images": counts(stored.images),
        "cases": counts(stored.cases),
        "gone": stored.gone,
        "removed": stored.removed,
        "skipped": [row._asdict() for row in skipped],
        "vectors": None,
    }


def embed_into(backbone: str, db: str | Path | None, again: bool = False) -> dict[str, Any]:
    """Make the vectors that the images of a catalogue lack; goes on where it was stopped.

    Args:
        backbone: name of the encoder.
        db: see :func:`laudo.catalog.address.read_address`.
        again: throw away those that other weights have made.

    Returns:
        ``catalogue, encoder, new, known, skipped``.
    """
    from laudo.workflows.image_encoders import image_encoder

    encoder = image_encoder(backbone)
    with open_catalog(db) as catalog:
        return {"catalogue": catalog.address.shown, **_embedded(catalog, encoder, again)}


def _embedded(catalog: Catalog, encoder: ImageEncoder, again: bool) -> dict[str, Any]:
    done = embed_images(catalog, encoder, again)
    return {**vars(done), "skipped": [row._asdict() for row in done.skipped]}


def search_in(
    db: str | Path | None,
    words: str,
    filters: Filters,
    limit: int,
    like: Path | None = None,
    encoder: str | None = None,
) -> Found:
    """Search a catalogue.

    Args:
        db: see :func:`laudo.catalog.address.read_address`.
        words: see :func:`laudo.catalog.words.read_words`.
        filters: what else must be.
        limit: hits at most.
        like: an image; those nearest to it come first.
        encoder: whose vectors are compared; default: the only one that the catalogue has.

    Raises:
        DataError: there is no catalogue, a filter's value that no image has, or no vectors to compare.
    """
    with open_catalog(db) as catalog:
        nearest = None if like is None else _nearest(catalog, like, encoder)
        return search(catalog, words, filters, limit, nearest)


def _nearest(catalog: Catalog, like: Path, named: str | None) -> Nearest:
    known = encoders(catalog)
    if not known:
        raise DataError(
            _("The catalogue has no vectors of images yet."),
            file=catalog.address.shown,
            cure=_("Make them: laudo catalog embed {name}").format(name="mobilenetv2_100"),
        )
    if named is None and len(known) > 1:
        raise DataError(
            _("The catalogue has vectors of several encoders."),
            expected=", ".join(known),
            cure=_("Name one: --encoder"),
        )
    from laudo.workflows.image_encoders import image_encoder

    encoder = image_encoder(named or known[0])
    return find_nearest(catalog, encoder, encoder.embed([like])[0])


def export_from(
    db: str | Path | None, words: str, filters: Filters, out: Path, limit: int | None = None
) -> dict[str, Any]:
    """Write the manifest of all images that answer, for ``laudo train … --data DIR``.

    Args:
        db: see :func:`laudo.catalog.address.read_address`.
        words: see :func:`laudo.catalog.words.read_words`.
        filters: what else must be.
        out: folder for manifest.parquet, manifest.csv and export.json.
        limit: images at most, the best; default: all.

    Returns:
        ``manifest, samples, cases, classes, counts`` (class → part → samples), ``root``.

    Raises:
        DataError: no image answers, or ``out`` holds a table of somebody's own.
    """
    from laudo.catalog.export import manifest_of
    from laudo.sources.named_manifest import NAME, check_target

    check_target(out)
    with open_catalog(db) as catalog:
        numbers = search_numbers(catalog, words, filters, limit)
        with catalog.reading() as session:
            manifest = manifest_of(session, numbers)
        shown = catalog.address.shown
    manifest.save(out / NAME)
    counts: dict[str, dict[str, int]] = {}
    for label, part in zip(manifest.table["label"], manifest.table["split"], strict=True):
        row = counts.setdefault(str(label), {})
        row[str(part)] = row.get(str(part), 0) + 1
    facts = {
        "manifest": str(out / NAME),
        "catalogue": shown,
        "words": words,
        "filters": filters.as_dict(),
        "samples": len(manifest),
        "cases": int(
            manifest.table["patient"].where(manifest.table["patient"] != "", manifest.table["sample"]).nunique()
        ),
        "classes": list(manifest.classes),
        "counts": counts,
        "root": str(manifest.root),
    }
    write_json(out / RECORD, facts)
    missing = sum(not path.exists() for path in manifest.paths)
    if missing:
        say(_("Image files that are not there any more: {n}").format(n=missing))
    return facts
