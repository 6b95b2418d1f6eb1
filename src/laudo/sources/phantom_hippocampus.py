"""Synthetic hippocampi: small T1-weighted volumes cut out around one, its head and body labelled, as in the MSD's task 4.

Axes run to the patient's right, front and head.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.sources.phantom_anatomy import CONTRASTS, Array
from laudo.sources.phantom_field import ramp, smooth_field

LABELS: dict[int, str] = {1: "Anterior", 2: "Posterior"}
FIELD_MM = (35.0, 50.0, 36.0)


@dataclass(frozen=True)
class HippocampusVolume:
    """One synthetic case.

    Attributes:
        image: (X, Y, Z) float32, on a scale that differs from case to case by orders of magnitude.
        labels: (X, Y, Z) uint8 with the values of :data:`LABELS`, else 0.
        patient: "P0001", "P0002", …
        spacing_mm: side of the voxels.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    patient: str
    spacing_mm: float


def hippocampi(n: int, seed: int, size: int = 50) -> Iterator[HippocampusVolume]:
    """``n`` cases; the k-th depends only on ``(seed, k)``.

    Args:
        n: number of cases.
        seed: non-negative.
        size: voxels along the longest axis, about; 50 makes them 1 mm wide. At least 24.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 24:
        raise ValueError(f"n={n}, seed={seed}, size={size}: too small")
    for number in range(n):
        yield _hippocampus(np.random.default_rng([seed, number]), number, FIELD_MM[1] / size)


def _hippocampus(rng: np.random.Generator, number: int, spacing: float) -> HippocampusVolume:
    field = [length + rng.uniform(-4, 4) for length in FIELD_MM]
    shape = tuple(max(8, round(length / spacing)) for length in field)
    axes = [((np.arange(count) + 0.5 - count / 2) * spacing).astype(np.float32) for count in shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    bend = [np.float32(1.1) * smooth_field(rng, shape, (3, 3, 3)) for _ in range(3)]
    x, y, z = x * np.float32(rng.choice([-1, 1])) + bend[0], y + bend[1], z + bend[2]
    depth, along = _tube(rng, x, y, z)
    cover = ramp(depth, max(1.0, spacing))
    border = rng.uniform(0.52, 0.64) + np.float32(0.03) * bend[2]
    labels = np.where(depth > 0, np.where(along > border, 1, 2), 0).astype(np.uint8)
    clean = _surroundings(rng, (x, y, z), depth, spacing)
    tissue = CONTRASTS["t1"]
    clean += (
        np.float32(tissue["gm"]) * (1 + np.float32(0.05) * smooth_field(rng, shape, (10, 12, 10))) - clean
    ) * cover
    clean = ndimage.gaussian_filter(clean, rng.uniform(0.4, 0.8))
    noise = rng.uniform(0.02, 0.045)
    real, imaginary = rng.standard_normal((2, *shape), np.float32) * np.float32(noise)
    uneven = np.exp(np.float32(0.08) * smooth_field(rng, shape, (1, 1, 1)))
    scale = 10 ** rng.uniform(2.0, 3.0) if rng.random() < 0.7 else 10 ** rng.uniform(4.0, 6.2)
    image = np.rint(np.hypot(clean * uneven + real, imaginary) * np.float32(scale)).astype(np.float32)
    return HippocampusVolume(image, labels, f"P{number + 1:04d}", spacing)


def _tube(rng: np.random.Generator, x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """Depth inside the hippocampus (mm), and how far to the front each voxel lies along it (0 tail, 1 head)."""
    long = rng.uniform(17, 20)
    thick = rng.uniform(0.9, 1.1)
    stations = np.linspace(0, 1, 9)
    bow, sink = rng.uniform(3, 6), rng.uniform(11, 16)
    path = np.column_stack(
        [
            bow * np.sin(np.pi * stations) - 3.5 * stations + 0.5,
            -long + 2 * long * stations,
            0.5 * sink - sink * stations - 1.5 * np.sin(np.pi * stations),
        ]
    )
    radii = thick * (3.3 + 0.9 * stations + 1.6 * np.clip(stations - 0.55, 0, None) / 0.45)
    radii[-1] *= 0.75
    depth, along = np.full_like(x, -99), np.zeros_like(x)
    for index in range(len(stations) - 1):
        way = path[index + 1] - path[index]
        flat = np.array([0.85, 1.0, 1.25])  # wider than high
        away = [axis - np.float32(at) for axis, at in zip((x, y, z), path[index], strict=True)]
        part = np.clip(sum(a * np.float32(w / (way @ way)) for a, w in zip(away, way, strict=True)), 0, 1)
        rest = np.sqrt(
            sum(((a - part * np.float32(w)) * np.float32(f)) ** 2 for a, w, f in zip(away, way, flat, strict=True))
        )
        here = np.float32(radii[index]) + part * np.float32(radii[index + 1] - radii[index]) - rest
        along = np.where(here > depth, (np.float32(index) + part) / np.float32(len(stations) - 1), along)
        depth = np.maximum(depth, here)
    return depth + np.float32(0.35) * np.sin(np.float32(1.1) * y) * (along > 0.6), along


def _surroundings(rng: np.random.Generator, place: tuple[Array, Array, Array], depth: Array, spacing: float) -> Array:
    """White matter, the fluid of the temporal horn beside the hippocampus, cortex, and the amygdala, which is as grey."""
    x, y, z = place
    tissue = CONTRASTS["t1"]
    soft = max(1.2, spacing)
    image = np.full_like(x, tissue["wm"])

    def paint(name: str, cover: Array) -> None:
        nonlocal image
        image = image + (np.float32(tissue[name]) - image) * cover

    shape = x.shape
    folds = np.abs(smooth_field(rng, shape, (4, 4, 4))) * np.float32(5)
    low = np.maximum(-z - np.float32(9), -x - np.float32(9))
    paint("gm", ramp(low + np.float32(3) - folds * np.float32(0.3), soft) * ramp(np.float32(4) - folds, soft))
    paint("csf", ramp(low - np.float32(1.5), soft) * ramp(np.float32(1.6) - folds, soft))
    horn = np.exp(-(((depth + np.float32(1.2)) / np.float32(1.1)) ** 2)) * ramp(x + np.float32(0.4) * z - 2, 4)
    paint("csf", np.clip(horn * np.float32(rng.uniform(0.5, 1.2)), 0, 1))
    amygdala = [12 + rng.normal(), rng.normal(0, 1), 2 + rng.normal()]
    away = np.sqrt(
        (y - np.float32(amygdala[0])) ** 2 + (x - np.float32(amygdala[1])) ** 2 + (z - np.float32(amygdala[2])) ** 2
    )
    paint("gm", ramp(np.float32(6.5) - away, soft + 1) * np.float32(0.9))
    return image
