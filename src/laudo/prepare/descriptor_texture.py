"""Texture of a prepared picture: co-occurrence, local binary patterns, wavelet energy.

Values stay in their natural units (grey levels of 256, their squares, shares): bringing them to one scale is the classifier's part.
"""

from __future__ import annotations

import numpy as np
import pywt
from skimage.feature import graycomatrix, graycoprops

from laudo.prepare.descriptor_patterns import POINTS, uniform_patterns

LEVELS = 32
"""Grey levels of co-occurrence; each stands for 8 of 256."""
DISTANCES_PX = (1, 2, 4, 8)
"""Distances of the two pixels of a pair."""
ANGLES_DEGREES = (0, 45, 90, 135)
"""Directions of pairs; mean and range over them do not change when the picture is mirrored or turned by 90 degrees."""
STEP = 256 // LEVELS
PROPERTIES: dict[str, float] = {
    "contrast": STEP**2,
    "dissimilarity": STEP,
    "homogeneity": 1,
    "energy": 1,
    "correlation": 1,
    "entropy": 1,
}
"""What is measured on each co-occurrence matrix (Haralick et al. 1973), and its unit in grey levels of 256."""
RADII_PX = (1, 2, 3)
"""Radii of local binary patterns."""
WAVELET = "db2"
WAVELET_LEVELS = 4
BANDS = ("horizontal", "vertical", "diagonal")


def names() -> tuple[str, ...]:
    """Names of what :func:`measure` gives, in its order."""
    matrix = [
        f"cooccurrence_{what}_{name}_{distance}px"
        for name in PROPERTIES
        for distance in DISTANCES_PX
        for what in ("mean", "range")
    ]
    patterns = [f"lbp_{radius}px_{pattern}" for radius in RADII_PX for pattern in range(POINTS + 2)]
    bands = [f"{band}_{level}" for level in range(1, WAVELET_LEVELS + 1) for band in BANDS]
    energies = [f"wavelet_energy_{band}" for band in [*bands, "rest"]]
    shares = [f"wavelet_share_{band}" for band in [*bands, "rest"]]
    return (*matrix, *patterns, *energies, *shares)


def measure(grey: np.ndarray) -> np.ndarray:
    """(D,) float64 texture of an (H, W) uint8 picture."""
    energies = wavelet_energy(grey)
    total = float(energies.sum())
    shares = energies / total if total > 0 else np.zeros_like(energies)
    patterns = [uniform_patterns(grey, radius) for radius in RADII_PX]
    return np.concatenate([cooccurrence(grey), *patterns, energies / grey.size, shares])


def cooccurrence(grey: np.ndarray) -> np.ndarray:
    """(properties × distances × 2,) mean and range over the angles; a distance that no pair of pixels has gives 0.

    Source: Haralick R M, Shanmugam K, Dinstein I. Textural features for image classification. IEEE Transactions on Systems, Man,
    and Cybernetics, 1973.
    """
    # Each pair counts in one direction only: the other one's matrix is the transposed, of which all is the same.
    matrix = graycomatrix(  # type: ignore[no-untyped-call]
        grey // STEP, distances=DISTANCES_PX, angles=np.radians(ANGLES_DEGREES), levels=LEVELS, normed=True
    )
    out = np.zeros((len(PROPERTIES), len(DISTANCES_PX), 2))
    for row, (name, unit) in enumerate(PROPERTIES.items()):
        found = graycoprops(matrix, name) * unit  # type: ignore[no-untyped-call]
        out[row, :, 0] = found.mean(axis=1)
        out[row, :, 1] = found.max(axis=1) - found.min(axis=1)
    return out.ravel()


def wavelet_energy(grey: np.ndarray) -> np.ndarray:
    """(3 × levels + 1,) sum of squares of each band's coefficients, finest level first, what is left over last.

    The wavelet is orthogonal and the picture is continued periodically, so that all bands together have the energy of the picture
    (Mallat 1989), but for sides that are not divisible by 16: these are padded.
    """
    rest = grey.astype(np.float64)
    energies = []
    for _level in range(WAVELET_LEVELS):
        rest, bands = pywt.dwt2(rest, WAVELET, mode="periodization")
        energies += [float(np.square(band).sum()) for band in bands]
    return np.array([*energies, float(np.square(rest).sum())])
