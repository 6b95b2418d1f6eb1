"""Images whose vectors point the same way: exact cosine similarity over one matrix, kept in a memory-mapped file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from laudo.catalog.open import Catalog
from laudo.catalog.tables import PICTURES, Embedding, Encoder, Value
from laudo.catalog.vectors import FLOAT, ImageEncoder, other_weights
from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.core.errors import DataError
from laudo.core.messages import _

READ = 1000
"""Vectors that are fetched at a time."""


@dataclass(frozen=True)
class Nearest:
    """The vectors of a catalogue, seen from one of them.

    Attributes:
        encoder: its name.
        keys: (n,) file key of each vector, UTF-8.
        similarity: (n,) cosine of each with the vector that is asked about.
    """

    encoder: str
    keys: np.ndarray
    similarity: np.ndarray

    def ranked(self, start: int) -> Iterator[list[tuple[str, float]]]:
        """File key and similarity of the nearest: ``start`` of them, then each time four times as many, at last all."""
        count = max(1, start)
        while True:
            yield self._best(np.arange(len(self.keys)), count)
            if count >= len(self.keys):
                return
            count *= 4

    def among(self, keys: Sequence[str], count: int) -> list[tuple[str, float]]:
        """The nearest of some pictures; those without a vector are left out."""
        wanted = np.array([key.encode() for key in keys], dtype=self.keys.dtype)
        return self._best(np.flatnonzero(np.isin(self.keys, wanted)), count)

    def notes(self, session: Session) -> list[str]:
        """A word on images that have no vector."""
        total = session.execute(select(Value.images).where(Value.name == PICTURES)).scalar_one_or_none() or 0
        if total <= len(self.keys):
            return []
        text = _("Images with a vector of {encoder}: {n} of {total}; laudo catalog embed {encoder} makes the others")
        return [text.format(encoder=self.encoder, n=len(self.keys), total=total)]

    def _best(self, rows: np.ndarray, count: int) -> list[tuple[str, float]]:
        values = self.similarity[rows]
        if count < len(values):
            cut = np.argpartition(-values, count - 1)[:count]
            # of equal ones the first: which of them argpartition takes is left to chance
            cut = np.flatnonzero(values >= values[cut].min())
            rows, values = rows[cut], values[cut]
        order = np.argsort(-values, kind="stable")[:count]
        return [(self.keys[row].decode(), float(value)) for row, value in zip(rows[order], values[order], strict=True)]


def find_nearest(catalog: Catalog, encoder: ImageEncoder, vector: np.ndarray, cache: Path | None = None) -> Nearest:
    """How like each picture of the catalogue is to a vector.

    Args:
        catalog: an open catalogue.
        encoder: what made the vector.
        vector: (d,) of the image that is asked about.
        cache: folder of the cache; default :func:`laudo.core.cache_folder.cache_folder`.

    Raises:
        DataError: the catalogue has no vectors of this encoder, or they were made with other weights.
    """
    matrix, keys = open_matrix(catalog, encoder, cache)
    if vector.shape != (matrix.shape[1],):
        raise other_weights(encoder.name)
    length = float(np.linalg.norm(vector))
    similarity = matrix @ (vector.astype(FLOAT) / (length or 1.0))
    return Nearest(encoder.name, keys, np.clip(similarity, -1.0, 1.0))


def encoders(catalog: Catalog) -> list[str]:
    """Names of the encoders whose vectors the catalogue holds, the fullest first."""
    with catalog.reading() as session:
        rows = select(Encoder.name).join(Embedding, Embedding.encoder_id == Encoder.id).group_by(Encoder.name)
        return list(session.execute(rows.order_by(func.count().desc(), Encoder.name)).scalars())


def open_matrix(catalog: Catalog, encoder: ImageEncoder, cache: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) float32 vectors of length one, and their (n,) file keys, mapped from the cache; made anew when they changed."""
    with catalog.reading() as session:
        row = session.execute(select(Encoder).where(Encoder.name == encoder.name)).scalar_one_or_none()
        if row is None:
            raise DataError(
                _("The catalogue has no vectors of this encoder."),
                file=catalog.address.shown,
                found=encoder.name,
                cure=_("Make them: laudo catalog embed {name}").format(name=encoder.name),
            )
        if row.identity != encoder.identity:
            raise other_weights(encoder.name)
        known = hashlib.sha256(f"{catalog.identity(session)}\n{row.name}".encode()).hexdigest()[:20]
        folder = (cache or cache_folder()) / "catalog" / known
        files = [folder / f"{row.revision}-{name}.npy" for name in ("keys", "vectors")]
        opened = _open(files, row.dimension)
        if opened is None:
            written = _write(session, row, files)
            opened = _open(files, row.dimension) or written  # another process may have removed them for newer ones
    return opened


def _open(files: Sequence[Path], dimension: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The mapped arrays; None when they are not there or are damaged."""
    try:
        keys, matrix = [np.load(file, mmap_mode="r", allow_pickle=False) for file in files]
    except Exception:  # a damaged header lets out errors of many kinds
        return None
    sound = (
        matrix.ndim == 2 and matrix.dtype == FLOAT and matrix.shape == (len(keys), dimension) and keys.dtype.kind == "S"
    )
    return (matrix, keys) if sound else None


def _write(session: Session, encoder: Encoder, files: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Bring the vectors from the data base into files, and give them back; files of other states are removed."""
    count = session.execute(select(func.count()).where(Embedding.encoder_id == encoder.id)).scalar_one()
    matrix = np.empty((count, encoder.dimension), dtype=FLOAT)
    keys = []
    rows = select(Embedding.file_key, Embedding.vector).where(Embedding.encoder_id == encoder.id).order_by(Embedding.id)
    for place, (key, vector) in enumerate(session.execute(rows.execution_options(yield_per=READ))):
        matrix[place] = np.frombuffer(vector, dtype=FLOAT)
        keys.append(key.encode())
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths > 0, lengths, 1)
    for old in files[0].parent.glob("[!.]*.npy"):  # what begins with a dot is being written
        with suppress(OSError):  # Windows removes no file that somebody has mapped
            old.unlink()
    named = np.array(keys, dtype=bytes)
    for file, array in zip(files, (named, matrix), strict=True):
        with atomic_path(file) as temporary:
            np.save(temporary, array, allow_pickle=False)
    return matrix, named
