"""Device and number format: bfloat16 where the hardware computes it natively, single precision elsewhere."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch
from torch import Tensor

Precision = Literal["fp32", "bf16"]
MEMORY_FORMAT = torch.channels_last
"""Of every network and its images: on processors faster in both number formats, on GPUs in half precision."""

VOLUME_MEMORY_FORMAT = torch.channels_last_3d
"""The same of volumes."""


def memory_format(axes: int) -> torch.memory_format:
    """How networks for images of two or three axes lie in memory."""
    return MEMORY_FORMAT if axes == 2 else VOLUME_MEMORY_FORMAT


def channels_last(images: Tensor) -> Tensor:
    """(B, C, H, W) or (B, C, X, Y, Z) images as networks are given them.

    While a network is written down for another program they stay as they are: the order of memory is that program's affair.
    """
    if torch.compiler.is_exporting() or torch.jit.is_tracing():  # type: ignore[attr-defined, no-untyped-call]
        return images
    return images.contiguous(memory_format=memory_format(images.ndim - 2))


def choose_device() -> torch.device:
    """The GPU when there is one that torch can use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_native_bf16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 rather than emulating it.

    On x86 that takes AVX-512 BF16 or AMX; on Arm, oneDNN says.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    native = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)()
    return bool(native) and torch.backends.cpu.get_cpu_capability() != "AVX2"  # AVX2 only converts, it does not compute


def choose_precision(setting: Literal["auto", "fp32", "bf16"], device: torch.device) -> Precision:
    """The recipe's precision, ``auto`` decided."""
    if setting == "auto":
        return "bf16" if has_native_bf16(device) else "fp32"
    return setting


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Context in which networks compute in this precision."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bf16" else nullcontext()
