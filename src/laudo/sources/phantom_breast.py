"""What a synthetic breast is like to ultrasound: layers, a lesion, how each sends sound back and weakens it.

Lengths are in millimetres: x from the middle of the transducer, y downwards from the skin. Echo is in decibels relative to
fat. The classes differ as the BI-RADS lexicon describes them (margin, orientation, shadow or enhancement, rim), each sign
drawn with noise from one hidden degree of suspicion whose distributions overlap, so that no sign and no sum of signs is
certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import erf, sqrt
from typing import Any, NamedTuple

import numpy as np

from laudo.sources.phantom_anatomy import Array, norm
from laudo.sources.phantom_field import between, ramp, smooth_field

SEPARATION = 2.5
"""Distance of the classes' mean suspicion in standard deviations: at best an area under the ROC curve of 0.96."""


class Tissue(NamedTuple):
    """What the sound meets.

    Attributes:
        echo_db: (H, W) strength of diffuse scattering (decibels relative to fat).
        specular: (H, W) amplitude of smooth interfaces, which reflect coherently (1 = scattering of fat).
        loss_db: (H, W) excess two-way attenuation of all that lies above a pixel (decibels).
        covers: for each lesion the (H, W) part of each pixel that belongs to it.
    """

    echo_db: Array
    specular: Array
    loss_db: Array
    covers: tuple[Array, ...]


@dataclass(frozen=True)
class Lesion:
    """A mass.

    Attributes:
        centre_mm: x and y.
        half_mm: half width and half height.
        tilt: rotation (radians).
        harmonics: (n, 2) amplitude and phase of the outline's terms of order 2, 3, …
        spikes: (n, 3) angle, height and width of pointed corners of the outline.
        softness_mm: width of the margin.
        echo_db: echo inside.
        unevenness_db: standard deviation of the echo inside.
        capsule: amplitude of the thin bright line around it.
        halo_db: echo of the thick bright rim around it.
        loss_db_mm: attenuation in excess of the tissue around it; negative brightens what lies behind.
        edge_db: shadow that the curved sides throw by refraction.
        calcifications: number of bright grains.
    """

    centre_mm: tuple[float, float]
    half_mm: tuple[float, float]
    tilt: float
    harmonics: Array
    spikes: Array
    softness_mm: float
    echo_db: float
    unevenness_db: float
    capsule: float
    halo_db: float
    loss_db_mm: float
    edge_db: float
    calcifications: int


@dataclass(frozen=True)
class Breast:
    """One patient: depths of the layers' lower borders (skin, fat, gland, fat behind it, muscle), echo of each, lesions."""

    borders_mm: tuple[float, float, float, float, float]
    gland_db: float
    strands_db: float
    muscle_db: float
    septa: float
    lesions: tuple[Lesion, ...]


def draw_breast(rng: np.random.Generator, label: str, lesions: int) -> Breast:
    """A patient with this many lesions, all of one class (``label`` is "malignant" or anything else)."""
    skin = rng.uniform(1.4, 2.6)
    fat = skin + rng.uniform(3, 9)
    gland = fat + rng.uniform(7, 15)
    behind = gland + rng.uniform(1.5, 5)
    breast = Breast(
        borders_mm=(skin, fat, gland, behind, behind + rng.uniform(5, 11)),
        gland_db=rng.uniform(3, 9),
        strands_db=rng.uniform(2, 6),
        muscle_db=rng.uniform(-4, 1),
        septa=rng.uniform(0.4, 1.8),
        lesions=(),
    )
    return replace(breast, lesions=tuple(_draw_lesion(rng, label, breast) for _ in range(lesions)))


def _draw_lesion(rng: np.random.Generator, label: str, breast: Breast) -> Lesion:
    suspicion = rng.normal(SEPARATION / 2 if label == "malignant" else -SEPARATION / 2)

    def sign() -> float:
        """How strongly one sign speaks for malignancy, 0 to 1."""
        return 0.5 * (1 + erf((0.75 * suspicion + 0.75 * rng.normal()) / sqrt(2)))

    rough, tall, blurred, rim, shadow, dark, uneven, pointed = (sign() for _ in range(8))
    cyst = suspicion < -0.8 and rng.random() < 0.2
    size = rng.lognormal(np.log(5.2), 0.28) * between(0.93, 1.07, sign())
    aspect = between(1.9, 0.85, tall) * rng.lognormal(0, 0.08)
    orders = np.arange(2, 9)
    amplitudes = rng.normal(0, between(0.05, 0.32, rough) / orders)
    corners = int(rng.integers(4, 11))
    spikes = np.column_stack(
        [
            rng.uniform(-np.pi, np.pi, corners),
            rng.uniform(0.2, 1, corners) * between(-0.25, 0.55, pointed),
            rng.uniform(0.08, 0.25, corners),
        ]
    )
    spikes[:, 1] = np.clip(spikes[:, 1], 0, None)
    depth = between(breast.borders_mm[1], breast.borders_mm[2], rng.uniform(0.15, 0.75))
    return Lesion(
        centre_mm=(rng.normal(0, 4), max(depth, breast.borders_mm[0] + 1.5 + size / sqrt(aspect))),
        half_mm=(size * sqrt(aspect), size / sqrt(aspect)),
        tilt=rng.normal(0, 0.18),
        harmonics=np.column_stack([amplitudes, rng.uniform(0, 2 * np.pi, len(orders))]).astype(np.float32),
        spikes=spikes.astype(np.float32),
        softness_mm=between(0.25, 1.5, blurred),
        echo_db=-32.0 if cyst else between(-7, -14, dark) + rng.normal(0, 1.5),
        unevenness_db=0.3 if cyst else between(0.8, 3.0, uneven),
        capsule=between(3.5, 0, max(blurred, rough, pointed)) * rng.uniform(0.3, 1),
        halo_db=max(0.0, between(-5, 8, rim)),
        loss_db_mm=rng.uniform(-0.9, -0.5) if cyst else between(-0.65, 0.95, shadow),
        edge_db=between(5, 0, rough) * rng.uniform(0, 1),
        calcifications=int(rng.poisson(between(0.2, 5, sign()))),
    )


