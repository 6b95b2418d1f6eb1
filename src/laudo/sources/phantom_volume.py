"""Synthetic brains with a tumour: four MRI volumes a patient, three nested regions, skull removed, as BraTS hands them out.

Lengths are in millimetres: x to the patient's left, y to the back, z upwards, from the middle of the brain; the volumes'
axes run the same way. The shapes are drawn by :mod:`laudo.sources.phantom_cerebrum`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.sources.phantom_anatomy import CONTRASTS, Array
from laudo.sources.phantom_cerebrum import Grid, Tissues, draw_brain
from laudo.sources.phantom_field import ramp, smooth_field

FIELD_MM = (240.0, 240.0, 155.0)
"""What a volume covers; at a size of 240 its voxels are 1 mm wide, as in the public set."""

MODALITIES: tuple[str, ...] = ("flair", "t1", "t1ce", "t2")
LABELS: dict[int, str] = {1: "necrosis", 2: "oedema", 4: "enhancing"}

SIGNALS: dict[str, dict[str, float]] = {
    "flair": CONTRASTS["flair"],
    "t1": {**CONTRASTS["t1"], "rim": 0.50, "necrosis": 0.27, "oedema": 0.53, "vessel": 0.30},
    "t1ce": CONTRASTS["t1"],
    "t2": CONTRASTS["t2"],
}
"""Signal of each tissue; without the contrast agent the rim does not stand out."""


@dataclass(frozen=True)
class BrainVolume:
    """One synthetic patient.

    Attributes:
        images: modality → (X, Y, Z) int16; exactly 0 outside the brain, at least 1 inside.
        labels: (X, Y, Z) uint8 with the values of :data:`LABELS`, else 0.
        patient: "P0001", "P0002", …
        spacing_mm: side of the voxels.
    """

    images: dict[str, NDArray[np.int16]]
    labels: NDArray[np.uint8]
    patient: str
    spacing_mm: float

    @property
    def affine(self) -> NDArray[np.float64]:
        """(4, 4) from voxel indices to millimetres (right, front, head), with the origin that BraTS has."""
        side = self.spacing_mm
        matrix = np.diag([-side, -side, side, 1.0])
        matrix[1, 3] = side * (self.labels.shape[1] - 1)
        return matrix


@dataclass(frozen=True)
class Growth:
    """A tumour: centre, radius of the enhancing border, thickness of that border, width of the oedema, mass effect."""

    centre_mm: tuple[float, float, float]
    radius_mm: float
    rim_mm: float
    oedema_mm: float
    push: float


def brains(n: int, seed: int, size: int = 96) -> Iterator[BrainVolume]:
    """``n`` patients; the k-th depends only on ``(seed, k)``.

    Args:
        n: number of patients.
        seed: non-negative.
        size: voxels along the first two axes, at least 32; the third has 155/240 of them.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32:
        raise ValueError(f"n={n}, seed={seed}, size={size}: too small")
    for number in range(n):
        yield _brain(np.random.default_rng([seed, number]), number, size)


def _brain(rng: np.random.Generator, number: int, size: int) -> BrainVolume:
    spacing = FIELD_MM[0] / size
    shape = (size, size, round(size * FIELD_MM[2] / FIELD_MM[0]))
    growth = _draw_growth(rng, spacing)
    box = _box(shape, spacing)
    grid = Grid.of(shape, spacing, box)
    near = _around(grid, growth)
    pull = np.float32(growth.push) * np.exp(-near * near * np.float32(1 / (1.8 * growth.radius_mm) ** 2))
    x, y, z = (
        axis - (axis - np.float32(middle)) * pull
        for axis, middle in zip((grid.x, grid.y, grid.z), growth.centre_mm, strict=True)
    )
    bent = Grid(x, y, z, spacing)
    tissues = draw_brain(rng, bent)
    regions, covers = _regions(rng, growth, near, tissues, spacing)
    gains = 10 ** rng.uniform(2.3, 3.1, len(MODALITIES))
    noise, blur = rng.uniform(0.015, 0.04), rng.uniform(0.3, 0.6)
    texture = smooth_field(rng, near.shape, (28, 28, 28))
    images = {}
    for modality, gain in zip(MODALITIES, gains, strict=True):
        clean = _paint(tissues, covers, texture, modality)
        thick = 2.5 / spacing if rng.random() < 0.3 else blur  # some sequences are taken in thick slices
        clean = ndimage.gaussian_filter(clean, (blur, blur, max(blur, thick)))
        field = np.exp(np.float32(0.12) * smooth_field(rng, near.shape, (1, 1, 1)))
        real, imaginary = rng.standard_normal((2, *near.shape), np.float32) * np.float32(noise)
        magnitude = np.hypot(clean * field + real, imaginary) * np.float32(gain)
        whole = np.zeros(shape, np.int16)
        whole[box] = np.where(tissues.brain, np.clip(np.rint(magnitude), 1, 32767), 0).astype(np.int16)
        images[modality] = whole
    labels = np.zeros(shape, np.uint8)
    labels[box] = regions
    return BrainVolume(images, labels, f"P{number + 1:04d}", spacing)


