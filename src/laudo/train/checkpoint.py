"""Checkpoints without pickle: the tensors as safetensors, everything else as JSON in its header, whole or not there.

A file is written under a temporary name in the same folder, flushed and renamed; its checksum stands beside it. On resume the
newest file whose checksum agrees is used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric.plugins import CheckpointIO
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from laudo.core.atomic import atomic_path, write_text
from laudo.core.disk import require_room
from laudo.core.environment import file_hash


class SafeCheckpointIO(CheckpointIO):
    """Lightning's checkpoints in safetensors."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Write the checkpoint and its checksum.

        Raises:
            DiskFullError: there is no room for it; nothing was written.
        """
        tensors: dict[str, Tensor] = {}
        skeleton = _pack(checkpoint, tensors)
        target = Path(path)
        require_room(target.parent, sum(tensor.nbytes for tensor in tensors.values()))
        with atomic_path(target) as temporary:
            save_file(tensors or {"empty": torch.zeros(1)}, temporary, metadata={"laudo": json.dumps(skeleton)})
            checksum = file_hash(temporary)
        write_text(_checksum_path(target), checksum)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what :meth:`save_checkpoint` wrote."""
        with safe_open(path, framework="pt") as handle:
            skeleton = json.loads(handle.metadata()["laudo"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a dict)
        checkpoint: dict[str, Any] = _unpack(skeleton, tensors)
        return checkpoint

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint and its checksum."""
        Path(path).unlink(missing_ok=True)
        _checksum_path(Path(path)).unlink(missing_ok=True)


def epoch_path(folder: Path, epoch: int) -> Path:
    """Checkpoint after an epoch, counted from 1."""
    return folder / f"epoch-{epoch:05d}.safetensors"


def newest_checkpoint(folder: Path) -> tuple[Path, int] | None:
    """The newest checkpoint that is whole, and its epoch; None when there is none."""
    for path in sorted(folder.glob("epoch-*.safetensors"), reverse=True):
        checksum = _checksum_path(path)
        if checksum.is_file() and checksum.read_text(encoding="utf-8").strip() == file_hash(path):
            return path, int(path.stem.removeprefix("epoch-"))
    return None


def _checksum_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON form of a value; tensors and arrays are taken out, keys that are not strings are kept apart."""
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"#tensor": name}
    if isinstance(value, np.ndarray):
        return {"#array": _pack(torch.from_numpy(value.copy()), tensors)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {"#dict": [[_pack(key, tensors), _pack(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"#tuple": [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint can not hold {type(value).__name__}")


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind, inner = next(iter(value.items()))
    if kind == "#tensor":
        return tensors[inner]
    if kind == "#array":
        return tensors[inner["#tensor"]].numpy()
    if kind == "#tuple":
        return tuple(_unpack(item, tensors) for item in inner)
    return {_unpack(key, tensors): _unpack(item, tensors) for key, item in inner}
