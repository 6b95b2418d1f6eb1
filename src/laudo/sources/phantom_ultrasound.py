"""Synthetic breast ultrasound images with their lesions' masks, several a patient.

Scatterers are complex Gaussian numbers, weighted with the tissue's echo and blurred by a point spread function that is
narrowest at the focus; the magnitude of the result is fully developed speckle (Rayleigh distributed: Goodman, J Opt Soc Am
66:1145, 1976; Wagner et al., IEEE Trans Sonics Ultrason 30:156, 1983). Attenuation, imperfect time-gain compensation,
electronic noise, compounding and log compression follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.sources.phantom_anatomy import Array
from laudo.sources.phantom_breast import Tissue, another_view, draw_breast, lay_out
from laudo.sources.phantom_field import smooth_field

CLASSES: tuple[str, str] = ("benign", "malignant")
NOISE_DB = -38.0
"""Electronic noise below the scattering of fat, before time-gain compensation."""


@dataclass(frozen=True)
class UltrasoundImage:
    """One synthetic image.

    Attributes:
        image: (H, W) uint8.
        masks: (H, W) uint8 each, 255 where the lesion is, else 0; one a lesion, none for "normal".
        label: "benign", "malignant" or "normal".
        patient: "P0001", "P0002", …
        view: number of the image within the patient, from 1.
    """

    image: NDArray[np.uint8]
    masks: tuple[NDArray[np.uint8], ...]
    label: str
    patient: str
    view: int

    @property
    def mask(self) -> NDArray[np.uint8]:
        """(H, W) uint8, union of the masks."""
        union = np.zeros_like(self.image)
        for mask in self.masks:
            union |= mask
        return union


@dataclass(frozen=True)
class Scanner:
    """How a patient was scanned.

    Attributes:
        width_mm: width and depth of the picture.
        focus: depth of the focus as a part of the picture.
        looks: images averaged by compounding.
        range_db: dynamic range that is shown.
        gain_db: level of fat above the darkest that is shown.
        gamma: exponent of the grey scale.
        slope_db: error of the time-gain compensation between top and bottom.
    """

    width_mm: float
    focus: float
    looks: int
    range_db: float
    gain_db: float
    gamma: float
    slope_db: float


def images(
    n: int, seed: int, size: int = 256, per_patient: int = 2, classes: Sequence[str] = CLASSES
) -> Iterator[UltrasoundImage]:
    """``n`` images, patient after patient; the k-th patient depends only on ``(seed, k)``.

    Of each ``len(classes)`` successive patients each has another class.

    Args:
        n: number of images; the last patient may have fewer than the others.
        seed: non-negative.
        size: height and width (pixels), at least 32.
        per_patient: images a patient.
        classes: some of "benign", "malignant", "normal".

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32 or per_patient < 1 or not classes:
        raise ValueError(f"n={n}, seed={seed}, size={size}, per_patient={per_patient}: too small")
    for start in range(0, n, per_patient):
        number = start // per_patient
        block, place = divmod(number, len(classes))
        label = str(np.random.default_rng([seed, block, 77]).permutation(list(classes))[place])
        rng = np.random.default_rng([seed, number, 0])
        scanner = draw_scanner(rng)
        lesions = 0 if label == "normal" else 1 + int(rng.random() < 0.06)
        breast = draw_breast(rng, label, lesions)
        for view in range(min(per_patient, n - start)):
            rng = np.random.default_rng([seed, number, 1 + view])
            tissue = lay_out(rng, another_view(rng, breast, scanner.width_mm), size, scanner.width_mm)
            picture = compress(compound(rng, tissue, scanner), scanner)
            masks = tuple(np.where(cover > 0.5, np.uint8(255), np.uint8(0)) for cover in tissue.covers)
            yield UltrasoundImage(picture, masks, label, f"P{number + 1:04d}", view + 1)


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """A scanner and its settings, whatever the patient has."""
    return Scanner(
        width_mm=rng.uniform(32, 44),
        focus=rng.uniform(0.3, 0.55),
        looks=int(rng.integers(1, 4)),
        range_db=rng.uniform(48, 62),
        gain_db=rng.uniform(19, 26),
        gamma=rng.uniform(0.95, 1.35),
        slope_db=rng.normal(-1, 3),
    )


