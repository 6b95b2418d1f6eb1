"""Synthetic contrast-enhanced T1 slices with one of three kinds of tumour, as in Cheng's set on figshare.

The kinds differ in where they grow and what they look like: meningiomas from the brain's coverings, bright and even; gliomas
within the brain, ring-shaped or dull; pituitary tumours small, in the middle of the base.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.sources.phantom_anatomy import Anatomy
from laudo.sources.phantom_brain import Scan, draw_anatomy, draw_scan, draw_slices, with_tumour

KINDS: tuple[str, ...] = ("meningioma", "glioma", "pituitary")
BLOCK: tuple[str, ...] = ("meningioma", "glioma", "glioma", "pituitary")
"""Of each four successive patients these have each kind, in random order: about the shares of the public set."""

FOLDS = 5
PER_PATIENT = 4


@dataclass(frozen=True)
class TypedSlice:
    """One synthetic slice with a tumour.

    Attributes:
        image: (H, W) uint8.
        mask: (H, W) uint8, 255 where the tumour is, else 0.
        kind: one of :data:`KINDS`.
        patient: "P0001", "P0002", …
        level: number of the slice within the patient, from 1.
        fold: from 1 to :data:`FOLDS`, the same for all slices of a patient.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    kind: str
    patient: str
    level: int
    fold: int


def typed_slices(n: int, seed: int, size: int = 256) -> Iterator[TypedSlice]:
    """``n`` slices, patient after patient; the k-th patient depends only on ``(seed, k)``.

    Args:
        n: number of slices.
        seed: non-negative.
        size: height and width (pixels), at least 32.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32:
        raise ValueError(f"n={n}, seed={seed}, size={size}: too small")
    for start in range(0, n, PER_PATIENT):
        number = start // PER_PATIENT
        block, place = divmod(number, len(BLOCK))
        kind = str(np.random.default_rng([seed, block, 77]).permutation(list(BLOCK))[place])
        fold = int(np.random.default_rng([seed, number // FOLDS, 78]).permutation(FOLDS)[number % FOLDS]) + 1
        scan, anatomy = _draw_patient(np.random.default_rng([seed, number, 0]), kind)
        drawn = draw_slices(scan, anatomy, min(PER_PATIENT, n - start), (seed, size, PER_PATIENT), number)
        for level, (image, mask) in enumerate(drawn, start=1):
            yield TypedSlice(image, mask, kind, f"P{number + 1:04d}", level, fold)


def border(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Outline of a mask as x1, y1, x2, y2, … around its centre, numbered from 1 as MATLAB does."""
    inside = mask > 0
    y, x = np.nonzero(inside & ~ndimage.binary_erosion(inside))
    order = np.argsort(np.arctan2(y - y.mean(), x - x.mean()), kind="stable")[:: max(1, len(x) // 40)]
    return np.column_stack([x[order], y[order]]).ravel().astype(np.float64) + 1


def _draw_patient(rng: np.random.Generator, kind: str) -> tuple[Scan, Anatomy]:
    scan = draw_scan(rng, PER_PATIENT)
    if kind == "pituitary":
        scan = scan._replace(z=rng.uniform(0.05, 0.10), spacing=min(scan.spacing, 0.03))
    anatomy = replace(draw_anatomy(rng, scan.z), contrast="t1")
    if kind == "glioma":
        look = "ring" if rng.random() < 0.7 else "infiltrating"
        return scan, with_tumour(anatomy, rng, scan.z, look)
    anatomy = with_tumour(anatomy, rng, scan.z, "solid")
    if kind == "pituitary" and anatomy.tumour is not None:
        centre = (rng.normal(0, 0.025), rng.uniform(-0.30, -0.18), scan.z)
        small = replace(anatomy.tumour, centre=centre, radius=rng.uniform(0.10, 0.16), oedema=0.0, push=0.2)
        anatomy = replace(anatomy, tumour=small)
    return scan, anatomy
