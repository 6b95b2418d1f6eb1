"""What each kind of data base must be able to do with the words of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Select
from sqlalchemy.orm import Session

from laudo.catalog.document import Document
from laudo.catalog.words import Term


class WordIndex(Protocol):
    """The table ``catalog_words`` of one kind of data base."""

    def begin(self, connection: Connection) -> None:
        """Prepare a transaction."""

    def lock(self, connection: Connection) -> None:
        """Let nobody else write into this catalogue until the transaction ends."""

    def tables(self, connection: Connection) -> list[str]:
        """Names of tables that tell what is there: of a file all of them, of a server the catalogue's."""

    def create(self, connection: Connection) -> None:
        """Make the table."""

    def put(self, session: Session, documents: Sequence[tuple[int, Document]]) -> None:
        """Store the words of images by number; those that are there are replaced."""

    def remove(self, session: Session, images: Sequence[int]) -> None:
        """Forget the words of images."""

    def settle(self, session: Session) -> None:
        """After many changes: put what was written into the form that is searched fastest."""

    def matches(self, wanted: Sequence[Term]) -> Select[Any]:
        """``image_id`` and ``score`` (higher is better) of the images whose texts hold all terms."""

    def holding(self, unwanted: Sequence[Term]) -> Select[Any]:
        """``image_id`` of the images whose texts hold any of the terms."""
