"""Words in PostgreSQL: a tsvector whose words and places laudo works out, so that no configuration or extension matters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, cast, column, func, literal_column, select, table, text
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from laudo.catalog.document import FIELDS, FILLER, LABELS, WEIGHTS, Document
from laudo.catalog.words import Term

_WORDS = table("catalog_words", column("image_id"), column("words", TSVECTOR))

_LOCK = 0x6C617564  # any number that other programs do not use: "laud"

_GAP = 2
"""Places between two fields, so that no phrase reaches from one into the next."""


class TsVector:
    """``catalog_words`` as a table of tsvectors with a GIN index."""

    def begin(self, connection: Connection) -> None:
        """Do not compile statements: that takes longer than they do."""
        connection.execute(text("SET LOCAL jit = off"))

    def lock(self, connection: Connection) -> None:
        """Take the advisory lock; it goes with the transaction."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})

    def tables(self, connection: Connection) -> list[str]:
        """The catalogue's own; a data base may hold other tables too."""
        there = connection.execute(text("SELECT to_regclass('catalog_facts')")).scalar()
        return ["catalog_facts"] if there else []

    def create(self, connection: Connection) -> None:
        """Make the table and its index."""
        connection.execute(
            text(
                "CREATE TABLE catalog_words (image_id integer PRIMARY KEY REFERENCES catalog_images (id) ON DELETE CASCADE, "
                "words tsvector NOT NULL)"
            )
        )
        connection.execute(text("CREATE INDEX catalog_words_found ON catalog_words USING gin (words)"))

    def put(self, session: Session, documents: Sequence[tuple[int, Document]]) -> None:
        """Store words."""
        if documents:
            session.execute(
                text(
                    "INSERT INTO catalog_words (image_id, words) VALUES (:image, CAST(:words AS tsvector)) "
                    "ON CONFLICT (image_id) DO UPDATE SET words = excluded.words"
                ),
                [{"image": image, "words": vector_text(document)} for image, document in documents],
            )

    def remove(self, session: Session, images: Sequence[int]) -> None:
        """Forget words; the reference does it when the image goes."""
        if images:
            session.execute(text("DELETE FROM catalog_words WHERE image_id = :image"), [{"image": i} for i in images])

    def settle(self, session: Session) -> None:
        """Empty the index' waiting list, and count anew for the planner."""
        session.execute(text("SELECT gin_clean_pending_list('catalog_words_found')"))
        for name in ("catalog_words", "catalog_images", "catalog_cases", "catalog_predictions"):
            session.execute(text(f"ANALYZE {name}"))

    def matches(self, wanted: Sequence[Term]) -> Select[Any]:
        """By ts_rank with the fields' weights, longer texts divided by the logarithm of their length."""
        query = _query(wanted, " & ")
        weights = ",".join(str(WEIGHTS[label] / max(WEIGHTS.values())) for label in "DCBA")
        score = func.ts_rank(literal_column(f"'{{{weights}}}'::real[]"), _WORDS.c.words, query, literal_column("1"))
        return select(_WORDS.c.image_id, score.label("score")).where(_WORDS.c.words.op("@@")(query))

    def holding(self, unwanted: Sequence[Term]) -> Select[Any]:
        """As :meth:`matches`, one of the terms is enough."""
        return select(_WORDS.c.image_id).where(_WORDS.c.words.op("@@")(_query(unwanted, " | ")))


def vector_text(document: Document) -> str:
    """A document in the written form of a tsvector, each word with its places and the weight of their field."""
    places: dict[str, list[str]] = {}
    place = 0
    for name, words in zip(FIELDS, document.fields, strict=True):
        for word in words:
            place += 1
            if word != FILLER:
                places.setdefault(word, []).append(f"{place}{LABELS[name]}")
        place += _GAP
    return " ".join(f"'{word}':{','.join(found)}" for word, found in places.items())


def _query(terms: Sequence[Term], joined: str) -> Any:
    written = joined.join(map(_phrase, terms))
    return cast(bindparam(None, written, unique=True), TSQUERY)


def _phrase(term: Term) -> str:
    """A term in the written form of a tsquery; folded words hold no apostrophe."""
    return "(" + " <-> ".join(f"'{word}'" for word in term.words) + (":*" if term.prefix else "") + ")"
