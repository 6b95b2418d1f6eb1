"""Drawing of one axial slice of a head: implicit shapes with soft edges, painted one over the other.

Lengths are in half image widths: x runs from -1 (image left) to 1, y from -1 (anterior, top) to 1 (posterior), and z
is the height of the slice, from 0 (basal ganglia) to about 0.55 (above the ventricles).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float32]

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
}  # fmt: skip
"""Signal of each tissue (1 = brightest fat) as in the three usual sequences; T1 as after a contrast agent."""


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

    def __call__(self, x: Array, y: Array, z: float) -> Array:
        """Values with standard deviation 1, in the shape of ``x``."""
        total = np.zeros_like(x)
        for (kx, ky, kz), phase in zip(self.vectors, self.phases, strict=True):
            total += np.cos(kx * x + (ky * y + (kz * np.float32(z) + phase)))
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
        return _norm(dx, dy) / (np.float32(section) * outline)

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


class Canvas:
    """An image under construction: shapes are given as depth (positive inside) and blended in with a soft edge."""

    def __init__(self, size: int, margin: int) -> None:
        axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - np.float32(1)
        across = axis[margin : size - margin]  # the head is narrow: the air beside it need not be computed
        self.y, self.x = (np.ascontiguousarray(grid) for grid in np.meshgrid(axis, across, indexing="ij"))
        self.image = np.zeros_like(self.x)
        self.edge = np.float32(size / 3)  # a ramp of 1.5 fine pixels

    def inside(self, depth: Array, softness: float = 1.0) -> Array:
        """(H, W) fraction of each pixel that a shape covers."""
        return np.clip(depth * (self.edge / np.float32(softness)) + np.float32(0.5), 0, 1)

    def paint(self, cover: Array, value: float | Array) -> None:
        """Blend ``value`` in where ``cover`` (0 to 1) says."""
        self.image += (value - self.image) * cover


def draw(anatomy: Anatomy, z: float, size: int) -> tuple[Array, Array]:
    """Noise-free slice and the fraction of each pixel that is tumour, both (size, size) float32."""
    # Tilting a head of the shapes drawn here by 0.2 radians widens it by less than 0.03.
    margin = max(0, int((0.93 - anatomy.axes[0] * (1 + 0.5 * anatomy.egg) - abs(anatomy.shift[0])) * size / 2))
    canvas = Canvas(size, margin)
    tissue = CONTRASTS[anatomy.contrast]
    cos, sin = np.float32(np.cos(anatomy.tilt)), np.float32(np.sin(anatomy.tilt))
    x0, y0 = canvas.x - np.float32(anatomy.shift[0]), canvas.y - np.float32(anatomy.shift[1])
    x, y = cos * x0 + sin * y0, cos * y0 - sin * x0
    inner = _draw_skull(canvas, anatomy, tissue, x, y, z)
    free = np.clip(inner * 6, 0, 1)
    bent_x, bent_y = anatomy.tumour.displaced(x, y, free) if anatomy.tumour else (x, y)
    first, second = anatomy.warp
    bent_x = bent_x + np.float32(0.012) * first(bent_x, bent_y, z)
    bent_y = bent_y + np.float32(0.018) * second(bent_x, bent_y, z)
    white = _draw_brain(canvas, anatomy, tissue, (bent_x, bent_y, inner), z)
    brain = canvas.inside(inner - np.float32(anatomy.gap))
    _draw_spots(canvas, anatomy, tissue, x, y, z, brain)
    cover = np.zeros_like(brain)
    if anatomy.tumour is not None:
        cover = _draw_tumour(canvas, anatomy.tumour, tissue, (x, y, z), brain, white)
    sides = ((0, 0), (margin, margin))
    return np.pad(canvas.image, sides), np.pad(cover, sides)


def _draw_skull(canvas: Canvas, anatomy: Anatomy, tissue: dict[str, float], x: Array, y: Array, z: float) -> Array:
    """Scalp, bone and the fluid inside; gives the depth below the inner table of the skull."""
    depth = _head_depth(anatomy, x, y, z)
    angle_field = anatomy.detail(x * np.float32(0.5), y * np.float32(0.5), z)
    lateral = np.clip(np.abs(x) / np.float32(anatomy.axes[0]) - np.float32(0.72), 0, 1)
    muscle = np.float32(max(0.0, 0.22 - 0.55 * z)) * lateral * np.clip(1 - 7 * (y + 0.22) ** 2, 0, 1)
    scalp = np.float32(anatomy.scalp) * (1 + np.float32(0.10) * angle_field) + muscle
    skull = np.float32(anatomy.skull) * (1 - np.float32(0.12) * angle_field)
    table = np.float32(0.30) * skull
    canvas.paint(canvas.inside(depth), tissue["skin"])
    canvas.paint(canvas.inside(depth - np.float32(0.016)), tissue["fat"])
    canvas.paint(canvas.inside(depth - (scalp - muscle)), tissue["muscle"])
    canvas.paint(canvas.inside(depth - scalp), tissue["bone"])
    canvas.paint(canvas.inside(depth - scalp - table), tissue["marrow"])
    canvas.paint(canvas.inside(depth - scalp - skull + table), tissue["bone"])
    inner = depth - scalp - skull
    canvas.paint(canvas.inside(inner), tissue["csf"])
    return inner


def _norm(a: Array, b: Array) -> Array:
    """Length of (a, b); np.hypot guards against overflow and takes several times as long."""
    return np.sqrt(a * a + b * b)


def _head_depth(anatomy: Anatomy, x: Array, y: Array, z: float) -> Array:
    """Depth below the skin: an egg-shaped ellipse that narrows towards the vertex."""
    narrow = np.float32(np.sqrt(1 - (0.75 * z) ** 2))
    width = x / (np.float32(anatomy.axes[0]) * narrow * (1 + np.float32(anatomy.egg) * y))
    length = y / (np.float32(anatomy.axes[1]) * narrow)
    scaled = _norm(width, length)
    return (1 - scaled) * _norm(x, y) / np.maximum(scaled, np.float32(1e-3))


def _draw_brain(
    canvas: Canvas, anatomy: Anatomy, tissue: dict[str, float], place: tuple[Array, Array, Array], z: float
) -> Array:
    """Cortex, white matter, ventricles, nuclei and falx; gives the fraction of each pixel that is white matter."""
    x, y, inner = place
    width = anatomy.axes[0] - anatomy.scalp - anatomy.skull
    length = anatomy.axes[1] - anatomy.scalp - anatomy.skull
    surface = inner - np.float32(anatomy.gap)
    u, v = np.abs(x) / np.float32(width), y / np.float32(length)
    ribbon = _sulcal_distance(canvas, anatomy, (x, y, surface), z)
    wavy = anatomy.warp[0](np.float32(2.5) * x, np.float32(2.5) * y, z) * np.float32(0.03)
    for fissure in _fissures(u, v, wavy, z):
        ribbon = np.minimum(ribbon, fissure * np.float32(width))
    near = np.exp(-40 * np.clip(surface, -0.02, 1)) + np.exp(-40 * ribbon)
    depth = -np.log(near) / 40  # smooth minimum: sulci open where they meet the surface
    cortex = canvas.inside(depth - np.float32(anatomy.sulcus)) * canvas.inside(surface)
    white = canvas.inside(depth - np.float32(anatomy.sulcus + anatomy.cortex)) * cortex
    unevenness = 1 + np.float32(0.025) * anatomy.detail(3 * x, 3 * y, z)
    canvas.paint(cortex, tissue["gm"] * unevenness)
    canvas.paint(white, tissue["wm"] * unevenness)
    nuclei = np.zeros_like(x)
    for shape in _nuclei(u, v, z):
        nuclei = np.maximum(nuclei, canvas.inside(shape * np.float32(width), 3) * cortex)
    canvas.paint(nuclei, tissue["deep"] * unevenness)
    ventricle, plexus = _ventricles(anatomy, x / np.float32(width), v, z)
    fluid = canvas.inside(ventricle * np.float32(width), 1.5)
    canvas.paint(fluid, tissue["csf"])
    canvas.paint(canvas.inside(plexus * np.float32(width), 2) * fluid, tissue["plexus"])
    falx = np.minimum(np.float32(0.010) - u, _falx_reach(v, z))
    canvas.paint(np.float32(0.75) * canvas.inside(falx * np.float32(width)) * canvas.inside(inner), tissue["dura"])
    sinus = np.float32(0.045) - _norm(u * np.float32(0.8), v - np.float32(0.975 * np.sqrt(1 - (0.75 * z) ** 2)))
    canvas.paint(canvas.inside(sinus * np.float32(width), 1.5), tissue["vessel"])
    return white * (1 - nuclei) * (1 - fluid)


def _sulcal_distance(canvas: Canvas, anatomy: Anatomy, place: tuple[Array, Array, Array], z: float) -> Array:
    """Distance to the nearest sulcus: the zero lines of waves that run around the head, bent and of uneven depth."""
    x, y, surface = place
    bend = anatomy.detail(np.float32(1.6) * x, np.float32(1.6) * y, 1.3 * z)
    finer = anatomy.detail(np.float32(3.5) * y, np.float32(3.5) * x, 1.3 * z + 0.3)
    angle = np.arctan2(y * np.float32(anatomy.axes[0] / anatomy.axes[1]), x)
    angle += np.float32(0.08) * bend + np.float32(0.035) * finer
    field = np.zeros_like(x)
    for order, phase, radial, axial in anatomy.folds:
        field += np.cos(order * angle + (radial * surface + (phase + axial * np.float32(z))))
    step = np.float32(2 / len(x))
    slope_y, slope_x = np.gradient(field, step, axis=0), np.gradient(field, step, axis=1)
    distance = np.abs(field) / (_norm(slope_x, slope_y) + np.float32(2))
    reach = np.maximum(np.float32(0.15) + np.float32(0.05) * anatomy.detail(y, x, z + 0.5), np.float32(0.08))
    return distance + np.maximum(surface - reach, 0) * np.float32(1.2)


def _fissures(u: Array, v: Array, wavy: Array, z: float) -> tuple[Array, ...]:
    """Distances to the interhemispheric and the Sylvian fissure, in half brain widths; ``wavy`` bends the latter."""
    # Below the callosum's body the fissure is interrupted between genu and splenium.
    middle = u + np.maximum(-_falx_reach(v, z), 0)
    bent = u + wavy
    points = [(1.02, -0.28, 0.0), (0.78, -0.20, 0.0), (0.67, -0.08, 0.0), (0.64, 0.05, 0.0), (0.69, 0.17, 0.0)]
    sylvian = np.full_like(u, -1)
    for start, end in pairwise(points):
        sylvian = np.maximum(sylvian, _segment(bent, v, start, end))
    return middle - np.float32(0.008), np.float32(max(0.0, z - 0.18) * 1.5 - 0.012) - sylvian


def _falx_reach(v: Array, z: float) -> Array:
    """Positive where the hemispheres are apart: before the genu, behind the splenium, everywhere above the callosum."""
    opening = max(0.0, z - 0.40) * 5
    return np.maximum(-v - np.float32(0.52 - opening), v - np.float32(0.42 - opening))


def _segment(u: Array, v: Array, start: tuple[float, float, float], end: tuple[float, float, float]) -> Array:
    """Depth inside a tapered capsule; each end is (u, v, radius)."""
    du, dv = end[0] - start[0], end[1] - start[1]
    u, v = u - np.float32(start[0]), v - np.float32(start[1])
    square = du * du + dv * dv
    along = np.clip(u * np.float32(du / square) + v * np.float32(dv / square), 0, 1)
    radius = np.float32(start[2]) + along * np.float32(end[2] - start[2])
    return radius - _norm(u - along * np.float32(du), v - along * np.float32(dv))


def _ellipse(u: Array, v: Array, centre: tuple[float, float], axes: tuple[float, float], angle: float) -> Array:
    """Approximate depth inside an ellipse."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    du, dv = u - np.float32(centre[0]), v - np.float32(centre[1])
    scaled = _norm((cos * du + sin * dv) / np.float32(axes[0]), (cos * dv - sin * du) / np.float32(axes[1]))
    return (1 - scaled) * np.float32(min(axes))


