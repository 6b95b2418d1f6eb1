"""Which process holds a trial, told so that another one on the same machine can see whether it is still there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

CLOCK_S = 3
"""The start of a process is counted from the machine's own, which moves a little when its clock is set."""


def this_process() -> str:
    """Name of this process: machine, number, start; no other process ever has the same."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """Whether a process has certainly ended; False when it belongs to another machine and nobody here can know."""
    machine, _slash, rest = name.rpartition("/")[0].rpartition("/")
    number, started = rest, name.rpartition("/")[2]
    if machine != _machine() or not number.isdigit():
        return False
    found = _started(int(number))
    if not found.isdigit() or not started.isdigit():
        return not found
    return abs(int(found) - int(started)) > CLOCK_S


def _started(number: int) -> str:
    """Second in which a process was started; empty when there is none or it only waits to be buried, a ? when nobody may know."""
    try:
        process = psutil.Process(number)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(round(process.create_time()))
    except psutil.AccessDenied:
        return "?"
    except psutil.Error:
        return ""


def _machine() -> str:
    """Machine, its boot, and the container in it: only within it do process numbers mean the same."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()}:{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # no Linux
        return f"{platform.node()}:{round(psutil.boot_time())}"
