"""Which process holds a trial, told so that another one on the same machine can see whether it is still there."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

ZOMBIE = psutil.STATUS_ZOMBIE


def this_process() -> str:
    """Name of this process: machine, number, start; no other process ever has the same."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}"


def is_gone(name: str) -> bool:
    """Whether a process has certainly ended; False when it belongs to another machine and nobody here can know."""
    machine, _slash, rest = name.rpartition("/")[0].rpartition("/")
    number, started = rest, name.rpartition("/")[2]
    if machine != _machine() or not number.isdigit():
        return False
    return _started(int(number)) != started


def _started(number: int) -> str:
    """When a process was started, in hundredths of a second; empty when there is none or it is only waiting to be buried."""
    try:
        process = psutil.Process(number)
        if process.status() == ZOMBIE:
            return ""
        return str(round(process.create_time() * 100))
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
