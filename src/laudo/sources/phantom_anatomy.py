"""What a synthetic patient's head is like: the values that :mod:`laudo.sources.phantom_head` draws.

Lengths are in half image widths: x runs from -1 (image left) to 1, y from -1 (anterior, top) to 1 (posterior), and z
is the height of the slice, from 0 (basal ganglia) to about 0.55 (above the ventricles).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating[Any]]
"""float32 at run time; NumPy's stubs widen mixed expressions to float64."""

CONTRASTS: dict[str, dict[str, float]] = {
    "t1": {
        "wm": 0.70, "gm": 0.50, "deep": 0.55, "csf": 0.15, "fat": 0.95, "skin": 0.50, "bone": 0.07, "marrow": 0.42,
        "muscle": 0.38, "dura": 0.42, "vessel": 0.95, "plexus": 0.70, "spot": 0.56,
        "oedema": 0.50, "rim": 1.00, "solid": 0.98, "dull": 0.36, "necrosis": 0.24,
    },
    "t2": {
        "wm": 0.38, "gm": 0.56, "deep": 0.48, "csf": 0.95, "fat": 0.62, "skin": 0.35, "bone": 0.06, "marrow": 0.36,
        "muscle": 0.25, "dura": 0.30, "vessel": 0.08, "plexus": 0.70, "spot": 0.70,
        "oedema": 0.70, "rim": 0.48, "solid": 0.74, "dull": 0.80, "necrosis": 0.92,
    },
    "flair": {
        "wm": 0.44, "gm": 0.57, "deep": 0.52, "csf": 0.12, "fat": 0.66, "skin": 0.38, "bone": 0.06, "marrow": 0.34,
        "muscle": 0.28, "dura": 0.40, "vessel": 0.20, "plexus": 0.42, "spot": 0.80,
        "oedema": 0.80, "rim": 0.74, "solid": 0.84, "dull": 0.88, "necrosis": 0.30,
    },
    "ct": {
        "wm": 0.36, "gm": 0.47, "deep": 0.48, "csf": 0.10, "fat": 0.00, "skin": 0.40, "bone": 1.20, "marrow": 1.00,
        "muscle": 0.55, "dura": 0.55, "vessel": 0.58, "plexus": 0.95, "spot": 0.56,
        "oedema": 0.24, "rim": 0.62, "solid": 0.66, "dull": 0.27, "necrosis": 0.17,
    },
}  # fmt: skip
"""Signal of each tissue (1 = brightest fat) as in the three usual sequences, T1 after a contrast agent; and in CT
(0 = water, 1 = 80 HU)."""


def norm(a: Array, b: Array) -> Array:
    """Length of (a, b); np.hypot guards against overflow and takes several times as long."""
    length: Array = np.sqrt(a * a + b * b)
    return length


@dataclass(frozen=True)
class Waves:
    """Smooth random field in three dimensions: a sum of plane waves, so that neighbouring slices agree.

    Attributes:
        vectors: (n, 3) float32 wave vectors (radians a half image width).
        phases: (n,) float32 phases.
    """

    vectors: Array
    phases: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, low: float, high: float) -> Waves:
        """``count`` waves in random directions with ``low`` to ``high`` radians a half image width."""
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        vectors = directions * rng.uniform(low, high, size=(count, 1))
        return cls(vectors.astype(np.float32), rng.uniform(0, 2 * np.pi, count).astype(np.float32))

    def __call__(self, x: Array, y: Array, z: float | Array) -> Array:
        """Values with standard deviation 1, in the shape of ``x``."""
        height = np.asarray(z, np.float32)
        total = np.zeros_like(x)
        for (kx, ky, kz), phase in zip(self.vectors, self.phases, strict=True):
            total += np.cos(kx * x + (ky * y + (kz * height + phase)))
        return total * np.float32(np.sqrt(2 / len(self.phases)))


@dataclass(frozen=True)
class Tumour:
    """A tumour whose outline is a Fourier series around a centre, its section shrinking away from its middle level.

    Attributes:
        kind: "ring" (enhancing rim, necrotic core), "solid" (bright, even), or "infiltrating" (dull, vague edge).
        centre: x, y, z.
        radius: mean radius at its middle level.
        harmonics: (n, 3) amplitude, phase and drift with z of the outline's terms of order 2, 3, …
        strength: 0 (invisible) to 1 (as in :data:`CONTRASTS`).
        oedema: width of the oedema, in radii.
        rim: thickness of the rim, in radii.
        push: mass effect, the largest relative displacement.
        texture: field for everything irregular about it.
    """

    kind: str
    centre: tuple[float, float, float]
    radius: float
    harmonics: Array
    strength: float
    oedema: float
    rim: float
    push: float
    texture: Waves

    def distance(self, x: Array, y: Array, z: float) -> Array:
        """Distance from the centre in units of the outline's: below 1 is inside."""
        dx, dy, dz = x - np.float32(self.centre[0]), y - np.float32(self.centre[1]), z - self.centre[2]
        section = self.radius * np.sqrt(max(0.05, 1 - (dz / self.radius) ** 2))
        angle = np.arctan2(dy, dx)
        outline = np.ones_like(x)
        for order, (amplitude, phase, drift) in enumerate(self.harmonics, start=2):
            outline += amplitude * np.cos(np.float32(order) * angle + (phase + drift * np.float32(dz)))
        return norm(dx, dy) / (np.float32(section) * outline)

    def displaced(self, x: Array, y: Array, free: Array) -> tuple[Array, Array]:
        """Where the tissue now at (x, y) was before it was pushed; ``free`` (0 to 1) is 0 at the unyielding skull."""
        dx, dy = x - np.float32(self.centre[0]), y - np.float32(self.centre[1])
        reach = np.float32(1 / (1.6 * self.radius) ** 2)
        shift = np.float32(self.push) * np.exp(-(dx * dx + dy * dy) * reach) * free
        return x - dx * shift, y - dy * shift


@dataclass(frozen=True)
class Anatomy:
    """What one synthetic patient looks like, at every level.

    Attributes:
        contrast: key of :data:`CONTRASTS`.
        axes: half width and half length of the head.
        tilt: rotation in the image plane (radians).
        shift: displacement of the head in the image.
        egg: how much wider the back of the head is.
        scalp, skull: thickness.
        gap: width of the cerebrospinal fluid over the brain.
        sulcus: half width of the sulci.
        cortex: thickness of the cortex.
        ventricles: size of the left and the right ventricle, 1 = usual.
        folds: (n, 4) integer order around the head, phase, radial and axial drift of the waves that sulci follow.
        warp: two smooth fields that bend everything a little.
        detail: smooth field for depths of sulci and unevenness of tissue.
        spots: (n, 6) x, y, z, radius, elongation, angle of small bright spots (vessels, white matter lesions).
        cyst: x, y, radius of an arachnoid cyst; radius 0 for none.
        tumour: the tumour, or None.
    """

    contrast: str
    axes: tuple[float, float]
    tilt: float
    shift: tuple[float, float]
    egg: float
    scalp: float
    skull: float
    gap: float
    sulcus: float
    cortex: float
    ventricles: tuple[float, float]
    folds: Array
    warp: tuple[Waves, Waves]
    detail: Waves
    spots: Array
    cyst: tuple[float, float, float]
    tumour: Tumour | None