def another_view(rng: np.random.Generator, breast: Breast, width_mm: float) -> Breast:
    """The same breast with the transducer turned and moved a little."""
    shifts = np.cumsum(rng.normal(0, 0.4, 5))
    borders: Any = tuple(float(max(1.2, depth + shift)) for depth, shift in zip(breast.borders_mm, shifts, strict=True))
    count = len(breast.lesions)
    lesions = []
    for index, lesion in enumerate(breast.lesions):
        cut = rng.uniform(0.8, 1.08)
        wide, high = (half * cut * rng.lognormal(0, 0.06) for half in lesion.half_mm)
        x = lesion.centre_mm[0] + rng.normal(0, 2)
        if count > 1:  # side by side, each in its own part of the picture
            room = width_mm / count
            shrink = min(1.0, 0.36 * room / wide)
            wide, high, x = (
                wide * shrink,
                high * shrink,
                (index + 0.5) * room - width_mm / 2 + rng.normal(0, 0.04 * room),
            )
        limit = max(0.0, width_mm / 2 - 1.15 * wide)
        harmonics, spikes = lesion.harmonics.copy(), lesion.spikes.copy()
        harmonics[:, 1] += rng.normal(0, 0.5, len(harmonics))
        spikes[:, 0] += rng.normal(0, 0.4, len(spikes))
        place = (float(np.clip(x, -limit, limit)), lesion.centre_mm[1] + float(shifts[1]))
        lesions.append(
            replace(
                lesion,
                centre_mm=place,
                half_mm=(wide, high),
                harmonics=harmonics,
                spikes=spikes,
                tilt=lesion.tilt + rng.normal(0, 0.1),
            )
        )
    return replace(breast, borders_mm=borders, lesions=tuple(lesions))


def lay_out(rng: np.random.Generator, breast: Breast, size: int, width_mm: float) -> Tissue:
    """What a square picture of ``size`` pixels and ``width_mm`` shows of the breast."""
    pixel = width_mm / size
    axis = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(pixel)
    x, y = np.meshgrid(axis - np.float32(width_mm / 2), axis)
    shape = x.shape
    echo, specular = _layers(rng, breast, x, y, pixel)
    excess = np.zeros_like(x)
    edges = np.zeros_like(x)
    covers = []
    for lesion in breast.lesions:
        depth, angle, level = _depth(lesion, x, y)
        ragged = smooth_field(rng, shape, (26, 26))
        depth = depth + np.float32(0.4 * lesion.softness_mm) * ragged
        cover = ramp(depth, max(lesion.softness_mm, pixel))
        uneven = smooth_field(rng, shape, (14, 14))
        outside = np.clip(-depth, 0, None)
        rim = np.exp(-((outside / np.float32(1.4)) ** 2)) * (1 - cover)
        echo += rim * np.float32(lesion.halo_db) * (np.float32(0.7) + np.float32(0.3) * uneven)
        if lesion.halo_db > 2 and len(lesion.spikes):  # strands that reach into the tissue
            rays = sum(np.exp(-((_turn(angle - start) / np.float32(0.09)) ** 2)) for start, _, _ in lesion.spikes)
            echo -= np.float32(lesion.halo_db) * rays * np.exp(-outside / np.float32(1.8)) * (1 - cover)
        inside = np.float32(lesion.echo_db) + np.float32(lesion.unevenness_db) * uneven
        echo += (inside - echo) * cover
        for _ in range(lesion.calcifications):
            away, turn = rng.uniform(0, 0.75), rng.uniform(0, 2 * np.pi)
            at_x = lesion.centre_mm[0] + away * lesion.half_mm[0] * np.cos(turn)
            at_y = lesion.centre_mm[1] + away * lesion.half_mm[1] * np.sin(turn)
            grain = np.exp(-((x - np.float32(at_x)) ** 2 + (y - np.float32(at_y)) ** 2) / np.float32(0.06))
            specular += np.float32(4) * grain * cover
        specular *= 1 - np.float32(0.9) * cover
        line = np.exp(-((depth / np.float32(max(0.22, pixel))) ** 2))
        specular += np.float32(lesion.capsule) * line * level**3
        excess += np.float32(lesion.loss_db_mm) * cover
        edges += np.float32(lesion.edge_db) * _edge_shadows(lesion, x, y)
        covers.append(cover)
    loss = np.cumsum(excess, axis=0, dtype=np.float32) * np.float32(pixel) + edges
    return Tissue(echo, specular, loss, tuple(covers))


