"""The data base of a search: a file beside it, or PostgreSQL for many machines; and the lock under which it is set up."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from laudo.catalog.address import EXAMPLE, POSTGRES, Address, mask, read_address
from laudo.core.errors import DataError
from laudo.core.lock import HeldError, lock
from laudo.core.messages import _

FILE = "search.sqlite"
WAIT_S = 60
"""How long a process waits for others that write, or that set the search up."""


def search_address(named: str | None, folder: Path) -> Address:
    """Where a search is kept; None: the file :data:`FILE` in its folder.

    Raises:
        DataError: it is the address of something else than SQLite or PostgreSQL.
    """
    if named is None:
        return read_address(folder / FILE)
    scheme = named.partition("://")[0].lower() if "://" in named else ""
    if scheme and scheme not in (*POSTGRES, "sqlite"):
        raise DataError(
            _("This names no data base that a search can be kept in."),
            expected=_("a file (SQLite), or {example}").format(example=EXAMPLE),
            found=mask(named),
        )
    return read_address(named)


def open_storage(address: Address) -> RDBStorage:
    """Open a data base and make Optuna's tables; only for who holds :func:`set_up`.

    Raises:
        DataError: it can not be reached, or its driver is missing.
    """
    with explained(address):
        try:
            return RDBStorage(_url(address), engine_kwargs=_options(address))
        except ImportError as error:
            raise DataError(
                _("PostgreSQL needs a library that is not installed."),
                found=str(error),
                cure="pip install 'laudo[postgres]'",
            ) from error


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Within the block, a data base that can not be reached is an error that a person can act on.

    Raises:
        DataError: says what the driver said, without a password.
    """
    try:
        yield
    except (DBAPIError, optuna.exceptions.StorageInternalError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ or error
        lines = address.hide(str(cause)).strip().splitlines()
        raise DataError(
            _("The data base of the search can not be used."),
            file=address.shown,
            found=lines[0] if lines else type(cause).__name__,
            cure=_("Nothing is lost: mend it and give the same command again."),
        ) from None


@contextmanager
def set_up(address: Address) -> Iterator[None]:
    """Within the block no other process sets up a search there: a lock of PostgreSQL, or beside the file.

    Raises:
        DataError: the data base can not be reached, or another process does not let go.
    """
    if address.file is not None:
        with _file_lock(address.file):
            yield
        return
    with explained(address):
        engine = create_engine(_url(address), **_options(address))
    try:
        with explained(address):
            connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        with connection:  # the lock goes with the connection, however this process ends
            with explained(address):
                # Optuna's tables are shared by all searches of a data base: one number for all
                connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": zlib.crc32(b"laudo-search")})
            yield
            connection.execute(text("SELECT pg_advisory_unlock_all()"))
    finally:
        engine.dispose()


@contextmanager
def _file_lock(file: Path) -> Iterator[None]:
    until = time.monotonic() + WAIT_S
    place = file.with_name(f".{file.name}.lock")
    while True:
        try:
            with lock(place):
                yield
            return
        except HeldError as error:
            if time.monotonic() > until:
                raise DataError(
                    _("Another process holds the data base of the search."),
                    file=file,
                    found=_("process {number}").format(number=error.process or "?"),
                ) from error
            time.sleep(0.05)


def _url(address: Address) -> str:
    if address.url is not None:
        return address.url.render_as_string(hide_password=False)
    assert address.file is not None, "one of the two"
    address.file.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{address.file.absolute()}"


def _options(address: Address) -> dict[str, object]:
    if address.file is not None:
        return {"connect_args": {"timeout": WAIT_S}}
    return {"pool_pre_ping": True, "hide_parameters": True, "connect_args": {"connect_timeout": WAIT_S}}
