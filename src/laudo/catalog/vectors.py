"""Vectors of images in a catalogue: made once for each picture and encoder, chunk by chunk, so that a killed job goes on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from laudo.catalog.batches import BATCH, batches
from laudo.catalog.open import Catalog
from laudo.catalog.tables import DataSet, Embedding, Encoder, Image
from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.sources.broken_rows import BrokenRow

CHUNK = 128
"""Images between two commits: what a kill can cost."""

FLOAT = np.dtype("<f4")


@dataclass(frozen=True)
class ImageEncoder:
    """What makes vectors of images.

    Attributes:
        name: what it is called in the catalogue.
        identity: hash of everything that decides the vectors, weights and preparation among it.
        embed: (n, d) float32 vectors of n files; raises UnreadableImageError of one that gives no image.
    """

    name: str
    identity: str
    embed: Callable[[Sequence[Path]], np.ndarray]


@dataclass(frozen=True)
class Embedded:
    """What an embedding has done: vectors that are new, those that were there, and images that gave none."""

    encoder: str
    new: int
    known: int
    skipped: list[BrokenRow]


def embed_images(catalog: Catalog, encoder: ImageEncoder, again: bool = False) -> Embedded:
    """Make the vectors that the catalogue lacks; those made before a kill are kept.

    Args:
        catalog: an open catalogue.
        encoder: what makes them.
        again: throw away the vectors that other weights have made under this name.

    Raises:
        DataError: the vectors under this name were made by other weights, or the encoder's vectors can not be used.
    """
    with catalog.reading() as session:
        known = _encoder(session, encoder.name)
        strange = known is not None and known.identity != encoder.identity
    if strange and not again:
        raise other_weights(encoder.name)
    if strange:
        with catalog.writing() as session:
            session.execute(delete(Encoder).where(Encoder.name == encoder.name))
    with catalog.reading() as session:
        missing, there = _missing(session, encoder.name)
    skipped: list[BrokenRow] = []
    new = 0
    with step(_("Vectors of the images"), len(missing)) as advance:
        for batch in batches(missing, CHUNK):
            made = _vectors(encoder, batch, skipped)
            if made:
                with catalog.writing() as session:
                    _put(session, encoder, made)
            new += len(made)
            advance(len(batch))
    return Embedded(encoder.name, new, there, skipped)


def other_weights(name: str) -> DataError:
    """The error for vectors that can not be compared."""
    return DataError(
        _("The vectors of this encoder in the catalogue were made with other weights or another preparation."),
        found=name,
        cure=_("Make them anew: laudo catalog embed {name} --again").format(name=name),
    )


def forget_vectors(session: Session) -> None:
    """Remove the vectors of pictures that the catalogue does not hold any more."""
    gone = Embedding.file_key.not_in(select(Image.file_key))
    touched = session.execute(select(Embedding.encoder_id).where(gone).distinct()).scalars().all()
    if touched:
        session.execute(delete(Embedding).where(gone))
        for row in session.execute(select(Encoder).where(Encoder.id.in_(touched))).scalars():
            row.revision = secrets.token_hex(8)


def _encoder(session: Session, name: str) -> Encoder | None:
    return session.execute(select(Encoder).where(Encoder.name == name)).scalar_one_or_none()


def _missing(session: Session, name: str) -> tuple[list[tuple[str, Path]], int]:
    """File key and path of each picture without a vector, and how many have one."""
    done = select(Embedding.file_key).join(Encoder, Encoder.id == Embedding.encoder_id).where(Encoder.name == name)
    known = set(session.execute(done).scalars())
    rows = session.execute(
        select(Image.file_key, DataSet.root, Image.image).join(DataSet, DataSet.id == Image.set_id).order_by(Image.id)
    )
    paths = {key: Path(root) / image.partition("|")[0] for key, root, image in rows}
    return [(key, path) for key, path in paths.items() if key not in known], len(known & set(paths))


def _vectors(
    encoder: ImageEncoder, batch: Sequence[tuple[str, Path]], skipped: list[BrokenRow]
) -> list[tuple[str, np.ndarray]]:
    """Vector of each picture; one that can not be read is listed, and the others are made without it."""
    try:
        vectors = encoder.embed([path for _key, path in batch])
    except UnreadableImageError as error:
        if len(batch) == 1:
            skipped.append(BrokenRow(str(batch[0][1]), error.what))
            return []
        return [found for one in batch for found in _vectors(encoder, [one], skipped)]
    if vectors.ndim != 2 or len(vectors) != len(batch) or not np.isfinite(vectors).all():
        raise DataError(
            _("The encoder's vectors can not be used."),
            found=f"{vectors.dtype} {vectors.shape}",
            expected=_("one vector of finite numbers an image"),
        )
    return [(key, vector) for (key, _path), vector in zip(batch, vectors, strict=True)]


def _put(session: Session, encoder: ImageEncoder, made: Sequence[tuple[str, np.ndarray]]) -> None:
    dimension = len(made[0][1])
    row = _encoder(session, encoder.name)
    if row is None:
        row = Encoder(name=encoder.name, identity=encoder.identity, dimension=dimension)
        session.add(row)
    if row.identity != encoder.identity or row.dimension != dimension:  # another process came between
        raise other_weights(encoder.name)
    row.revision = secrets.token_hex(8)
    session.flush()
    keys = [key for key, _vector in made]
    session.execute(delete(Embedding).where(Embedding.encoder_id == row.id, Embedding.file_key.in_(keys)))
    values = [
        {"encoder_id": row.id, "file_key": key, "vector": np.ascontiguousarray(vector, FLOAT).tobytes()}
        for key, vector in made
    ]
    for batch in batches(values, BATCH):
        session.execute(insert(Embedding), batch)