def envelope(rng: np.random.Generator, tissue: Tissue, scanner: Scanner) -> Array:
    """(H, W) magnitude of the echo of one look; in fat the mean of its square is 1 at the surface."""
    height, width = tissue.echo_db.shape
    pixel = scanner.width_mm / width
    amplitude = np.exp(tissue.echo_db * np.float32(np.log(10) / 20)) * np.float32(np.sqrt(0.5))
    depth = ((np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height))[:, None]
    wide = np.clip(np.abs(depth - np.float32(scanner.focus)) * np.float32(1.8), 0, 1)
    # standard deviations of the pulse's length and the beam's width, at least what a pixel can show
    length, narrow, broad = (max(least, mm / pixel) for least, mm in ((0.45, 0.14), (0.55, 0.26), (0.8, 0.55)))
    parts: list[Array] = []
    for scatterers in rng.standard_normal((2, height, width), np.float32) * amplitude:
        field = scatterers if parts else scatterers + tissue.specular
        field = ndimage.gaussian_filter1d(field, length, axis=0, mode="nearest", truncate=3)
        sharp, blurred = (
            ndimage.gaussian_filter1d(field, sigma, axis=1, mode="nearest", truncate=3) for sigma in (narrow, broad)
        )
        parts.append(sharp + (blurred - sharp) * wide)
    energy = _mixed_energy(narrow, broad, wide) * np.float32(_energy(length))
    lost = ndimage.gaussian_filter1d(tissue.loss_db, 0.7 / pixel, axis=1, mode="nearest", truncate=2.5)
    columns = smooth_field(rng, (1, width), (1, 9)) * np.float32(1.6) * depth  # contact, and tissue above, differ
    strength = np.exp((columns - lost) * np.float32(np.log(10) / 20)) / np.sqrt(energy)
    sigma = 10 ** ((NOISE_DB + 26 * depth) / 20) * np.float32(np.sqrt(0.5))
    noise = rng.standard_normal((2, height, width), np.float32) * sigma.astype(np.float32)
    magnitude: Array = np.hypot(parts[0] * strength + noise[0], parts[1] * strength + noise[1])
    return magnitude


def compound(rng: np.random.Generator, tissue: Tissue, scanner: Scanner) -> Array:
    """(H, W) mean magnitude of several looks, as machines average pictures taken under several angles."""
    total = envelope(rng, tissue, scanner)
    for _ in range(scanner.looks - 1):
        total += envelope(rng, tissue, scanner)
    return total / np.float32(scanner.looks)


def compress(magnitude: Array, scanner: Scanner) -> NDArray[np.uint8]:
    """(H, W) uint8 picture: gain, log compression, grey scale."""
    depth = np.linspace(0, 1, len(magnitude), dtype=np.float32)[:, None]
    level = (
        20 * np.log10(magnitude + np.float32(1e-6)) + np.float32(scanner.gain_db) + np.float32(scanner.slope_db) * depth
    )
    grey = np.clip(level / np.float32(scanner.range_db), 0, 1) ** np.float32(scanner.gamma)
    smooth = ndimage.gaussian_filter(grey, 0.45 * len(grey) / 256)
    pixels: NDArray[np.uint8] = np.clip(np.rint(smooth * 255), 0, 255).astype(np.uint8)
    return pixels


def _kernel(sigma: float, reach: int) -> Array:
    """The taps of scipy's Gaussian filter, with ``reach`` taps on each side."""
    at = np.arange(-reach, reach + 1)
    taps = np.where(np.abs(at) <= int(3 * sigma + 0.5), np.exp(-0.5 * (at / sigma) ** 2), 0)
    kernel: Array = (taps / taps.sum()).astype(np.float32)
    return kernel


def _energy(sigma: float) -> float:
    """What blurring with this kernel leaves of the variance of white noise."""
    return float(np.square(_kernel(sigma, int(3 * sigma + 0.5))).sum())


def _mixed_energy(narrow: float, broad: float, wide: Array) -> Array:
    """The same, row by row, for the mixture of two kernels."""
    reach = int(3 * broad + 0.5)
    first, second = _kernel(narrow, reach), _kernel(broad, reach)
    energy: Array = np.square(first + (second - first) * wide).sum(axis=1, keepdims=True)
    return energy
