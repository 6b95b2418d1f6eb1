"""Drawing of slices through chest, abdomen, pelvis, spine and knee, each with its finding, as CT or MR shows them.

Coordinates are half image widths from the middle, as in :mod:`laudo.sources.phantom_head`; the patient's left is on the right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from laudo.sources.phantom_anatomy import Array, norm
from laudo.sources.phantom_field import smooth_field
from laudo.sources.phantom_head import Canvas, ellipse, segment

Signals: TypeAlias = dict[str, float]

SIGNALS: dict[str, Signals] = {
    "ct": {
        "gas": -0.6, "fat": 0.14, "skin": 0.48, "muscle": 0.53, "bone": 1.15, "marrow": 0.78, "organ": 0.60, "spleen": 0.61,
        "kidney": 0.62, "blood": 0.55, "fluid": 0.40, "bowel": 0.50, "disc": 0.60, "cord": 0.50, "cartilage": 0.52,
        "lung": -0.5, "mass": 0.47, "lesion": 0.42, "marrow lesion": 0.55,
    },
    "t1": {
        "gas": 0.02, "fat": 0.95, "skin": 0.50, "muscle": 0.37, "bone": 0.06, "marrow": 0.72, "organ": 0.52, "spleen": 0.36,
        "kidney": 0.42, "blood": 0.10, "fluid": 0.15, "bowel": 0.40, "disc": 0.36, "cord": 0.46, "cartilage": 0.45,
        "lung": 0.03, "mass": 0.40, "lesion": 0.28, "marrow lesion": 0.32,
    },
    "t2": {
        "gas": 0.02, "fat": 0.62, "skin": 0.35, "muscle": 0.22, "bone": 0.05, "marrow": 0.46, "organ": 0.30, "spleen": 0.50,
        "kidney": 0.58, "blood": 0.08, "fluid": 0.95, "bowel": 0.50, "disc": 0.66, "cord": 0.40, "cartilage": 0.58,
        "lung": 0.03, "mass": 0.72, "lesion": 0.80, "marrow lesion": 0.86,
    },
}  # fmt: skip
"""Signal of each tissue: CT in a window for soft tissue (0 = -150 HU, 1 = 250 HU), MR relative to the brightest fat."""

CONTRAST_AGENT: Signals = {"blood": 0.95, "kidney": 0.88, "organ": 0.70, "spleen": 0.74}
"""What a contrast agent in the veins changes in CT."""

LUNG_WINDOW: Signals = {"lung": 0.22, "gas": 0.0, "fat": 0.9, "mass": 1.0}
"""Chest CT is mostly shown in a wide window in which everything solid is white."""


def draw_body(location: str, rng: np.random.Generator, size: int, signals: Signals, finding: bool) -> Array:
    """(size, size) float32 noise-free slice; ``location`` is a key of :data:`LOCATIONS`; ``finding`` adds the lesion."""
    canvas = Canvas(size, 0)
    for axis in (canvas.x, canvas.y):
        axis += np.float32(0.018) * smooth_field(rng, axis.shape, (5, 5))
    canvas.x *= np.float32(rng.uniform(0.95, 1.08))
    canvas.y *= np.float32(rng.uniform(0.95, 1.08))
    shapes = Shapes(canvas, signals, smooth_field(rng, canvas.x.shape, (16, 16)))
    LOCATIONS[location](shapes, rng, finding)
    image: Array = np.clip(canvas.image, 0, 1.3)
    return image


class Shapes:
    """Paints tissues by name: ellipses, capsules, and rings of fat and muscle around a trunk."""

    def __init__(self, canvas: Canvas, signals: Signals, texture: Array) -> None:
        self.canvas = canvas
        self.signals = signals
        self.texture = texture
        self.inside = np.ones_like(canvas.x)

    def depth(self, tissue: str, depth: Array, softness: float = 1.5, uneven: float = 0.04) -> None:
        """Paint where ``depth`` is positive, within what :meth:`trunk` has left."""
        value = np.float32(self.signals[tissue]) + np.float32(uneven) * self.texture
        self.canvas.paint(self.canvas.inside(depth, softness) * self.inside, value)

    def oval(
        self, tissue: str, x: float, y: float, wide: float, high: float, tilt: float = 0.0, soft: float = 1.5
    ) -> None:
        """Paint an ellipse around (x, y)."""
        self.depth(tissue, ellipse(self.canvas.x, self.canvas.y, (x, y), (wide, high), tilt), soft)

    def rod(self, tissue: str, start: tuple[float, float, float], end: tuple[float, float, float]) -> None:
        """Paint a tapered capsule; each end is (x, y, radius)."""
        self.depth(tissue, segment(self.canvas.x, self.canvas.y, start, end))

    def trunk(self, high: float, fat: float, wall: float) -> None:
        """Skin, fat and muscle of a trunk; what is painted later stays inside."""
        x, y = self.canvas.x, self.canvas.y
        scaled = norm(x / np.float32(0.92), y / np.float32(high))
        scaled = np.maximum(scaled, np.float32(0.04)) ** np.float32(1.0)
        depth = (1 - scaled) * norm(x, y) / scaled
        self.depth("skin", depth)
        self.depth("fat", depth - np.float32(0.02))
        self.depth("muscle", depth - np.float32(fat))
        self.inside = self.canvas.inside(depth - np.float32(fat + wall))

    def everywhere(self) -> None:
        """From here on shapes may reach outside the trunk's inner part."""
        self.inside = np.ones_like(self.canvas.x)

    def vertebra(self, y: float, radius: float) -> None:
        """A vertebra from above: body, canal, arch, spinous process."""
        for side in (-1, 1):
            self.rod("bone", (side * 0.8 * radius, y + radius, 0.04), (side * 2.0 * radius, y + 1.1 * radius, 0.025))
            self.rod("bone", (side * 0.6 * radius, y + 1.2 * radius, 0.035), (0, y + 2.4 * radius, 0.03))
        self.rod("bone", (0, y + 2.2 * radius, 0.035), (0, y + 3.0 * radius, 0.025))
        self.oval("bone", 0, y, 1.15 * radius, 0.95 * radius)
        self.oval("marrow", 0, y, 0.98 * radius, 0.80 * radius)
        self.oval("fluid", 0, y + 1.3 * radius, 0.42 * radius, 0.32 * radius)
        self.oval("cord", 0, y + 1.3 * radius, 0.24 * radius, 0.18 * radius)


