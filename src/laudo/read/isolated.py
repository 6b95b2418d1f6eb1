"""Decoders that a damaged file can crash work in a process of their own, with bounded memory and time.

One process serves one thread for as long as the thread lives; it is started when it is first needed, replaced when it dies, and
ends with the thread or the program. Numbers come back as raw bytes behind a line of JSON: nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _, current_language
from laudo.read.guard import MAX_BYTES, MIB, a_folder, damaged, missing, too_much_memory

SECONDS = 1.5
"""Time for a file of up to one MiB, so that its error is there within two seconds; each further MiB has a second more."""
START_SECONDS = 120.0
"""Time for the process to start and to load its libraries, which a slow disk can make long."""
MEMORY_MIB = 500
"""Memory for a file of up to 64 MiB."""

_threads = threading.local()


@dataclass(frozen=True)
class Answer:
    """What a decoder gave: plain values, and arrays by name."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]


def ask(task: str, path: Path, seconds: float | None = None, memory_mib: int | None = None, **arguments: Any) -> Answer:
    """Have a file decoded in this thread's own process.

    Args:
        task: a key of :data:`laudo.read.child.TASKS`.
        path: the file.
        seconds: time after which the process is ended; default: :data:`SECONDS`, more for large files.
        memory_mib: what it may allocate; default: :data:`MEMORY_MIB`, more for large files.
        arguments: plain values for the task.

    Raises:
        UnreadableImageError: the decoder refused the file, died of it, or needed too much time or memory.
    """
    if path.is_dir():
        raise a_folder(path)
    try:
        size_mib = path.stat().st_size / MIB
    except OSError as error:
        raise missing(path) from error
    request = {
        "task": task,
        "path": os.path.abspath(path),  # noqa: PTH100 (the process keeps the folder that it was started in)
        "arguments": arguments,
        "language": current_language(),
        "seconds": seconds or SECONDS + max(0.0, size_mib - 1),
        "memory_mib": memory_mib or MEMORY_MIB + int(8 * max(0.0, size_mib - 64)),
    }
    while True:
        process = _process()
        first = process.served == 0
        try:
            return process.answer(request, path)
        except _EndedError as error:
            # An earlier file may have harmed the process: only a fresh one can say that this file is to blame.
            if first or error.late:
                raise error.refusal(path, float(str(request["seconds"]))) from None


class _EndedError(Exception):
    """The process is no more: it crashed, ran out of memory, or was ended because it took too long."""

    def __init__(self, code: int | None, late: bool, memory: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.late = late
        self.memory = memory

    def refusal(self, path: Path, seconds: float) -> UnreadableImageError:
        if self.memory:
            return too_much_memory(path)
        if self.late:
            return damaged(path, _("decoding took longer than {n} seconds").format(n=f"{seconds:g}"))
        return damaged(path, _("its decoder crashed (exit code {code})").format(code=self.code))


class _Process:
    """One decoding process and the pipes to it."""

    def __init__(self) -> None:
        few_threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self.owner = os.getpid()
        self.served = 0
        self.late = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "laudo.read.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **few_threads},
        )
        self.stop = weakref.finalize(self, _stop, self._process, self.owner)

    @property
    def usable(self) -> bool:
        """Whether it lives and is this process's own, not one that a fork inherited."""
        return self.owner == os.getpid() and self.stop.alive

    def answer(self, request: dict[str, Any], path: Path) -> Answer:
        """Send one request and read its answer; whatever goes wrong, the process is not used again."""
        assert self._process.stdin is not None
        try:
            with self._at_most(START_SECONDS):
                try:
                    self._process.stdin.write(json.dumps(request).encode() + b"\n")
                    self._process.stdin.flush()
                except OSError as error:
                    raise _EndedError(self._process.poll(), self.late) from error
                self._line()
            with self._at_most(request["seconds"]):
                header = self._line()
                if header.get("memory"):
                    raise _EndedError(0, late=False, memory=True)
                arrays = {entry["name"]: self._array(entry) for entry in header.get("arrays", ())}
        except BaseException:
            self.stop()
            raise
        self.served += 1
        if "error" in header:
            raise _rebuilt(header["error"], path)
        return Answer(header["values"], arrays)

    @contextlib.contextmanager
    def _at_most(self, seconds: float) -> Iterator[None]:
        def end() -> None:
            self.late = True
            self._process.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline(MIB)
        if not line.endswith(b"\n"):
            raise _EndedError(self._process.wait() if not self.late else None, self.late)
        value = json.loads(line)
        assert isinstance(value, dict)
        return value

    def _array(self, entry: dict[str, Any]) -> np.ndarray:
        assert self._process.stdout is not None
        dtype, shape = np.dtype(entry["dtype"]), tuple(int(length) for length in entry["shape"])
        size = math.prod(shape) * dtype.itemsize
        if dtype.kind not in "biuf" or size > 8 * MAX_BYTES or min(shape, default=1) < 0:
            raise _EndedError(None, self.late)
        buffer = bytearray(size)
        view, done = memoryview(buffer), 0
        while done < size:
            count = self._process.stdout.readinto(view[done:])  # type: ignore[attr-defined]
            if not count:
                raise _EndedError(self._process.wait() if not self.late else None, self.late)
            done += count
        return np.frombuffer(buffer, dtype=dtype).reshape(shape)


def _rebuilt(error: dict[str, Any], path: Path) -> UnreadableImageError:
    """The error that the decoder raised, for the path as the caller wrote it."""
    parts = {name: error[name] for name in ("expected", "found", "cure")}
    return UnreadableImageError(error["what"], file=path, details=tuple(error["details"]), **parts)


def _process() -> _Process:
    """The process of the calling thread, started when there is none that can be used."""
    process = getattr(_threads, "process", None)
    if not isinstance(process, _Process) or not process.usable:
        process = _threads.process = _Process()
    return process


def _stop(process: subprocess.Popen[bytes], owner: int) -> None:
    """End a process and close its pipes; in a fork, close this side's copies only."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()
    if os.getpid() == owner:
        process.kill()
        process.wait()
