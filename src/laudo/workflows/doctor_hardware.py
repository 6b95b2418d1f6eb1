"""Device, number formats that really work on it, and memory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from laudo.core.messages import _
from laudo.networks.precision import MEMORY_FORMAT, Precision, autocast, choose_device, has_native_bf16
from laudo.workflows.doctor_check import Check

FEWEST_GIB = 4.0
"""Memory below which trainings on images of usual size fail."""
AGREE = 0.03
"""Largest difference of a layer's answers in bfloat16, relative to the largest answer: eight bits, added up over a few hundred
products."""
SECONDS = 0.6
"""For which both number formats are timed."""
FEWEST_TURNS = 3
FORMATS: tuple[Precision, ...] = ("fp32", "bf16")


def hardware_checks() -> list[Check]:
    """All of them."""
    device = choose_device()
    return [_device(device), _precision(device), _memory(device)]


def _device(device: torch.device) -> Check:
    title = _("device")
    facts: dict[str, Any] = {"device": device.type, "cores": cores(), "torch_threads": torch.get_num_threads()}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts |= {
            "gpus": torch.cuda.device_count(),
            "hardware": properties.name,
            "memory_gib": round(properties.total_memory / 2**30, 1),
            "cuda": torch.version.cuda,
            "driver": _driver(),
        }
        found = f"{facts['gpus']} × {facts['hardware']}, {facts['memory_gib']} GiB, CUDA {facts['cuda']}"
        return Check("device", title, "ok", found + (f", {facts['driver']}" if facts["driver"] else ""), facts=facts)
    facts |= {"hardware": processor(), "capability": torch.backends.cpu.get_cpu_capability()}
    found = _("{name}, {n} cores, {capability}").format(
        name=facts["hardware"], n=facts["cores"], capability=facts["capability"]
    )
    driver = _driver()
    if driver:
        facts["driver"] = driver
        cure = _("Install the build of torch that goes with the driver; pytorch.org says which.")
        return Check(
            "device", title, "warning", _("a GPU that torch can not use ({driver})").format(driver=driver), cure, facts
        )
    return Check("device", title, "ok", found, facts=facts)


def _precision(device: torch.device) -> Check:
    """Whether bfloat16 gives what single precision gives, and how much faster it is."""
    title = _("precision")
    native = has_native_bf16(device)
    network, images = _probe(device)
    answers = {one: _answer(network, images, device, one) for one in FORMATS}
    difference = float((answers["bf16"] - answers["fp32"]).abs().max() / answers["fp32"].abs().max())
    seconds = _fastest(network, images, device)
    gain = seconds["fp32"] / seconds["bf16"]
    facts = {
        "native_bf16": native,
        "avx512_bf16": "avx512_bf16" in _flags(),
        "bf16_difference": difference,
        "bf16_speed": round(gain, 2),
        "auto": "bf16" if native else "fp32",
    }
    found = _("auto is {auto}; bf16 is {gain} times as fast as fp32 and differs by {difference}").format(
        auto=facts["auto"], gain=f"{gain:.1f}", difference=f"{difference:.1e}"
    )
    if native and not difference <= AGREE:
        cure = _("Train in single precision: --set training.precision=fp32")
        return Check("precision", title, "problem", found, cure, facts)
    if native and gain < 1:
        cure = _("Train in single precision: --set training.precision=fp32")
        return Check("precision", title, "warning", found, cure, facts)
    return Check("precision", title, "ok", found, facts=facts)


def _probe(device: torch.device) -> tuple[nn.Module, Tensor]:
    """Two layers as networks have them, and images for them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1))
        images = torch.randn(4, 64, 56, 56)
    network = layers.to(device).to(memory_format=MEMORY_FORMAT).eval()
    return network, images.to(device).contiguous(memory_format=MEMORY_FORMAT)


@torch.inference_mode()
def _answer(network: nn.Module, images: Tensor, device: torch.device, precision: Precision) -> Tensor:
    with autocast(device, precision):
        found: Tensor = network(images)
    return found.float()


def _fastest(network: nn.Module, images: Tensor, device: torch.device) -> dict[Precision, float]:
    """Seconds of the fastest turn in each number format; they take turns, so that what else runs slows both."""
    found: dict[Precision, float] = {}
    started, turns = time.perf_counter(), 0
    while turns < FEWEST_TURNS or time.perf_counter() - started < SECONDS:
        for precision in FORMATS:
            begun = time.perf_counter()
            _answer(network, images, device, precision)
            if device.type == "cuda":
                torch.cuda.synchronize()
            found[precision] = min(found.get(precision, float("inf")), time.perf_counter() - begun)
        turns += 1
    return found


def _memory(device: torch.device) -> Check:
    memory = psutil.virtual_memory()
    total, free = memory.total / 2**30, memory.available / 2**30
    facts: dict[str, Any] = {"memory_gib": round(total, 1), "available_gib": round(free, 1)}
    found = _("{free} of {total} GiB are free").format(free=f"{free:.1f}", total=f"{total:.1f}")
    if device.type == "cuda":
        on_gpu, _total = torch.cuda.mem_get_info(device)
        facts["gpu_available_gib"] = round(on_gpu / 2**30, 1)
        found += _("; {free} GiB on the GPU").format(free=facts["gpu_available_gib"])
    if free < FEWEST_GIB:
        cure = _("End other programs, or choose smaller images and batches (prepare.height, training.batch_size).")
        return Check("memory", _("memory"), "warning", found, cure, facts)
    return Check("memory", _("memory"), "ok", found, facts=facts)


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """Its name."""
    named = next((line for line in _cpuinfo() if line.startswith("model name")), "")
    return named.partition(":")[2].strip() or platform.processor() or platform.machine()


def _flags() -> set[str]:
    """What the processor can, as Linux names it; empty elsewhere."""
    return set(next((line for line in _cpuinfo() if line.startswith("flags")), "").split())


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []


def _driver() -> str:
    """Version of NVIDIA's driver; empty when there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603 (found on the path)
    except (OSError, subprocess.SubprocessError):
        return ""
    lines = done.stdout.strip().splitlines()
    return _("driver {version}").format(version=lines[0]) if lines else ""
