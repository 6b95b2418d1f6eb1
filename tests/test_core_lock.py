"""One process at a time in a run folder; a killed one holds nothing, and nothing is left behind."""

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from laudo.core import lock as locking
from laudo.core.errors import RunError
from laudo.core.lock import HeldError, lock
from laudo.core.progress import overhear
from laudo.core.run import Run

HOLDER = """
import sys, time
from pathlib import Path
from laudo.core.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
print("free", flush=True)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from laudo.core.lock import lock
with lock(Path(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(program: str, path: Path) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield begin
    for process in started:
        if os.name == "posix":
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def test_the_second_process_is_refused_and_told_who_is_first(start, tmp_path):
    run = Run(tmp_path / "run")
    process = start(HOLDER, run.folder / ".lock")
    with pytest.raises(RunError) as caught, run.locked():
        pytest.fail("both are in")
    assert str(process.pid) in caught.value.found
    assert caught.value.file == str(run.folder)
    assert "--out" in caught.value.cure
    assert process.communicate("")[0] == "free\n"
    with run.locked():
        assert (run.folder / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_holder_holds_nothing(start, tmp_path):
    process = start(HOLDER, tmp_path / "run/.lock")
    process.kill()
    process.wait()
    assert (tmp_path / "run/.lock").is_file()
    with lock(tmp_path / "run/.lock"):
        pass
    assert not (tmp_path / "run/.lock").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_outlives_its_killed_parent_holds_nothing(start, tmp_path):
    process = start(PARENT, tmp_path / ".lock")
    time.sleep(0.1)
    process.kill()
    process.wait()
    with lock(tmp_path / ".lock"):
        pass


def test_it_holds_within_one_process_too_and_goes_with_an_error(tmp_path):
    with lock(tmp_path / ".lock"):
        with pytest.raises(HeldError) as caught, lock(tmp_path / ".lock"):
            pytest.fail("both are in")
        assert caught.value.process == os.getpid()
    with pytest.raises(ZeroDivisionError), lock(tmp_path / ".lock"):
        raise ZeroDivisionError
    with lock(tmp_path / ".lock"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folders_that_were_made_for_nothing_go_and_those_with_work_stay(tmp_path):
    with lock(tmp_path / "a/b/.lock"):
        pass
    assert not (tmp_path / "a").exists()
    with lock(tmp_path / "a/b/.lock"):
        (tmp_path / "a/b/work").touch()
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["work"]
    (tmp_path / "mine").mkdir()
    with lock(tmp_path / "mine/.lock"):
        pass
    assert (tmp_path / "mine").is_dir()


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no open file")
def test_a_file_that_its_last_holder_removes_meanwhile_is_made_again(tmp_path, monkeypatch):
    path, tries = tmp_path / ".lock", []
    real = locking._try_lock

    def slow(descriptor: int) -> bool:
        if not tries:
            path.unlink()
        tries.append(descriptor)
        return real(descriptor)

    monkeypatch.setattr(locking, "_try_lock", slow)
    with lock(path):
        assert len(tries) == 2
        assert path.is_file()


@pytest.mark.skipif(os.name == "nt", reason="another system call there")
def test_a_file_system_without_locks_is_worked_on_and_that_is_said(tmp_path, monkeypatch):
    import fcntl

    def refuse(_descriptor, _operation):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with overhear() as said, lock(tmp_path / ".lock"):
        pass
    assert any("no locks" in line for line in said)
