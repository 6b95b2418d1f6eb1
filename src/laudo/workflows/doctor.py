"""What laudo found on this machine."""

from __future__ import annotations

import os
from typing import Any

import psutil
import timm
import torch

from laudo.core.cache_folder import cache_folder
from laudo.core.environment import describe_environment
from laudo.core.messages import current_language
from laudo.core.recipe_file import shipped_recipes
from laudo.networks.precision import choose_device, choose_precision
from laudo.networks.table import BACKBONES, IMAGE_SIDES


def examine_machine() -> dict[str, Any]:
    """Versions, device, precision, folders, networks and recipes."""
    device = choose_device()
    environment = describe_environment(str(device), choose_precision("auto", device))
    free = psutil.disk_usage(
        str(next(folder for folder in (cache_folder(), *cache_folder().parents) if folder.exists()))
    ).free
    return {
        "laudo": environment["laudo"],
        "python": environment["python"],
        **environment["packages"],
        "device": torch.cuda.get_device_name() if device.type == "cuda" else f"cpu, {os.cpu_count()} cores",
        "precision": environment["precision"],
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "language": current_language(),
        "LAUDO_DATA": os.environ.get("LAUDO_DATA", "–"),
        "LAUDO_WEIGHTS": os.environ.get("LAUDO_WEIGHTS", "–"),
        "cache": f"{cache_folder()} ({free / 2**30:.0f} GiB free)",
        "networks": f"{', '.join([*BACKBONES, *IMAGE_SIDES])}, timm: {len(timm.list_models())}",
        "recipes": ", ".join(shipped_recipes()),
    }