def _chest(s: Shapes, rng: np.random.Generator, finding: bool) -> None:
    s.trunk(0.66, rng.uniform(0.05, 0.10), 0.06)
    heart = rng.uniform(0.75, 1.15)
    for side in (-1, 1):
        s.oval("lung", side * 0.40, 0.0, 0.34, 0.46, side * 0.12, 2)
    for _ in range(40):
        side, away, turn = rng.choice([-1, 1]), rng.uniform(0, 0.85), rng.uniform(0, 2 * np.pi)
        radius = 0.022 * (1.1 - away)
        s.oval(
            "muscle", side * 0.40 + away * 0.28 * np.cos(turn), away * 0.40 * np.sin(turn), radius, radius * 1.6, turn
        )
    if finding:
        side, turn = rng.choice([-1, 1]), rng.uniform(0, 2 * np.pi)
        if rng.random() < 0.7:
            size = rng.uniform(0.05, 0.13)
            x, y = side * 0.42 + 0.15 * np.cos(turn), 0.22 * np.sin(turn)
            s.oval("mass", x, y, size, size * rng.uniform(0.8, 1.2), turn)
            for _ in range(3):
                s.rod("mass", (x, y, size * 0.4), (x + rng.normal(0, 1.2 * size), y + rng.normal(0, 1.2 * size), 0.006))
        else:  # fluid behind the lung
            depth = ellipse(s.canvas.x, s.canvas.y, (side * 0.40, 0.0), (0.34, 0.46), side * 0.12)
            s.depth("fluid", np.minimum(depth, s.canvas.y - np.float32(rng.uniform(0.15, 0.28))))
    s.oval("fat", 0, -0.05, 0.13, 0.36)
    s.oval("muscle", 0.09 * heart, -0.10, 0.26 * heart, 0.24 * heart, 0.5)
    s.oval("blood", 0.05, -0.12, 0.11 * heart, 0.12)
    s.oval("blood", 0.19 * heart, -0.05, 0.09, 0.13 * heart, 0.6)
    s.oval("blood", 0.10, 0.22, 0.065, 0.065)
    s.oval("muscle", -0.02, 0.20, 0.03, 0.025)
    s.vertebra(0.36, 0.12)
    s.everywhere()
    s.rod("bone", (-0.06, -0.53, 0.03), (0.06, -0.53, 0.03))
    for side in (-1, 1):
        for angle in (-1.0, -0.55, -0.1, 0.35, 0.8):
            x, y = side * 0.77 * np.cos(angle), 0.53 * np.sin(angle)
            s.rod("bone", (x, y, 0.020), (side * 0.77 * np.cos(angle + 0.15), 0.53 * np.sin(angle + 0.15), 0.022))