def _box(shape: tuple[int, int, int], spacing: float) -> tuple[slice, slice, slice]:
    """Part of the volume in which the brain lies: the rest need not be computed."""
    reach = (80.0, 100.0, 77.5)
    first, second, third = (
        slice(max(0, int(length / 2 - half / spacing)), min(length, int(length / 2 + half / spacing) + 1))
        for length, half in zip(shape, reach, strict=True)
    )
    return first, second, third


def _draw_growth(rng: np.random.Generator, spacing: float) -> Growth:
    """Choose a tumour in a hemisphere that has a core and a border at least a voxel thick."""
    rim = max(rng.uniform(2.5, 6.0), 1.4 * spacing)
    radius = max(rng.uniform(10, 24), rim + 2.2 * spacing)
    side, angle = rng.choice([-1, 1]), rng.uniform(0, np.pi)
    out = rng.uniform(0.35, 0.62)
    centre = (side * (14 + out * 38 * np.sin(angle)), out * 72 * np.cos(angle), rng.uniform(0, 38))
    return Growth(
        centre_mm=(float(centre[0]), float(centre[1]), float(centre[2])),
        radius_mm=float(radius),
        rim_mm=float(rim),
        oedema_mm=float(rng.uniform(4, 20)),
        push=float(rng.uniform(0.1, 0.4)),
    )


def _around(grid: Grid, growth: Growth) -> Array:
    """Distance from the tumour's centre."""
    dx, dy, dz = (
        axis - np.float32(middle) for axis, middle in zip((grid.x, grid.y, grid.z), growth.centre_mm, strict=True)
    )
    distance: Array = np.sqrt(dx * dx + dy * dy + dz * dz)
    return distance


def _regions(
    rng: np.random.Generator, growth: Growth, near: Array, tissues: Tissues, spacing: float
) -> tuple[NDArray[np.uint8], dict[str, Array]]:
    """Label map, and the part of each voxel that each region covers, outermost first.

    Each region lies in the one before: the border around the core, at least a voxel of oedema around the border wherever
    there is brain, more of it along the white matter.
    """
    shape = near.shape
    bumps, edges, fingers = (smooth_field(rng, shape, cells) for cells in ((9,) * 3, (14,) * 3, (7,) * 3))
    border = np.float32(growth.radius_mm) * (1 + np.float32(0.2) * bumps) - near
    thickness = np.float32(growth.rim_mm) * np.clip(1 + np.float32(0.3) * edges, 0.85, 2)
    spread = border + np.float32(growth.oedema_mm) * np.clip(1 + np.float32(0.7) * fingers, 0, 3)
    along = np.maximum(tissues.white, border > np.float32(-1.3 * spacing))
    tumour = (border > 0) & tissues.brain
    core = np.minimum(border, tissues.surface_mm) - thickness
    inner = ndimage.binary_erosion(tumour)
    if not (inner & (core > 0)).any():  # a bump left no core: what lies deepest is it
        core += np.float32(0.3 * spacing) - core[inner].max()
    regions = np.zeros(shape, np.uint8)
    regions[(spread > 0) & (along > 0.4) & tissues.brain] = 2
    regions[ndimage.binary_dilation(tumour) & tissues.brain] = 2
    regions[tumour] = 4
    regions[inner & (core > 0)] = 1
    covers = {
        "oedema": ramp(spread, 3 + spacing) * along * np.float32(0.9),
        "rim": ramp(border, 1 + spacing),
        "necrosis": ramp(core, 1 + spacing),
    }
    return regions, covers


def _paint(tissues: Tissues, covers: dict[str, Array], texture: Array, modality: str) -> Array:
    """Noise-free signal of one modality."""
    signal = SIGNALS[modality]
    image = np.full_like(texture, signal["csf"])
    for name, cover in [*tissues.covers.items(), *covers.items()]:
        uneven = 1 + np.float32(0.12 if name in covers else 0.03) * texture
        image += (np.float32(signal[name]) * uneven - image) * cover
    return image
