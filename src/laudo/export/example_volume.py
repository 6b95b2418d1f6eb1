"""Outline structures in a prepared volume with model.onnx. Nothing but numpy and onnxruntime is needed.

python example.py PREPARED.npy LABELS.npy      (C, X, Y, Z) float32 in, (X, Y, Z) label map on the same grid out

What `prepared` means stands in export.json under model.prepare.volume; preparation.py beside this file does it (numpy and scipy),
and brings the answer back to the grid of the image.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

HERE = Path(__file__).parent
SIGMA = 0.125
"""Standard deviation of the weights as a share of the window's side."""
LEAST_WEIGHT = 1e-3


def open_model(folder: Path = HERE) -> Any:
    """The graph, ready to run on a processor."""
    return onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])


def starts(side: int, window: int, overlap: float) -> list[int]:
    """Where windows begin along an axis; the last one ends where the axis ends."""
    step = window if side == window else max(1, int(window * (1 - overlap)))
    count = -(-(side - window) // step) + 1
    return [min(number * step, side - window) for number in range(count)]


def weights(window: Sequence[int]) -> np.ndarray:
    """Of each voxel of a window: a Gaussian around its middle."""
    made = np.ones((), np.float32)
    for side in window:
        places = np.arange(side, dtype=np.float32) - (side - 1) / 2
        made = made[..., None] * np.exp(-(places**2) / (2 * (SIGMA * side) ** 2)).astype(np.float32)
    return np.maximum(made, max(float(made.min()), LEAST_WEIGHT)).astype(np.float32)


def logits(session: Any, volume: np.ndarray, window: Sequence[int], overlap: float) -> np.ndarray:
    """(N, K, X, Y, Z) logits of N networks: the weighted mean over all windows that hold a voxel.

    Args:
        session: of :func:`open_model`.
        volume: (C, X, Y, Z) prepared.
        window: sides of the graph's input.
        overlap: share of a window that the next one covers too.
    """
    missing = [max(0, own - side) for side, own in zip(volume.shape[1:], window, strict=True)]
    around = [(more // 2, more - more // 2) for more in missing]
    padded = np.pad(volume.astype(np.float32), [(0, 0), *around])
    each = weights(window)
    sums, total = None, np.zeros(padded.shape[1:], np.float32)
    places = [starts(side, own, overlap) for side, own in zip(padded.shape[1:], window, strict=True)]
    for corner in product(*places):
        box = tuple(slice(at, at + own) for at, own in zip(corner, window, strict=True))
        found = session.run(["logits"], {"patch": np.ascontiguousarray(padded[(slice(None), *box)])[None]})[0]
        sums = np.zeros((*found.shape[:2], *padded.shape[1:]), np.float32) if sums is None else sums
        sums[(slice(None), slice(None), *box)] += found * each
        total[box] += each
    assert sums is not None, "there is at least one window"
    inside = tuple(slice(low, low + side) for (low, _high), side in zip(around, volume.shape[1:], strict=True))
    mean: np.ndarray = (sums / total)[(slice(None), slice(None), *inside)]
    return mean


def probabilities(found: np.ndarray, overlapping: bool) -> np.ndarray:
    """(K, X, Y, Z) mean of the networks' probabilities."""
    if overlapping:
        each = 1 / (1 + np.exp(-found))
    else:
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        each = powers / powers.sum(axis=1, keepdims=True)
    mean: np.ndarray = each.mean(axis=0)
    return mean


def label_map(shares: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """(X, Y, Z) int16 of (K, X, Y, Z) probabilities, before any post-processing."""
    values = list(facts["label_values"].values())
    if not facts["structures"]["overlapping"]:
        chosen: np.ndarray = np.array([0, *values], np.int16)[shares.argmax(axis=0)]
        return chosen
    made = np.zeros(shares.shape[1:], np.int16)
    for value, inside in zip(values, shares >= 0.5, strict=True):
        made[inside] = value
    return made


def main(arguments: list[str]) -> dict[str, int]:
    """Outline the volume that is named first into the file that is named second."""
    facts = json.loads((HERE / "export.json").read_text(encoding="utf-8"))["model"]
    volume = np.load(arguments[0], allow_pickle=False)
    found = logits(open_model(), volume, facts["window"], facts["overlap"])
    made = label_map(probabilities(found, facts["structures"]["overlapping"]), facts)
    np.save(arguments[1], made)
    return {name: int((made == value).sum()) for name, value in facts["label_values"].items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:]), ensure_ascii=False))