def _layers(rng: np.random.Generator, breast: Breast, x: Array, y: Array, pixel: float) -> tuple[Array, Array]:
    """Echo and interfaces of the healthy breast."""
    size = x.shape
    waves = [smooth_field(rng, (1, size[1]), (1, cells)) for cells in (1, 4, 3, 3, 2)]
    reach = (0.15, 1.3, 1.8, 1.0, 0.8)
    borders = [
        np.float32(depth) + np.float32(amplitude) * wave
        for depth, amplitude, wave in zip(breast.borders_mm, reach, waves, strict=True)
    ]
    lobes, streaks, fine, broken = (smooth_field(rng, size, cells) for cells in ((9, 6), (52, 7), (40, 20), (12, 10)))
    # layers of fibres are short level stripes; septa are the zero lines of a field, seen here and there
    stripes = np.clip(streaks - np.float32(0.4), 0, None)
    seen = np.clip(broken, 0, 1)
    septa = np.exp(-((lobes / np.float32(0.06)) ** 2)) * seen
    gland = (
        np.float32(breast.gland_db)
        + np.float32(2) * lobes
        + np.float32(breast.strands_db) * (stripes - np.float32(0.2))
    )
    fat = np.float32(1.5) * fine + np.float32(6 * breast.septa) * septa + np.float32(2.5) * stripes
    muscle = np.float32(breast.muscle_db - 3) + np.float32(6) * stripes
    deep = np.float32(-8) + np.float32(2) * fine + np.float32(4) * stripes
    specular = np.zeros_like(x)
    echo = np.full_like(x, 9) + fine
    mix = np.float32(1.2) * smooth_field(rng, (1, size[1]), (1, 12))  # fat and gland interlock
    for border, layer in zip(borders, (fat, gland, fat, muscle, deep), strict=True):
        glandular = layer is gland
        edge = border + mix + np.float32(0.8) * broken if glandular else border
        echo += (layer - echo) * ramp(y - edge, max(2.0 if glandular else 0.4, pixel))
    interfaces = ((np.zeros_like(borders[0]) + np.float32(0.35), 6), (borders[0], 4), (borders[3], 3), (borders[4], 5))
    for border, bright in interfaces:
        strength = np.float32(bright) * np.clip(np.float32(0.6) + np.float32(0.6) * broken, 0.05, None)
        specular = specular + strength * np.exp(-(((y - border) / np.float32(max(0.16, pixel))) ** 2))
    return echo, specular * (y > np.float32(0.2))


def _depth(lesion: Lesion, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Depth below the lesion's surface (mm), the angle around its centre, how level its surface is there (0 to 1)."""
    cos, sin = np.float32(np.cos(lesion.tilt)), np.float32(np.sin(lesion.tilt))
    dx, dy = x - np.float32(lesion.centre_mm[0]), y - np.float32(lesion.centre_mm[1])
    across, along = lesion.half_mm
    u, v = (cos * dx + sin * dy) / np.float32(across), (cos * dy - sin * dx) / np.float32(along)
    angle = np.arctan2(v, u)
    away = norm(u, v)
    outline = np.ones_like(x)
    for order, (amplitude, phase) in enumerate(lesion.harmonics, start=2):
        outline += amplitude * np.cos(np.float32(order) * angle + phase)
    for start, height, width in lesion.spikes:
        if height > 0:
            outline += height * np.exp(-np.abs(_turn(angle - start)) / width)
    depth = (np.maximum(outline, np.float32(0.35)) - away) * np.float32(np.sqrt(across * along))
    return depth, angle, np.abs(v) / np.maximum(away, np.float32(1e-3))


def _turn(angle: Array) -> Array:
    """The same angle between -pi and pi."""
    full = np.float32(2 * np.pi)
    turned: Array = angle - full * np.rint(angle / full)
    return turned


def _edge_shadows(lesion: Lesion, x: Array, y: Array) -> Array:
    """Two narrow dark stripes (0 to -1) below the sides of a smooth round lesion."""
    below = np.clip((y - np.float32(lesion.centre_mm[1])) / np.float32(2), 0, 1)
    left, right = (lesion.centre_mm[0] + side * 0.95 * lesion.half_mm[0] for side in (-1, 1))
    stripes = sum(np.exp(-(((x - np.float32(at)) / np.float32(0.6)) ** 2)) for at in (left, right))
    shadow: Array = stripes * below
    return shadow
