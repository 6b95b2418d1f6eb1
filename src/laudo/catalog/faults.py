"""What a data base's driver complains of, as an error that a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from laudo.catalog.address import Address
from laudo.core.errors import DataError
from laudo.core.messages import N_, _

FOREIGN = N_("This file is no catalogue of laudo.")
DAMAGED = N_("The catalogue is damaged.")

_SQLITE: tuple[tuple[str, str, str], ...] = (
    ("file is not a database", FOREIGN, N_("Name another file with --db.")),
    ("malformed", DAMAGED, N_("Bring the file back from a copy, or remove it and import again.")),
    ("is locked", N_("Another process is writing into the catalogue."), N_("Try again when it has ended.")),
    ("readonly", N_("The catalogue can not be written."), N_("Allow writing to the file and to its folder.")),
    ("unable to open", N_("The catalogue can not be opened."), N_("Check the name and the rights of file and folder.")),
    ("is full", N_("The disk is full; the catalogue is as it was before."), N_("Free some space.")),
    ("no such module: fts5", N_("This Python's SQLite has no full-text search."), N_("Use PostgreSQL, or another Python.")),
)  # fmt: skip
"""Part of SQLite's message → what it means, what to do."""

_CONNECTION = ("connection", "could not translate host name", "authentication", "does not exist", "timeout expired")


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Within the block, errors of the data base become DataErrors that name it, its password left out."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _explain(error, address) from (None if address.file is None else error)


def _explain(error: SQLAlchemyError, address: Address) -> DataError:
    original = error.orig if isinstance(error, DBAPIError) else error
    text = address.hide(str(original)).strip()
    found = " · ".join(line.strip() for line in text.splitlines()[:2]) or type(original).__name__
    if address.file is not None:
        for part, what, cure in _SQLITE:
            if part in text:
                return DataError(_(what), file=address.shown, found=found, cure=_(cure))
    elif "permission denied" in text:
        return DataError(
            _("The data base does not allow this."),
            file=address.shown,
            found=found,
            cure=_("Ask for the right to create tables: GRANT CREATE, USAGE ON SCHEMA public TO …"),
        )
    elif isinstance(error, DBAPIError) and any(part in text for part in _CONNECTION) and error.statement is None:
        return DataError(
            _("The data base can not be reached."),
            file=address.shown,
            found=found,
            cure=_("Check that the server runs, and the address: postgresql://USER@HOST:PORT/DATABASE"),
        )
    return DataError(_("The data base refuses this."), file=address.shown, found=found)
