"""What a run was made with: versions, machine, hashes. Enough to repeat it, nothing that names a person."""

from __future__ import annotations

import hashlib
import os
import platform
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import laudo
from laudo.core.code_version import code_commit

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "numpy",
    "pandas",
    "pillow",
    "scikit-learn",
    "scikit-image",
    "safetensors",
)
OPTIONAL = ("transformers", "open_clip_torch", "tokenizers")
"""Told where they are installed."""


def describe_environment(
    device: str, precision: str, hardware: Mapping[str, Any] | None = None, **hashes: str
) -> dict[str, Any]:
    """Versions, commit, device, hardware and the given hashes, for ``environment.json``."""
    return {
        "laudo": laudo.__version__,
        "commit": code_commit(),
        "python": platform.python_version(),
        "packages": describe_packages(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "device": device,
        "precision": precision,
        **(hardware or {}),
        "command": _command(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "hashes": hashes,
    }


def describe_packages() -> dict[str, str]:
    """Version of each package that figures depend on; of optional ones, of those that are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    for name in OPTIONAL:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def _command() -> str:
    """The command as typed, absolute paths cut to their last part: a home folder names a person."""
    if Path(sys.argv[0]).stem not in {"laudo", "__main__"}:
        return "Python"
    return shlex.join(["laudo", *[_without_folder(word) for word in sys.argv[1:]]])


def _without_folder(word: str) -> str:
    option, equals, value = word.rpartition("=")
    return option + equals + (f"…/{Path(value).name}" if Path(value).is_absolute() else value)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
