"""The process in which risky decoders work: kept, replaced, bounded, one a thread, and gone at the end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import psutil
import pytest

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import set_language
from laudo.read import isolated
from laudo.read.isolated import ask
from laudo.read.quiet import quiet
from read_examples import picture, write_mat5


@pytest.fixture
def path(tmp_path):
    return write_mat5(tmp_path / "x.mat", image=picture())


def read(path):
    return ask("matlab", path, picture="").arrays["picture"]


def process_id() -> int:
    return isolated._threads.process._process.pid


def test_one_process_serves_many_files(path):
    read(path)
    first = process_id()
    began = time.perf_counter()
    for _ in range(100):
        assert np.array_equal(read(path), picture())
    assert process_id() == first
    assert time.perf_counter() - began < 5


def test_a_process_that_died_is_replaced(path):
    read(path)
    first = process_id()
    os.kill(first, signal.SIGKILL)
    assert np.array_equal(read(path), picture())
    assert process_id() != first


def test_a_crash_is_one_error_and_the_next_file_is_read(path, monkeypatch):
    read(path)
    with pytest.raises(UnreadableImageError) as caught:
        ask("matlab", path, unknown="argument")  # a bug in a decoder is an error too, not a death
    assert "TypeError" in caught.value.found
    monkeypatch.setattr(isolated, "START_SECONDS", 20)
    with pytest.raises(UnreadableImageError) as caught:
        ask("no such task", path)  # the process itself fails
    assert "crashed" in caught.value.found
    assert caught.value.file == str(path)
    assert np.array_equal(read(path), picture())


def test_time_is_bounded(tmp_path):
    fifo = tmp_path / "never.mat"
    os.mkfifo(fifo)  # opening it waits for a writer that never comes
    began = time.perf_counter()
    with pytest.raises(UnreadableImageError) as caught:
        ask("matlab", fifo, seconds=0.5, picture="")
    assert "longer than 0.5 seconds" in caught.value.found
    assert time.perf_counter() - began < 10


def test_memory_is_bounded(tmp_path):
    path = write_mat5(tmp_path / "x.mat", image=np.zeros((2500, 2500)))
    assert path.stat().st_size < 2e6
    assert ask("matlab", path, memory_mib=400, seconds=20, picture="").arrays["picture"].shape == (2500, 2500)
    with pytest.raises(UnreadableImageError, match="memory"):
        ask("matlab", path, memory_mib=30, seconds=20, picture="")


def test_each_thread_has_its_own_and_takes_it_along(path):
    read(path)
    found = []

    def work():
        for _ in range(5):
            assert np.array_equal(read(path), picture())
        found.append(process_id())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({process_id(), *found}) == 3
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(one) for one in found) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(one) for one in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_fork_starts_its_own_and_leaves_its_parents_alone(path):
    read(path)
    before = process_id()
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            fine = np.array_equal(read(path), picture()) and process_id() != before
            isolated._threads.process.stop()
            os.write(into, b"y" if fine else b"n")
        finally:
            os._exit(0)
    os.close(into)
    assert os.read(out, 1) == b"y"
    os.close(out)
    os.waitpid(child, 0)
    assert np.array_equal(read(path), picture())
    assert process_id() == before


PROGRAM = """
import sys
from pathlib import Path
from laudo.read import isolated
isolated.ask("matlab", Path(sys.argv[1]), picture="")
print(isolated._threads.process._process.pid, flush=True)
if len(sys.argv) > 2:
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", [[], ["killed"]], ids=["ends", "is killed"])
def test_no_process_is_left_when_the_program(path, how):
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path), *how], capture_output=True, text=True, timeout=120)
    number = int(done.stdout)
    deadline = time.monotonic() + 10
    while psutil.pid_exists(number) and psutil.Process(number).status() != "zombie" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == "zombie"


def test_the_process_imports_no_more_than_it_needs():
    check = "import sys, laudo.read.child, laudo.read.matlab_decode, laudo.read.dicom_decode; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, timeout=120)
    assert not {"torch", "pandas", "pydantic", "lightning", "sklearn"} & set(done.stdout.split())


def test_errors_come_in_the_callers_language(tmp_path):
    path = write_mat5(tmp_path / "x.mat", v=np.ones((1, 5)))
    request = {}
    original = isolated._Process.answer

    def spy(self, asked, file):
        request.update(json.loads(json.dumps(asked)))
        return original(self, asked, file)

    isolated._Process.answer = spy
    try:
        set_language("pt")
        with pytest.raises(UnreadableImageError):
            ask("matlab", path, picture="")
    finally:
        isolated._Process.answer = original
        set_language("en")
    assert request["language"] == "pt"


def test_warnings_are_as_before_when_all_threads_have_read(path):
    before = list(warnings.filters)
    gate = threading.Barrier(3)

    def work(first):
        with quiet():
            gate.wait()
            if first:
                return
            gate.wait()

    threads = [threading.Thread(target=work, args=(number == 0,)) for number in range(2)]
    for thread in threads:
        thread.start()
    gate.wait()
    threads[0].join()
    threads.append(threading.Thread(target=gate.wait))
    threads[2].start()
    gate.wait()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
