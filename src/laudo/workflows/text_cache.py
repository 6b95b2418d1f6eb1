"""Texts as a pretrained encoder reads them, kept between runs: the same are never computed twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from laudo.core.cache_folder import cache_folder
from laudo.networks.text_encoder import PretrainedTextEncoder
from laudo.workflows.kept_array import kept_array


def cached_vectors(encoder: PretrainedTextEncoder, texts: Sequence[str]) -> np.ndarray:
    """(n, D) float32, from the cache when the same texts were read by the same encoder before.

    Nothing of a text is in the file's name but a hash.
    """
    digest = hashlib.sha256(json.dumps([encoder.fingerprint, *texts]).encode())
    path = cache_folder() / "texts" / f"{digest.hexdigest()[:32]}.safetensors"
    return kept_array(path, lambda: encoder.encode(texts))
