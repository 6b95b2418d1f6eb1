"""Words in SQLite: a table of FTS5, ranked by BM25 (Robertson and Zaragoza 2009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, column, func, literal_column, select, table, text
from sqlalchemy.orm import Session

from laudo.catalog.document import FIELDS, LABELS, WEIGHTS, Document
from laudo.catalog.words import Term

_WORDS = table("catalog_words", column("rowid"), column("catalog_words"))
_BATCH = 500


class Fts5:
    """``catalog_words`` as a virtual table, its ``rowid`` the image's number."""

    def begin(self, connection: Connection) -> None:
        """Nothing to do."""

    def lock(self, connection: Connection) -> None:
        """BEGIN IMMEDIATE has done it."""

    def tables(self, connection: Connection) -> list[str]:
        """All tables of the file."""
        return list(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())

    def create(self, connection: Connection) -> None:
        """Make the table; words come folded and in ASCII, an underscore is part of a word."""
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE catalog_words USING fts5({', '.join(FIELDS)}, "
            "tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\")"
        )

    def put(self, session: Session, documents: Sequence[tuple[int, Document]]) -> None:
        """Store words."""
        if not documents:
            return
        self.remove(session, [image for image, _document in documents])
        names = ", ".join(f":{name}" for name in FIELDS)
        session.execute(
            text(f"INSERT INTO catalog_words (rowid, {', '.join(FIELDS)}) VALUES (:image, {names})"),  # noqa: S608 (names)
            [
                {"image": image, **{name: " ".join(words) for name, words in zip(FIELDS, document.fields, strict=True)}}
                for image, document in documents
            ],
        )

    def remove(self, session: Session, images: Sequence[int]) -> None:
        """Forget words."""
        if images:
            session.execute(text("DELETE FROM catalog_words WHERE rowid = :image"), [{"image": one} for one in images])

    def settle(self, session: Session) -> None:
        """Merge the index into one piece, and count for the planner."""
        session.execute(text("INSERT INTO catalog_words (catalog_words) VALUES ('optimize')"))
        session.execute(text("ANALYZE"))

    def matches(self, wanted: Sequence[Term]) -> Select[Any]:
        """By BM25, each field with its weight."""
        weights: list[Any] = [literal_column(str(WEIGHTS[LABELS[name]])) for name in FIELDS]
        score = -func.bm25(literal_column("catalog_words"), *weights)
        return select(_WORDS.c.rowid.label("image_id"), score.label("score")).where(_match(wanted, " AND "))

    def holding(self, unwanted: Sequence[Term]) -> Select[Any]:
        """By a query of its own: FTS5 knows no question that only excludes."""
        return select(_WORDS.c.rowid.label("image_id")).where(_match(unwanted, " OR "))


def _match(terms: Sequence[Term], joined: str) -> Any:
    return _WORDS.c.catalog_words.op("MATCH")(bindparam(None, joined.join(map(_phrase, terms)), unique=True))


def _phrase(term: Term) -> str:
    """A term in FTS5's language; folded words hold no quotation mark."""
    return f'"{" ".join(term.words)}"' + (" *" if term.prefix else "")