def _abdomen(s: Shapes, rng: np.random.Generator, finding: bool) -> None:
    s.trunk(0.64, rng.uniform(0.07, 0.17), 0.055)
    s.depth("fat", np.ones_like(s.canvas.x))
    s.oval("organ", -0.40, -0.06, 0.40, 0.40, 0.2)
    s.oval("organ", -0.10, -0.24, 0.34, 0.20, -0.2)
    for _ in range(6):
        s.oval("blood", -0.42 + rng.normal(0, 0.13), -0.06 + rng.normal(0, 0.13), 0.02, 0.035, rng.uniform(0, 3))
    s.oval("spleen", 0.60, 0.10, 0.14, 0.27, -0.3)
    s.oval("bowel", 0.33, -0.22, 0.25, 0.17, 0.3)
    s.oval("gas", 0.33, -0.29, 0.17, 0.07)
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.uniform(0.0, 0.45), rng.uniform(-0.1, 0.08)
        s.oval("bowel", x, y, 0.075, 0.06, rng.uniform(0, 3))
        s.oval("gas" if rng.random() < 0.3 else "fluid", x, y, 0.04, 0.03)
    for side in (-1, 1):
        s.oval("kidney", side * 0.37, 0.26, 0.115, 0.15, side * 0.4)
        s.oval("fat", side * 0.33, 0.26, 0.04, 0.06)
        s.oval("muscle", side * 0.18, 0.36, 0.075, 0.09)
    s.oval("blood", 0.05, 0.17, 0.05, 0.05)
    s.oval("blood", -0.11, 0.16, 0.06, 0.045)
    if finding:
        size = rng.uniform(0.07, 0.15)
        x, y = -0.45 + rng.normal(0, 0.08), -0.05 + rng.normal(0, 0.10)
        s.oval("lesion", x, y, size, size * rng.uniform(0.8, 1.1), 0.4, 3)
        if rng.random() < 0.4:
            s.oval("fluid", x, y, size * 0.5, size * 0.5, 0, 3)
    s.everywhere()
    s.vertebra(0.35, 0.13)


def _pelvis(s: Shapes, rng: np.random.Generator, finding: bool) -> None:
    s.trunk(0.60, rng.uniform(0.08, 0.18), 0.03)
    s.depth("fat", np.ones_like(s.canvas.x), uneven=0.02)
    for side in (-1, 1):
        s.oval("muscle", side * 0.46, 0.36, 0.30, 0.17, side * -0.35)
        s.oval("muscle", side * 0.40, -0.26, 0.16, 0.14)
        s.oval("blood", side * 0.30, -0.24, 0.035, 0.035)
        s.oval("muscle", side * 0.30, 0.05, 0.06, 0.26, side * 0.15)
        s.oval("bone", side * 0.53, 0.02, 0.17, 0.17)
        s.oval("marrow", side * 0.53, 0.02, 0.145, 0.145)
        s.rod("bone", (side * 0.36, -0.16, 0.04), (side * 0.38, 0.22, 0.05))
    full = rng.uniform(0.65, 1.15)
    s.oval("muscle", 0, -0.12, 0.22 * full + 0.02, 0.16 * full + 0.02)
    s.oval("fluid", 0, -0.12, 0.22 * full, 0.16 * full)
    s.oval("organ", 0, 0.12, 0.15, 0.09)
    s.oval("bowel", 0, 0.29, 0.085, 0.075)
    s.oval("gas", 0.01, 0.27, 0.045, 0.035)
    s.rod("bone", (-0.10, 0.46, 0.03), (0.10, 0.46, 0.03))
    if finding:
        size = rng.uniform(0.05, 0.11)
        side = rng.choice([-1, 1])
        if rng.random() < 0.5:
            s.oval("mass", side * 0.15 * full, -0.10, size, size * 0.8, 0.5, 2)
        else:
            s.oval("fluid", side * 0.22, 0.10, size * 1.2, size * 1.1, 0.3, 2)


