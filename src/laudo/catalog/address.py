"""Where a catalogue is: a file (SQLite) or the address of a PostgreSQL data base. A password is never shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from laudo.core.errors import DataError
from laudo.core.messages import _

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DEFAULT = Path("laudo-catalog.sqlite")
"""The catalogue when none is named and LAUDO_CATALOG is not set: in the working folder, beside ``runs``."""

POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
"""Beginnings of PostgreSQL's addresses."""

EXAMPLE = "postgresql://USER@HOST/DATABASE"

_SECRET = re.compile(r"(?P<name>(?:password|passwd|sslpassword)=)[^&\s]*", re.IGNORECASE)
_LOGIN = re.compile(r"(?P<start>://[^:/@\s]*):.*@", re.DOTALL)


@dataclass(frozen=True)
class Address:
    """A data base.

    Attributes:
        file: of SQLite; None for PostgreSQL.
        url: of PostgreSQL; None for SQLite.
        shown: how it is told to people, without a password.
    """

    file: Path | None
    url: URL | None = field(default=None, repr=False)
    shown: str = ""

    def hide(self, text: str) -> str:
        """A message of the data base's driver without this address' password."""
        if self.url is None:
            return text
        secrets = [self.url.password, *(self.url.query.get(name) for name in ("password", "sslpassword"))]
        for secret in secrets:
            if secret:
                text = text.replace(str(secret), "***")
        return mask(text)


def mask(text: str) -> str:
    """A text in which passwords of addresses are replaced by asterisks."""
    return _SECRET.sub(r"\g<name>***", _LOGIN.sub(r"\g<start>:***@", text))


def read_address(named: str | Path | None) -> Address:
    """Understand a file name or an address.

    Args:
        named: a file, ``sqlite:///FILE``, ``postgresql://…``; None: LAUDO_CATALOG, else :data:`DEFAULT`.

    Raises:
        DataError: it is the address of something else, or no address.
    """
    text = str(named) if named is not None else os.environ.get("LAUDO_CATALOG") or str(DEFAULT)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _file(text)
    scheme = scheme.lower()
    if scheme == "sqlite":
        return _file(rest.removeprefix("/"))
    if scheme not in POSTGRES:
        raise _misfit(scheme + "://…")
    return _server(f"postgresql+psycopg://{rest}", text)


def _file(text: str) -> Address:
    if not text or text == ":memory:" or "\0" in text:
        raise _misfit(text or "–")
    return Address(Path(text), shown=text)


def _server(url_text: str, typed: str) -> Address:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(url_text)
    except (ArgumentError, ValueError):
        raise _misfit(mask(typed)) from None  # the cause's own text may hold the password
    shown = _SECRET.sub(r"\g<name>***", url.set(drivername="postgresql").render_as_string(hide_password=True))
    return Address(None, url, shown)


def _misfit(found: str) -> DataError:
    return DataError(
        _("This names no data base that a catalogue can be kept in."),
        expected=_("a file (SQLite), or {example}").format(example=EXAMPLE),
        found=found,
    )
