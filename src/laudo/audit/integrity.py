"""Checks of single images: can they be read, and are they what they seem to be."""

from __future__ import annotations

import numpy as np

from laudo.audit.finding import Finding
from laudo.audit.seen import Seen

SMALLEST_SIDE = 32
"""Images below this many pixels on a side hold too little for a network."""
MAGNITUDES = 100.0
"""Ratio of the largest to the smallest typical maximum from which intensities differ by orders of magnitude."""


def readable(seen: Seen) -> Finding:
    """Every file gives an image."""
    broken = [row for row, image in enumerate(seen.images) if image.error]
    return seen.about("readable", "fail", broken)


def modalities(seen: Seen) -> Finding | None:
    """Every sample has all of its modalities."""
    channels = seen.manifest.channels
    if len(channels) < 2:
        return None
    gaps: dict[str, int] = {}
    short = []
    for row, image in enumerate(seen.images):
        paths = seen.manifest.table["image"].iloc[row].split("|")
        absent = {number for number in range(len(channels)) if number >= len(paths) or not paths[number]}
        absent |= {number for number in image.absent if number < len(channels)}
        if absent:
            short.append(row)
        for number in absent:
            gaps[channels[number]] = gaps.get(channels[number], 0) + 1
    return seen.about("modalities", "fail", short, counts=gaps)


def looks_like_mask(seen: Seen) -> Finding:
    """No image has only two levels."""
    return seen.about("looks_like_mask", "fail", seen.where(lambda image: image.looks_like_mask))


def constant(seen: Seen) -> Finding:
    """No image is of a single value."""
    return seen.about("constant", "fail", seen.where(lambda image: image.levels < 2))


def near_uniform(seen: Seen) -> Finding:
    """Every image has contrast."""
    flat = seen.where(lambda image: image.levels >= 2 and any(channel.uniform for channel in image.channels))
    return seen.about("near_uniform", "warn", flat)


def too_small(seen: Seen) -> Finding | None:
    """No picture is smaller than :data:`SMALLEST_SIDE`; volumes of small organs are as large as they are."""
    if not seen.where(lambda image: len(image.size) == 2):
        return None
    small = seen.where(lambda image: len(image.size) == 2 and min(image.size) < SMALLEST_SIDE)
    return seen.about("too_small", "warn", small, side_px=SMALLEST_SIDE)


def ending(seen: Seen) -> Finding:
    """Every ending tells the truth."""
    return seen.about("ending", "warn", seen.where(lambda image: "ending" in image.notes))


def alpha(seen: Seen) -> Finding:
    """No image has a transparency channel."""
    return seen.about("alpha", "warn", seen.where(lambda image: "alpha" in image.notes))


def intensity_range(seen: Seen) -> Finding | None:
    """Images are of one scale of intensities: a network scaled for one would see nothing in the other."""
    rows = seen.where(lambda image: image.levels >= 2)
    peaks = np.array([max(channel.typical_high for channel in seen.images[row].channels) for row in rows])
    if len(rows) < 2 or not (peaks > 0).all():
        return None
    ratio = float(peaks.max() / peaks.min())
    facts = {"lowest": float(peaks.min()), "highest": float(peaks.max()), "ratio": ratio, "magnitudes": MAGNITUDES}
    if ratio < MAGNITUDES:
        return Finding("intensity_range", "pass", facts=facts)
    middle = float(np.exp(np.median(np.log(peaks))))
    far = [row for row, peak in zip(rows, peaks, strict=True) if max(peak / middle, middle / peak) >= MAGNITUDES**0.5]
    ends = far or [rows[int(peaks.argmin())], rows[int(peaks.argmax())]]
    return Finding("intensity_range", "warn", len(ends), seen.names(ends), facts)