def _nuclei(u: Array, v: Array, z: float) -> list[Array]:
    """Thalamus, head of the caudate and lentiform nucleus (mirrored: ``u`` is the distance from the midline)."""
    low = max(0.0, z - 0.10)
    shapes = [
        ((0.15, 0.10), (0.13 - low, 0.19 - low), 0.35),
        ((0.24, -0.24), (0.075 - 0.2 * low, 0.14 - 0.3 * low), 0.35),
        ((0.43, -0.04), (0.11 - 0.9 * low, 0.23 - 1.2 * low), -0.35),
    ]
    return [_ellipse(u, v, centre, axes, angle) for centre, axes, angle in shapes if min(axes) > 0.02]


def _ventricles(anatomy: Anatomy, x: Array, v: Array, z: float) -> tuple[Array, Array]:
    """Depth inside the ventricles (lateral and third), and inside the choroid plexus."""
    u = np.abs(x)
    left, right = anatomy.ventricles
    scale = np.where(x < 0, np.float32(left), np.float32(right))
    top = max(0.0, z - 0.30) * 0.45
    body, horn = min(0.085, 0.45 * z - 0.03) - top, 0.085 - 0.30 * max(0.0, z - 0.15) - top
    points = [
        (0.24, -0.43, 0.035 - top), (0.13, -0.27, 0.075 - top), (0.13, -0.03, body), (0.19, 0.18, body + 0.01),
        (0.33, 0.36, horn), (0.31, 0.58, horn - 0.05),
    ]  # fmt: skip
    depth = np.full_like(u, -1)
    for start, end in pairwise(points):
        depth = np.maximum(depth, _segment(u, v, start, end))
    depth += (scale - 1) * np.float32(0.07)
    third = _segment(u, v, (0.0, -0.02, 0.022), (0.0, 0.20, 0.030)) - np.float32(max(0.0, z - 0.08))
    plexus = _ellipse(u, v, (0.32, 0.36), (0.04, 0.08), -0.5) - np.float32(max(0.0, z - 0.2))
    return np.maximum(depth, third), plexus


