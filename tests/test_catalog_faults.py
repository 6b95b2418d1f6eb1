"""What is no catalogue, a damaged or foreign one, an address that leads nowhere: told in plain words, without a password."""

import sqlite3
import sys
from contextlib import ExitStack

import pytest

from catalog_example import example
from laudo.catalog import address as addresses
from laudo.catalog.address import DEFAULT, mask, read_address
from laudo.catalog.filters import Filters
from laudo.catalog.open import check, open_catalog
from laudo.catalog.search import search
from laudo.core.errors import DataError


def refused(db, write=False):
    with pytest.raises(DataError) as caught, open_catalog(db, create=write) as catalog, ExitStack() as stack:
        stack.enter_context(catalog.writing() if write else catalog.reading())
    return caught.value


def test_default_and_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("LAUDO_CATALOG", raising=False)
    assert read_address(None).file == DEFAULT
    monkeypatch.setenv("LAUDO_CATALOG", str(tmp_path / "x.db"))
    assert read_address(None).file == tmp_path / "x.db"
    assert read_address("sqlite:///a/b.db").file.as_posix() == "a/b.db"
    assert read_address(f"sqlite:///{tmp_path.as_posix()}/b.db").file == tmp_path / "b.db"


@pytest.mark.parametrize(
    "text", ["mysql://u:secret@h/d", "sqlite://", "", ":memory:", "postgresql://u:secret@h:port/d"]
)
def test_what_is_no_address_is_refused_without_its_password(text):
    with pytest.raises(DataError) as caught:
        read_address(text) if text else read_address("sqlite:///")
    assert "secret" not in str(caught.value)
    assert "secret" not in "".join(map(str, [caught.value.__cause__]))


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://u:secret@h/d", "secret"),
        ("postgres://u:secret@h/d", "secret"),
        ("postgresql+psycopg://u:secret@h/d", "secret"),
        ("postgresql://u@h/d?password=secret", "secret"),
        ("postgresql://u:sec%20ret@h/d", "sec ret"),
    ],
)
def test_a_password_is_never_shown(url, secret):
    address = read_address(url)
    assert address.shown.startswith("postgresql://u")
    for text in (address.shown, repr(address), address.hide(f"could not connect with {url}: {secret}")):
        assert secret not in text
        assert "sec%20ret" not in text


def test_masking():
    assert (
        mask("postgresql://me:p@ss:w/rd@host/db?x=1&password=abc&y=2")
        == "postgresql://me:***@host/db?x=1&password=***&y=2"
    )


def test_nothing_there(tmp_path):
    error = refused(tmp_path / "none.db")
    assert "laudo catalog import" in error.cure
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "empty.db").touch()
    assert "no catalogue" in refused(tmp_path / "empty.db").what


def test_a_file_of_something_else(tmp_path):
    path = tmp_path / "notes.db"
    path.write_text("These are my notes, of which nothing may be lost. " * 50)
    for write in (False, True):
        assert "no catalogue" in refused(path, write).what
    assert path.read_text().startswith("These are my notes")
    assert "no catalogue" in refused(tmp_path).what


def test_a_data_base_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE trials (number)")
    connection.close()
    before = path.read_bytes()
    for write in (False, True):
        error = refused(path, write)
        assert "no catalogue" in error.what
        assert error.found == "trials"
    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_newer_catalogue_is_refused(kind, tmp_path, request):
    from catalog_example import address

    db = address(kind, tmp_path, request)
    example(tmp_path, db)
    with open_catalog(db) as catalog, catalog.writing() as session:
        session.connection().exec_driver_sql("UPDATE catalog_facts SET value = '99' WHERE name = 'version'")
    for write in (False, True):
        error = refused(db, write)
        assert "another version" in error.what
        assert error.found == "99"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_table_of_that_name_that_is_not_ours(kind, tmp_path, request):
    from catalog_example import address

    db = address(kind, tmp_path, request)
    with open_catalog(db, create=True) as catalog, catalog.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE catalog_facts (name text, value text)")
    assert "no catalogue" in refused(db).what


def test_damage_is_told(tmp_path):
    db = tmp_path / "c.db"
    example(tmp_path, str(db))
    sound = db.read_bytes()
    told = 0
    for place in range(4096, len(sound), 4096):
        db.write_bytes(sound[:place] + b"\xff" * 512 + sound[place + 512 :])
        with pytest.raises(DataError) as caught, open_catalog(db) as catalog:  # noqa: PT012 (any of the three may find it)
            check(catalog)
            search(catalog, "appendicitis", Filters())
            raise DataError("unharmed")
        told += caught.value.what != "unharmed"
        assert caught.value.what in ("unharmed", "The catalogue is damaged.", "This file is no catalogue of laudo.",
                                     "The data base refuses this.")  # fmt: skip
    pages = len(range(4096, len(sound), 4096))
    assert told >= 0.9 * pages, f"{told} of {pages}"
    db.write_bytes(sound[:5000])
    with pytest.raises(DataError), open_catalog(db) as catalog:
        check(catalog)


def test_another_writer_is_waited_for_and_then_told(tmp_path, monkeypatch):
    from laudo.catalog import open as opening

    db = tmp_path / "c.db"
    example(tmp_path, str(db))
    monkeypatch.setattr(opening, "WAIT_SECONDS", 0.1)
    with open_catalog(db) as one, one.writing():
        assert "Another process" in refused(db, write=True).what
        with open_catalog(db) as other:  # who only reads sees the old state meanwhile
            assert search(other, "appendicitis", Filters()).images == 4


def test_a_server_that_is_not_there(tmp_path):
    pytest.importorskip("psycopg")
    error = refused(f"postgresql://u:secret@/d?host={tmp_path}")
    assert "can not be reached" in error.what
    assert "secret" not in str(error)
    assert error.__cause__ is None


def test_a_data_base_that_is_not_there(postgres):
    error = refused(postgres.schema().replace("/postgres?", "/nosuch?"))
    assert "can not be reached" in error.what
    assert "nosuch" in error.found


def test_a_server_without_the_right_to_make_tables(postgres):
    url = postgres.schema()
    schema = url.rpartition("%3D")[2]
    postgres.execute(f"CREATE ROLE guest_{schema} LOGIN")
    postgres.execute(f"GRANT USAGE ON SCHEMA {schema} TO guest_{schema}")
    guest = url.replace("laudo@", f"guest_{schema}:secret@")
    assert "does not allow" in refused(guest, write=True).what


def test_an_empty_server_has_no_catalogue_yet(postgres):
    assert "no catalogue here" in refused(postgres.schema()).what


def test_a_missing_driver_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = refused("postgresql://u@h/d")
    assert error.cure == "pip install 'laudo[postgres]'"
    assert addresses.EXAMPLE.startswith("postgresql://")


@pytest.mark.parametrize("words", ["'; DROP TABLE catalog_images; --", '" OR 1=1', "%' OR '1'='1"])
def test_words_are_never_sql(words, tmp_path):
    db = str(tmp_path / "c.db")
    example(tmp_path, db)
    with open_catalog(db) as catalog:
        search(catalog, words, Filters())
        with pytest.raises(DataError):
            search(catalog, "", Filters.of({"location": words}))
        assert search(catalog, "", Filters()).images == 15
