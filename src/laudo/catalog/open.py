"""Open a catalogue, and read or write it in one transaction: it is as before, or as afterwards, whatever happens between."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from laudo.catalog.address import Address, read_address
from laudo.catalog.faults import DAMAGED, FOREIGN, explained
from laudo.catalog.fts5 import Fts5
from laudo.catalog.tables import VERSION, Base, Fact
from laudo.catalog.tsvector import TsVector
from laudo.catalog.word_index import WordIndex
from laudo.core.errors import DataError
from laudo.core.messages import _

WAIT_SECONDS = 30
"""How long a reader or writer waits for another one."""


@dataclass(frozen=True)
class Catalog:
    """An open catalogue; close it when done.

    Attributes:
        address: where it is.
        engine: connections to it that only read.
        writer: connections to it that write.
        words: how it searches texts.
    """

    address: Address
    engine: Engine
    writer: Engine
    words: WordIndex

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the catalogue.

        Raises:
            DataError: there is no catalogue, it is damaged, foreign or of another version, or it can not be reached.
        """
        with explained(self.address), Session(self.engine) as session, session.begin():
            self.words.begin(session.connection())
            if not self._recognised(session.connection()):
                raise _nothing(self.address)
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose changes all happen at the end of the block, or not at all; nobody else writes meanwhile.

        Tables are made when there are none.

        Raises:
            DataError: as :meth:`reading`, but for a catalogue that is not there yet.
        """
        with explained(self.address), Session(self.writer) as session, session.begin():
            connection = session.connection()
            self.words.begin(connection)
            self.words.lock(connection)
            if not self._recognised(connection):
                self._create(connection)
            yield session

    def identity(self, session: Session) -> str:
        """What tells this catalogue from every other."""
        return session.execute(select(Fact.value).where(Fact.name == "id")).scalar_one()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _recognised(self, connection: Connection) -> bool:
        """Whether the tables are there; they are refused when they are not ours."""
        tables = self.words.tables(connection)
        if not tables:
            return False
        facts: dict[str, str] = {}
        if "catalog_facts" in tables:
            facts = dict(connection.execute(select(Fact.name, Fact.value)).all())
        if facts.get("catalogue") != "laudo":
            raise DataError(_(FOREIGN), file=self.address.shown, found=", ".join(sorted(tables)[:5]))
        if facts.get("version") != str(VERSION):
            raise DataError(
                _("The catalogue was made by another version of laudo."),
                file=self.address.shown,
                expected=_("tables of version {n}").format(n=VERSION),
                found=facts.get("version", "–"),
                cure=_("Update laudo, or import the data into a new catalogue."),
            )
        return True

    def _create(self, connection: Connection) -> None:
        Base.metadata.create_all(connection)
        self.words.create(connection)
        facts = {"catalogue": "laudo", "version": str(VERSION), "id": uuid.uuid4().hex}
        connection.execute(Fact.__table__.insert(), [{"name": name, "value": value} for name, value in facts.items()])  # type: ignore[attr-defined]


@contextmanager
def open_catalog(named: str | Path | None, create: bool = False) -> Iterator[Catalog]:
    """Open the catalogue of an address; nothing is written before :meth:`Catalog.writing`.

    Args:
        named: see :func:`laudo.catalog.address.read_address`.
        create: make the file when it is not there.

    Raises:
        DataError: there is nothing there, the address is none, or the data base's driver is not installed.
    """
    address = read_address(named)
    catalog = _of_file(address, address.file, create) if address.file is not None else _of_server(address)
    with closing(catalog):
        yield catalog


def check(catalog: Catalog) -> None:
    """Look for damage in a file before it is written to: a changed page of an index may give wrong answers without an error.

    Raises:
        DataError: says what SQLite has found.
    """
    if catalog.address.file is None:
        return
    with explained(catalog.address), catalog.engine.connect() as connection:
        found = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    if found != "ok":
        raise DataError(
            _(DAMAGED),
            file=catalog.address.shown,
            found=str(found).strip(),
            cure=_("Bring the file back from a copy, or remove it and import again."),
        )


def _of_file(address: Address, file: Path, create: bool) -> Catalog:
    if file.is_dir():
        raise DataError(_(FOREIGN), file=file, found=_("a folder"))
    if create:
        file.parent.mkdir(parents=True, exist_ok=True)
    elif not file.exists():
        raise _nothing(address)
    name = f"file:{quote(str(file.absolute()))}?mode={'rwc' if create else 'rw'}"

    def connect() -> sqlite3.Connection:
        # isolation_level None: the driver would begin transactions by itself, and not before tables are made
        return sqlite3.connect(name, uri=True, isolation_level=None, timeout=WAIT_SECONDS, check_same_thread=False)

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "connect", _keep_references)
    event.listen(engine, "begin", _begin)
    return Catalog(address, engine, engine.execution_options(laudo_writes=True), Fts5())


def _keep_references(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("laudo_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _of_server(address: Address) -> Catalog:
    assert address.url is not None
    given = {} if "connect_timeout" in address.url.query else {"connect_timeout": WAIT_SECONDS}
    try:
        engine = create_engine(
            address.url,
            connect_args={"client_encoding": "utf8", **given},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise DataError(
            _("PostgreSQL needs a library that is not installed."),
            found=str(error.name),
            cure="pip install 'laudo[postgres]'",
        ) from error
    # who writes first waits for the lock, and must then see what was written meanwhile
    return Catalog(address, engine.execution_options(isolation_level="REPEATABLE READ"), engine, TsVector())


def _nothing(address: Address) -> DataError:
    return DataError(
        _("There is no catalogue here."),
        file=address.shown,
        cure=_("Make it: laudo catalog import SOURCE_OR_MANIFEST [ROOT] --db {db}").format(db=address.shown),
    )