def _draw_spots(
    canvas: Canvas, anatomy: Anatomy, tissue: dict[str, float], x: Array, y: Array, z: float, brain: Array
) -> None:
    """Add what a healthy brain may have and a reader must not call tumour: vessels, small lesions, a cyst."""
    for index, (cx, cy, cz, radius, elongation, angle) in enumerate(anatomy.spots):
        size = radius * np.sqrt(max(0.0, 1 - ((z - cz) / 0.12) ** 2))
        if size > 0:
            shape = _ellipse(x, y, (cx, cy), (size, size * elongation), angle)
            canvas.paint(np.float32(0.85) * canvas.inside(shape, 2) * brain, tissue["vessel" if index % 2 else "spot"])
    if anatomy.cyst[2] > 0:
        shape = _ellipse(x, y, anatomy.cyst[:2], (anatomy.cyst[2], anatomy.cyst[2] * 1.4), 0.0)
        canvas.paint(canvas.inside(shape, 2) * brain, tissue["csf"])


def _draw_tumour(
    canvas: Canvas,
    tumour: Tumour,
    tissue: dict[str, float],
    place: tuple[Array, Array, float],
    brain: Array,
    white: Array,
) -> Array:
    """Oedema along the white matter, then the tumour; gives the fraction of each pixel that is tumour."""
    x, y, z = place
    distance = tumour.distance(x, y, z)
    uneven = tumour.texture(x, y, z)
    if tumour.oedema > 0:
        fade = np.clip((1 + np.float32(tumour.oedema) * (1 + np.float32(0.5) * uneven) - distance) * 3, 0, 1)
        spread = fade * (np.float32(0.15) + np.float32(0.85) * white) * brain
        canvas.paint(np.float32(0.4 + 0.5 * min(1.0, tumour.strength)) * spread, tissue["oedema"])
    softness = 5.0 if tumour.kind == "infiltrating" else 2.0
    cover = canvas.inside((1 - distance) * np.float32(tumour.radius), softness) * brain
    if tumour.kind == "ring":
        canvas.paint(cover, tissue["wm"] + (tissue["rim"] - tissue["wm"]) * tumour.strength)
        hollow = 1 - np.float32(tumour.rim) * (1 + np.float32(0.35) * uneven) - distance
        core = canvas.inside(hollow * np.float32(tumour.radius), 2.5) * brain
        canvas.paint(core, tissue["necrosis"] * (1 + np.float32(0.06) * uneven))
    else:
        target = tissue["solid"] if tumour.kind == "solid" else tissue["dull"]
        mottled = 1 + np.float32(0.04 if tumour.kind == "solid" else 0.09) * uneven
        canvas.paint(cover, (tissue["wm"] + (target - tissue["wm"]) * tumour.strength) * mottled)
    return cover
