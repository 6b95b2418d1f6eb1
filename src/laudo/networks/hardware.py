"""What computes: the processor, its memory and threads, and the GPU where there is one."""

from __future__ import annotations

import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

CPU_INFO = Path("/proc/cpuinfo")
"""Where Linux names the processor."""


def describe_hardware(device: torch.device) -> dict[str, Any]:
    """Names and sizes for ``environment.json``; what the system does not tell is left out.

    ``threads`` matters for figures: sums that are divided among another number of threads may round otherwise.
    """
    found: dict[str, Any] = {
        "processor": processor_name(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
        found["gpu_memory_gib"] = round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1)
        found["cuda"] = torch.version.cuda
    return {name: value for name, value in found.items() if value}


def processor_name() -> str:
    """Model of the processor; where the system does not say it, its family."""
    with suppress(OSError):
        for line in CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _colon, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
