"""Texts as a pretrained encoder reads them, kept between runs: the same are never computed twice."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from laudo.core.atomic import atomic_path
from laudo.core.cache_folder import cache_folder
from laudo.networks.text_encoder import PretrainedTextEncoder


def cached_vectors(encoder: PretrainedTextEncoder, texts: Sequence[str]) -> np.ndarray:
    """(n, D) float32, from the cache when the same texts were read by the same encoder before.

    Nothing of a text is in the file's name but a hash.
    """
    digest = hashlib.sha256(json.dumps([encoder.fingerprint, *texts]).encode())
    path = cache_folder() / "texts" / f"{digest.hexdigest()[:32]}.safetensors"
    stored = _read(path)
    if stored is None:
        stored = encoder.encode(texts)
        with atomic_path(path) as temporary:
            save_file({"vectors": stored}, temporary, metadata={"crc32": str(_checksum(stored))})
    return stored


def _read(path: Path) -> np.ndarray | None:
    """Stored vectors; a damaged file counts as none."""
    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="np") as handle:
            vectors: np.ndarray = handle.get_tensor("vectors")
            return vectors if (handle.metadata() or {}).get("crc32") == str(_checksum(vectors)) else None
    except (SafetensorError, KeyError, OSError):
        return None


def _checksum(vectors: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(vectors).tobytes())
