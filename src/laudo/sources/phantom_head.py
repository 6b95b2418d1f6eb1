"""Drawing of one axial slice of a head: implicit shapes with soft edges, painted one over the other.

Coordinates and lengths are as in :mod:`laudo.sources.phantom_anatomy`.
"""

from __future__ import annotations

from copy import copy
from itertools import pairwise

import numpy as np

from laudo.sources.phantom_anatomy import CONTRASTS, Anatomy, Array, Tumour, norm

SYLVIAN_TOP = 0.32
"""Height above which the Sylvian fissure is not seen."""


class Canvas:
    """An image under construction: shapes are given as depth (positive inside) and blended in with a soft edge."""

    def __init__(self, size: int, margin: int) -> None:
        axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / size) - np.float32(1)
        across = axis[margin : size - margin]  # the head is narrow: the air beside it need not be computed
        self.y, self.x = (np.ascontiguousarray(grid) for grid in np.meshgrid(axis, across, indexing="ij"))
        self.image = np.zeros_like(self.x)
        self.edge = np.float32(size / 3)  # a ramp of 1.5 fine pixels

    def window(self, across: float, along: float) -> tuple[slice, slice]:
        """Rows and columns of the middle, where abs(x) < ``across`` and abs(y) < ``along``."""
        rows, columns = np.flatnonzero(np.abs(self.y[:, 0]) < along), np.flatnonzero(np.abs(self.x[0]) < across)
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)

    def part(self, window: tuple[slice, slice]) -> Canvas:
        """Give a canvas that paints into this one."""
        part = copy(self)
        part.x, part.y, part.image = self.x[window], self.y[window], self.image[window]
        return part

    def inside(self, depth: Array, softness: float = 1.0) -> Array:
        """(H, W) fraction of each pixel that a shape covers."""
        cover: Array = np.clip(depth * (self.edge / np.float32(softness)) + np.float32(0.5), 0, 1)
        return cover

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
    inner: Array = depth - scalp - skull
    canvas.paint(canvas.inside(inner), tissue["csf"])
    return inner


def _head_depth(anatomy: Anatomy, x: Array, y: Array, z: float) -> Array:
    """Depth below the skin: an egg-shaped ellipse that narrows towards the vertex."""
    narrow = np.float32(np.sqrt(1 - (0.75 * z) ** 2))
    width = x / (np.float32(anatomy.axes[0]) * narrow * (1 + np.float32(anatomy.egg) * y))
    length = y / (np.float32(anatomy.axes[1]) * narrow)
    scaled = norm(width, length)
    return (1 - scaled) * norm(x, y) / np.maximum(scaled, np.float32(1e-3))


def _draw_brain(
    canvas: Canvas, anatomy: Anatomy, tissue: dict[str, float], place: tuple[Array, Array, Array], z: float
) -> Array:
    """Cortex, white matter, ventricles, nuclei and falx; gives the fraction of each pixel that is white matter."""
    x, y, inner = place
    width = anatomy.axes[0] - anatomy.scalp - anatomy.skull
    length = anatomy.axes[1] - anatomy.scalp - anatomy.skull
    surface = inner - np.float32(anatomy.gap)
    u, v = np.abs(x) / np.float32(width), y / np.float32(length)
    ribbon = _sulcal_distance(anatomy, (x, y, surface), z)
    ribbon = np.minimum(ribbon, (u + np.maximum(-_falx_reach(v, z), 0) - np.float32(0.008)) * np.float32(width))
    if z < SYLVIAN_TOP:
        wavy = anatomy.warp[0](np.float32(2.5) * x, np.float32(2.5) * y, z) * np.float32(0.03)
        ribbon = np.minimum(ribbon, _sylvian_distance(u + wavy, v, z) * np.float32(width))
    near = np.exp(-40 * np.clip(surface, -0.02, 1)) + np.exp(-40 * ribbon)
    depth = -np.log(near) / 40  # smooth minimum: sulci open where they meet the surface
    cortex = canvas.inside(depth - np.float32(anatomy.sulcus)) * canvas.inside(surface)
    white = canvas.inside(depth - np.float32(anatomy.sulcus + anatomy.cortex)) * cortex
    unevenness = 1 + np.float32(0.025) * anatomy.detail(3 * x, 3 * y, z)
    canvas.paint(cortex, tissue["gm"] * unevenness)
    canvas.paint(white, tissue["wm"] * unevenness)
    centre = canvas.window(0.45, 0.62)
    deep = canvas.part(centre)
    nuclei = np.zeros_like(deep.image)
    for shape in _nuclei(u[centre], v[centre], z):
        nuclei = np.maximum(nuclei, deep.inside(shape * np.float32(width), 3) * cortex[centre])
    deep.paint(nuclei, tissue["deep"] * unevenness[centre])
    ventricle, plexus = _ventricles(anatomy, x[centre] / np.float32(width), v[centre], z)
    fluid = deep.inside(ventricle * np.float32(width), 1.5)
    deep.paint(fluid, tissue["csf"])
    deep.paint(deep.inside(plexus * np.float32(width), 2) * fluid, tissue["plexus"])
    white[centre] *= (1 - nuclei) * (1 - fluid)
    falx = np.minimum(np.float32(0.010) - u, _falx_reach(v, z))
    canvas.paint(np.float32(0.75) * canvas.inside(falx * np.float32(width)) * canvas.inside(inner), tissue["dura"])
    sinus = np.float32(0.045) - norm(u * np.float32(0.8), v - np.float32(0.975 * np.sqrt(1 - (0.75 * z) ** 2)))
    canvas.paint(canvas.inside(sinus * np.float32(width), 1.5), tissue["vessel"])
    return white


