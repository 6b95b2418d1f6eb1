"""A real PostgreSQL for the tests: a server of their own in a temporary folder, on a Unix socket only."""

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import pytest

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


def _programs() -> Path | None:
    """Folder of initdb and postgres."""
    named = shutil.which("initdb")
    if named and shutil.which("postgres"):
        return Path(named).parent
    found = [
        folder for place in PLACES for folder in Path("/").glob(place.lstrip("/")) if (folder / "initdb").is_file()
    ]
    return max(
        found,
        key=lambda folder: [int(n) for n in "".join(c if c.isdigit() else " " for c in str(folder)).split()],
        default=None,
    )


class Server:
    """A running server; its address is that of an empty schema."""

    def __init__(self, programs: Path) -> None:
        # not below pytest's folder: only its owner may enter that, and a socket's path may have 107 letters at most
        self.folder = Path(tempfile.mkdtemp(prefix="laudo-pg-"))
        self.other: dict[str, object] = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.other = {"user": _somebody(), "group": _group(_somebody()), "extra_groups": []}
            shutil.chown(self.folder, _somebody(), _group(_somebody()))
        data = self.folder / "data"
        self._run(
            programs / "initdb", "-D", data, "-U", "laudo", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        settings = {
            "listen_addresses": "", "unix_socket_directories": self.folder, "fsync": "off", "full_page_writes": "off",
            "synchronous_commit": "off", "max_connections": "30", "shared_buffers": "64MB", "autovacuum": "off",
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=self.folder, **self.other
            )
        self._await()

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, check=False, cwd=self.folder, **self.other
        )
        if done.returncode:
            self.stop()
            pytest.fail(done.stdout + done.stderr)

    def _await(self) -> None:
        import psycopg

        for _ in range(600):
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self._words("postgres")):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        text = (self.folder / "log").read_text()
        self.stop()
        pytest.fail(text)

    def _words(self, database: str) -> str:
        return f"host={self.folder} user=laudo dbname={database}"

    def schema(self) -> str:
        """Address of a new and empty schema."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://laudo@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> list[tuple]:
        import psycopg

        with psycopg.connect(self._words("postgres"), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            process.terminate() if os.name == "nt" else process.send_signal(2)  # fast shutdown
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _somebody() -> str:
    import pwd

    names = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


@functools.cache
def why_not() -> str:
    """Why there is no server; empty when there can be one."""
    if os.name == "nt":
        return "PostgreSQL is not started on Windows"
    if _programs() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    return ""


@pytest.fixture(scope="session")
def postgres():
    """One server a process of the tests, shut down at the end."""
    if why_not():
        pytest.skip(why_not())
    pytest.importorskip("psycopg")
    server = Server(_programs())
    try:
        yield server
    finally:
        server.stop()
