"""The process in which risky decoders work: ``python -m laudo.read.child``, started by :mod:`laudo.read.isolated` alone.

It reads one request a line (JSON), says that it has started, and writes one line of JSON followed by the raw bytes of the arrays.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from laudo.core.errors import LaudoError
from laudo.core.messages import set_language
from laudo.read.guard import MIB, damaged, one_error

TASKS: dict[str, str] = {
    "matlab": "laudo.read.matlab_decode",
    "dicom": "laudo.read.dicom_decode",
}
"""Task → module whose ``decode(path, **arguments)`` gives plain values and named arrays."""

LEAKED_MIB = 64
"""Address space that earlier files may have left in use; above it, running out of memory is not the present file's fault."""

Decode = Callable[..., tuple[dict[str, Any], dict[str, np.ndarray]]]


def main() -> None:
    """Serve until the other side closes the pipe."""
    if hasattr(signal, "SIGINT"):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program; this process ends with its pipe
    answers = os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)  # decoders print on stdout and would break the answers
    loaded: dict[str, Decode] = {}
    base = 0
    for line in sys.stdin.buffer:
        request = json.loads(line)
        task = request["task"]
        if task not in loaded:
            _limit_memory(-1)
            loaded[task] = importlib.import_module(TASKS[task]).decode
            base = _address_space()
        set_language(request["language"])
        _send(answers, {"started": True}, {})
        fresh = _address_space() - base < LEAKED_MIB * MIB
        if base:
            _limit_memory(base + request["memory_mib"] * MIB)
        _limit_time(request["seconds"] + 5)  # the other side ends this process; should it be gone, the clock does
        header, arrays = _work(loaded[task], request, fresh)
        _send(answers, header, arrays)
        _limit_time(0)
        if header.get("memory"):
            return


def _work(decode: Decode, request: dict[str, Any], fresh: bool) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of the answer; ``memory`` in the header says that a fresh process may do better."""
    path = Path(request["path"])
    try:
        with one_error(path):
            values, arrays = decode(path, **request["arguments"])
    except LaudoError as error:
        if isinstance(error.__cause__, MemoryError) and not fresh:
            return {"memory": True}, {}
        return {"error": error.as_dict()}, {}
    except BaseException as error:  # a panic of a decoder in Rust is no Exception
        return {"error": damaged(path, f"{type(error).__name__}: {str(error)[:300]}").as_dict()}, {}
    ready = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    entries = [{"name": name, "dtype": array.dtype.str, "shape": array.shape} for name, array in ready.items()]
    return {"values": values, "arrays": entries}, ready


def _send(answers: BinaryIO, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    answers.write(json.dumps(header).encode() + b"\n")
    for array in arrays.values():
        if array.size:
            answers.write(array.reshape(-1).view(np.uint8).data)
    answers.flush()


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _limit_memory(size: int) -> None:
    """Bound the address space; -1 lifts the bound. Without effect on systems that have no such bound."""
    try:
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        wanted = resource.RLIM_INFINITY if size < 0 else size
        if hard != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > hard):
            wanted = hard
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (ImportError, OSError, ValueError):
        return


def _limit_time(seconds: float) -> None:
    """Have the system end this process after some seconds; 0 takes it back."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