def _sulcal_distance(anatomy: Anatomy, place: tuple[Array, Array, Array], z: float) -> Array:
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
    distance: Array = np.abs(field) / (norm(slope_x, slope_y) + np.float32(2))
    reach = np.maximum(np.float32(0.15) + np.float32(0.05) * anatomy.detail(y, x, z + 0.5), np.float32(0.08))
    distance += np.maximum(surface - reach, 0) * np.float32(1.2)
    return distance


def _sylvian_distance(u: Array, v: Array, z: float) -> Array:
    """Distance to the Sylvian fissure, in half brain widths; it closes towards :data:`SYLVIAN_TOP`."""
    points = [(1.02, -0.28, 0.0), (0.78, -0.20, 0.0), (0.67, -0.08, 0.0), (0.64, 0.05, 0.0), (0.69, 0.17, 0.0)]
    inside = np.full_like(u, -1)
    for start, end in pairwise(points):
        inside = np.maximum(inside, segment(u, v, start, end))
    return np.float32(max(0.0, z - 0.18) * 1.5 - 0.012) - inside


def _falx_reach(v: Array, z: float) -> Array:
    """Positive where the hemispheres are apart: before the genu, behind the splenium, everywhere above the callosum."""
    opening = max(0.0, z - 0.40) * 5
    reach: Array = np.maximum(-v - np.float32(0.52 - opening), v - np.float32(0.42 - opening))
    return reach


def segment(u: Array, v: Array, start: tuple[float, float, float], end: tuple[float, float, float]) -> Array:
    """Depth inside a tapered capsule; each end is (u, v, radius)."""
    du, dv = end[0] - start[0], end[1] - start[1]
    u, v = u - np.float32(start[0]), v - np.float32(start[1])
    square = du * du + dv * dv
    along = np.clip(u * np.float32(du / square) + v * np.float32(dv / square), 0, 1)
    radius = np.float32(start[2]) + along * np.float32(end[2] - start[2])
    return radius - norm(u - along * np.float32(du), v - along * np.float32(dv))


def ellipse(u: Array, v: Array, centre: tuple[float, float], axes: tuple[float, float], angle: float) -> Array:
    """Approximate depth inside an ellipse."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    du, dv = u - np.float32(centre[0]), v - np.float32(centre[1])
    scaled = norm((cos * du + sin * dv) / np.float32(axes[0]), (cos * dv - sin * du) / np.float32(axes[1]))
    return (1 - scaled) * np.float32(min(axes))


def _nuclei(u: Array, v: Array, z: float) -> list[Array]:
    """Thalamus, head of the caudate and lentiform nucleus (mirrored: ``u`` is the distance from the midline)."""
    low = max(0.0, z - 0.10)
    shapes = [
        ((0.15, 0.10), (0.13 - low, 0.19 - low), 0.35),
        ((0.24, -0.24), (0.075 - 0.2 * low, 0.14 - 0.3 * low), 0.35),
        ((0.43, -0.04), (0.11 - 0.9 * low, 0.23 - 1.2 * low), -0.35),
    ]
    return [ellipse(u, v, centre, axes, angle) for centre, axes, angle in shapes if min(axes) > 0.02]


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
        depth = np.maximum(depth, segment(u, v, start, end))
    depth += (scale - 1) * np.float32(0.07)
    third = segment(u, v, (0.0, -0.02, 0.022), (0.0, 0.20, 0.030)) - np.float32(max(0.0, z - 0.08))
    plexus = ellipse(u, v, (0.32, 0.36), (0.04, 0.08), -0.5) - np.float32(max(0.0, z - 0.2))
    return np.maximum(depth, third), plexus


def _draw_spots(
    canvas: Canvas, anatomy: Anatomy, tissue: dict[str, float], x: Array, y: Array, z: float, brain: Array
) -> None:
    """Add what a healthy brain may have and a reader must not call tumour: vessels, small lesions, a cyst."""
    for index, (cx, cy, cz, radius, elongation, angle) in enumerate(anatomy.spots):
        size = radius * np.sqrt(max(0.0, 1 - ((z - cz) / 0.12) ** 2))
        if size > 0:
            shape = ellipse(x, y, (cx, cy), (size, size * elongation), angle)
            canvas.paint(np.float32(0.85) * canvas.inside(shape, 2) * brain, tissue["vessel" if index % 2 else "spot"])
    if anatomy.cyst[2] > 0:
        shape = ellipse(x, y, anatomy.cyst[:2], (anatomy.cyst[2], anatomy.cyst[2] * 1.4), 0.0)
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