def _spine(s: Shapes, rng: np.random.Generator, finding: bool) -> None:
    x, y = s.canvas.x, s.canvas.y
    curve = np.float32(rng.uniform(0.03, 0.12)) * np.sin(
        np.float32(rng.uniform(1.5, 3.0)) * y + np.float32(rng.uniform(-1, 1))
    )
    s.canvas.x = x - curve
    s.depth("muscle", np.float32(0.85) - np.abs(s.canvas.x), uneven=0.07)
    s.depth("bowel", np.float32(-0.38) - s.canvas.x, 10, uneven=0.08)
    s.depth("fat", s.canvas.x - np.float32(0.60), 3)
    s.depth("skin", np.minimum(s.canvas.x - np.float32(0.82), np.float32(0.87) - s.canvas.x))
    s.depth("gas", s.canvas.x - np.float32(0.87))
    s.depth("blood", np.minimum(s.canvas.x + np.float32(0.40), np.float32(-0.30) - s.canvas.x))
    high = rng.uniform(0.27, 0.36)
    first = rng.uniform(-1.15, -0.95)
    levels = np.arange(first, 1.2, high)
    sick = int(rng.integers(2, len(levels) - 1))
    for index, level in enumerate(levels):
        square = np.maximum(
            np.abs(s.canvas.x) - np.float32(0.17), np.abs(y - np.float32(level)) - np.float32(0.36 * high)
        )
        bent = square - np.float32(0.02) * np.abs(s.canvas.x / np.float32(0.17)) ** 2
        s.depth(
            "disc",
            np.float32(0.16) - np.maximum(np.abs(s.canvas.x), np.abs(y - np.float32(level + high / 2)) * 3 - high),
        )
        s.depth("bone", -bent + np.float32(0.012))
        ill = finding and index == sick
        s.depth("marrow lesion" if ill else "marrow", -bent - np.float32(0.008), 2, uneven=0.06)
        s.rod("bone", (0.40, float(level) + 0.05, 0.045), (0.58, float(level) + 0.16, 0.035))
        s.rod("marrow", (0.40, float(level) + 0.05, 0.028), (0.56, float(level) + 0.15, 0.02))
    s.depth("fluid", np.minimum(s.canvas.x - np.float32(0.19), np.float32(0.34) - s.canvas.x))
    s.depth("cord", np.minimum(s.canvas.x - np.float32(0.225), np.float32(0.305) - s.canvas.x), 2)
    if finding and rng.random() < 0.5:  # the disc bulges into the canal
        s.oval("disc", 0.19, float(levels[sick] + high / 2), rng.uniform(0.05, 0.10), 0.05)


def _knee(s: Shapes, rng: np.random.Generator, finding: bool) -> None:
    y, x = s.canvas.y, np.abs(s.canvas.x)
    leg = np.float32(rng.uniform(0.62, 0.74)) + np.float32(0.05) * np.cos(3 * y)
    s.depth("skin", leg - x)
    s.depth("fat", leg - x - np.float32(0.02))
    s.depth("muscle", leg - x - np.float32(0.08) - np.float32(0.16) * np.exp(-(y**2) / np.float32(0.12)), uneven=0.07)
    for tissue, thin in (("bone", 0.0), ("marrow", 0.025)):
        s.rod(tissue, (0, -1.1, 0.20 - thin), (0, -0.42, 0.24 - thin))
        for side in (-1, 1):
            s.oval(tissue, side * 0.24, -0.26, 0.24 - thin, 0.25 - thin)
        s.rod(tissue, (-0.30, 0.16, 0.13 - thin), (0.30, 0.16, 0.13 - thin))
        s.rod(tissue, (0, 0.28, 0.26 - thin), (0, 1.1, 0.15 - thin))
        s.rod(tissue, (0.46, 0.36, 0.08 - thin), (0.42, 1.1, 0.05 - thin))
    for side in (-1, 1):
        s.rod("cartilage", (side * 0.12, 0.0, 0.018), (side * 0.36, 0.0, 0.018))
        s.rod("bone", (side * 0.38, 0.005, 0.026), (side * 0.30, 0.005, 0.006))
        s.rod("bone", (side * 0.48, -0.3, 0.012), (side * 0.46, 0.35, 0.012))
    s.rod("bone", (-0.03, -0.20, 0.018), (0.06, 0.05, 0.018))
    if finding:
        side = rng.choice([-1, 1])
        if rng.random() < 0.6:
            size = rng.uniform(0.07, 0.15)
            s.oval("marrow lesion", side * 0.22, rng.choice([-0.28, 0.24]), size, size * 0.8, 0.3, 5)
        else:
            s.oval("fluid", side * 0.46, -0.15, 0.07, 0.20, side * 0.2, 2)


LOCATIONS: dict[str, Callable[[Shapes, np.random.Generator, bool], None]] = {
    "Chest, Pulmonary": _chest,
    "Gastrointestinal": _abdomen,
    "Genitourinary": _pelvis,
    "Spine": _spine,
    "Musculoskeletal": _knee,
}
"""Location as MedPix names it → what draws it; the head is drawn by :mod:`laudo.sources.phantom_head`."""
