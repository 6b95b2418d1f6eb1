"""Synthetic brain MRI slices with and without a tumour: for the demonstration and the tests, without download.

They look like anatomy and behave like a small data set (patients, several alike slices each, healthy look-alikes of a
tumour), but nothing learned from them says anything about a real image.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from laudo.core.atomic import write_bytes, write_text
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import track
from laudo.sources.hashes import with_hashes
from laudo.sources.phantom_anatomy import Anatomy, Array, Tumour, Waves
from laudo.sources.phantom_head import draw
from laudo.sources.source import Source

CLASSES: tuple[str, str] = ("no", "yes")
README = """Synthetic images
================
Every image in this folder was computed by `laudo` from geometric shapes and random numbers.
No person was scanned. The images serve to try the program and to test it; a model trained on them
knows nothing about real images, and its scores say nothing about any clinical question.

yes/, no/     slices with and without a tumour: <patient>-<slice>.png
masks/        the tumour of each slice in yes/ (255 = tumour)
patients.csv  image, patient, label
"""


@dataclass(frozen=True)
class PhantomSlice:
    """One synthetic slice.

    Attributes:
        image: (H, W) uint8.
        mask: (H, W) uint8, 255 where there is tumour, else 0.
        label: "yes" (tumour) or "no".
        patient: "P0001", "P0002", …
        level: number of the slice within the patient, from 1, downwards to upwards.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    label: str
    patient: str
    level: int


class Scan(NamedTuple):
    """How a patient was scanned: middle level, distance of slices, Rician sigma, blur (pixels), gain, bias field."""

    z: float
    spacing: float
    noise: float
    blur: float
    gain: float
    bias: Array


def slices(n: int, seed: int, size: int = 128, per_patient: int = 4) -> Iterator[PhantomSlice]:
    """``n`` slices, patient after patient; the k-th patient depends only on ``(seed, k)``.

    Of each two successive patients one has a tumour, and it is visible in each of that patient's slices.

    Args:
        n: number of slices; the last patient may have fewer than the others.
        seed: non-negative.
        size: height and width of the images (pixels), at least 32.
        per_patient: slices a patient.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32 or per_patient < 1:
        raise ValueError(f"n={n}, seed={seed}, size={size}, per_patient={per_patient}: too small")
    for start in range(0, n, per_patient):
        number = start // per_patient
        yield from _patient_slices(number, min(per_patient, n - start), (seed, size, per_patient))


def write(folder: Path, n: int, seed: int = 0, size: int = 128) -> None:
    """Write ``n`` slices as PNG: ``yes/``, ``no/``, ``masks/`` (of yes only), ``patients.csv`` and a README.

    Raises:
        OSError: the folder can not be written.
    """
    rows: list[tuple[str, str, str]] = []
    for item in track(slices(n, seed, size), _("Making synthetic images"), total=n):
        name = f"{item.patient}-{item.level}.png"
        write_bytes(folder / item.label / name, png(item.image))
        if item.label == "yes":
            write_bytes(folder / "masks" / name, png(item.mask))
        rows.append((f"{item.label}/{name}", item.patient, item.label))
    table = io.StringIO(newline="")
    csv.writer(table, lineterminator="\n").writerows([("image", "patient", "label"), *rows])
    write_text(folder / "patients.csv", table.getvalue())
    write_text(folder / "README.txt", README)


def to_manifest(root: Path) -> Manifest:
    """Manifest of a folder that :func:`write` wrote.

    Raises:
        DataError: ``patients.csv`` is missing or not as :func:`write` makes it, or it names an image that is not there.
    """
    listing = root / "patients.csv"
    rows: list[dict[str, object]] = []
    try:
        with listing.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                image = root / row["image"]
                mask = f"masks/{image.name}" if row["label"] == "yes" else ""
                if not image.is_file():
                    raise FileNotFoundError(2, "no such file", str(image))
                rows.append({"sample": row["image"], "image": row["image"], "mask": mask, "label": row["label"],
                             "patient": row["patient"]})  # fmt: skip
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(
            _("The synthetic images can not be read."),
            file=getattr(error, "filename", None) or listing,
            expected=_("a folder with yes/, no/, masks/ and patients.csv (columns image, patient, label)"),
            found=f"{type(error).__name__}: {error}",
            cure=_("Delete the folder and make it again."),
        ) from error
    return Manifest.from_rows(with_hashes(rows, root), root, "phantom-brain", CLASSES)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG file of (H, W) or (H, W, 3) pixels."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def _patient_slices(number: int, count: int, setting: tuple[int, int, int]) -> Iterator[PhantomSlice]:
    """Make the first ``count`` slices of one patient; ``setting`` is (seed, size, slices a patient)."""
    seed, _size, per_patient = setting
    scan, anatomy = _draw_patient(seed, number, per_patient)
    for level, (image, mask) in enumerate(draw_slices(scan, anatomy, count, setting, number), start=1):
        label = CLASSES[anatomy.tumour is not None]
        yield PhantomSlice(image, mask, label, f"P{number + 1:04d}", level)


def draw_slices(
    scan: Scan, anatomy: Anatomy, count: int, setting: tuple[int, int, int], number: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Image and mask of the first ``count`` slices, downwards to upwards; ``setting`` is (seed, size, slices a patient)."""
    seed, size, per_patient = setting
    for level in range(count):
        z = scan.z + (level - (per_patient - 1) / 2) * scan.spacing
        clean, cover = draw(anatomy, z, 2 * size)
        noise = np.random.default_rng([seed, number, 1 + level])
        mask = np.where(halved(cover) > 0.5, np.uint8(255), np.uint8(0))
        yield scanned(halved(clean), scan, noise), mask


def halved(fine: Array) -> Array:
    """Mean of each 2 × 2 pixels: the drawing is made twice as fine as the image."""
    height, width = fine.shape
    coarse: Array = fine.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3), dtype=np.float32)
    return coarse


def scanned(clean: Array, scan: Scan, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Bias field, blur, Rician noise, and quantisation.

    The bias field is the exponential of a polynomial of degree 3 in the coordinates, as in simulations of coil
    inhomogeneity; noise of the magnitude image is Rician (Gudbjartsson & Patz, Magn Reson Med 34:910, 1995).
    """
    axis = np.linspace(-1, 1, len(clean), dtype=np.float32)
    field = np.exp(np.polynomial.polynomial.polygrid2d(axis, axis, scan.bias)).astype(np.float32)
    signal = ndimage.gaussian_filter(clean, scan.blur) * field * np.float32(scan.gain)
    real, imaginary = rng.standard_normal((2, *clean.shape), np.float32) * np.float32(scan.noise)
    magnitude = np.hypot(signal + real, imaginary)
    pixels: NDArray[np.uint8] = np.clip(np.rint(magnitude * 220), 0, 255).astype(np.uint8)
    return pixels


def _draw_patient(seed: int, number: int, per_patient: int) -> tuple[Scan, Anatomy]:
    """Choose how a patient looks and is scanned; with and without tumour everything else is drawn in the same way."""
    rng = np.random.default_rng([seed, number, 0])
    scan = draw_scan(rng, per_patient)
    anatomy = draw_anatomy(rng, scan.z)
    # One of each pair of patients has the tumour, so that small sets are balanced too.
    first_has_it = np.random.default_rng([seed, number // 2]).random() < 0.5
    if first_has_it == (number % 2 == 0):
        anatomy = with_tumour(anatomy, rng, scan.z)
    return scan, anatomy


def draw_scan(rng: np.random.Generator, per_patient: int) -> Scan:
    """Choose how a patient is scanned."""
    bias = np.zeros((4, 4), np.float32)
    for i, j in [(1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 1), (1, 2), (3, 0), (0, 3)]:
        bias[i, j] = rng.normal(0, 0.13 / (i + j))
    spacing = min(rng.uniform(0.028, 0.042), 0.12 / max(1, per_patient - 1))
    noise, blur, gain = rng.uniform(0.012, 0.035), rng.uniform(0.35, 0.65), rng.uniform(0.82, 1.12)
    return Scan(rng.uniform(0.06, 0.50), spacing, noise, blur, gain, bias)


def draw_anatomy(rng: np.random.Generator, z: float) -> Anatomy:
    """Choose how a healthy head looks around the level ``z``."""
    folds = np.column_stack(
        [rng.integers(9, 19, 6), rng.uniform(0, 2 * np.pi, 6), rng.uniform(-7, 7, 6), rng.uniform(-9, 9, 6)]
    ).astype(np.float32)
    count = int(rng.integers(0, 7))
    around, along = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.25, 0.55, count)
    spots = np.column_stack(
        [
            along * np.cos(around) * 0.9, along * np.sin(around) * 1.1, rng.uniform(z - 0.1, z + 0.1, count),
            rng.uniform(0.012, 0.030, count), rng.uniform(1, 3.5, count), rng.uniform(0, np.pi, count),
        ]
    ).astype(np.float32)  # fmt: skip
    width = rng.uniform(0.71, 0.79)
    size = rng.lognormal(0, 0.35)
    side = rng.choice([-1, 1])
    has_cyst = rng.random() < 0.08
    return Anatomy(
        contrast=str(rng.choice(["t1", "t2", "flair"], p=[0.45, 0.15, 0.40])),
        axes=(width, min(0.95, width * rng.uniform(1.13, 1.25))),
        tilt=rng.normal(0, 0.07),
        shift=(rng.normal(0, 0.015), rng.normal(0, 0.01)),
        egg=rng.uniform(0.05, 0.14),
        scalp=rng.uniform(0.05, 0.085),
        skull=rng.uniform(0.055, 0.085),
        gap=rng.uniform(0.006, 0.022),
        sulcus=rng.uniform(0.004, 0.012),
        cortex=rng.uniform(0.030, 0.042),
        ventricles=(size * rng.lognormal(0, 0.15), size * rng.lognormal(0, 0.15)),
        folds=folds,
        warp=(Waves.draw(rng, 4, 3, 7), Waves.draw(rng, 4, 3, 7)),
        detail=Waves.draw(rng, 6, 5, 10),
        spots=spots,
        cyst=(side * width * 0.70, rng.uniform(-0.35, 0.35), rng.uniform(0.06, 0.12) if has_cyst else 0.0),
        tumour=None,
    )


def with_tumour(anatomy: Anatomy, rng: np.random.Generator, z: float, kind: str | None = None) -> Anatomy:
    """Add a tumour whose section is large at every level of the scan."""
    kind = kind or str(rng.choice(["ring", "solid", "infiltrating"], p=[0.5, 0.3, 0.2]))
    radius = rng.uniform(0.15, 0.26)
    wide = anatomy.axes[0] - anatomy.scalp - anatomy.skull
    long = anatomy.axes[1] - anatomy.scalp - anatomy.skull
    angle = rng.uniform(0, 2 * np.pi)
    # A solid tumour grows from the coverings of the brain, the others within it.
    out = rng.uniform(0.75, 0.85) if kind == "solid" else rng.uniform(0.40, 0.68)
    out *= float(np.sqrt(1 - (0.75 * z) ** 2))
    orders = np.arange(2, 7)
    rough = {"ring": 0.16, "solid": 0.06, "infiltrating": 0.22}[kind]
    harmonics = np.column_stack([rng.normal(0, rough / orders), rng.uniform(0, 2 * np.pi, 5), rng.normal(0, 4, 5)])
    tumour = Tumour(
        kind=kind,
        centre=(out * wide * np.cos(angle), out * long * np.sin(angle), z + rng.uniform(-0.02, 0.02)),
        radius=radius,
        harmonics=harmonics.astype(np.float32),
        strength=rng.uniform(0.8, 1.15),
        oedema={"ring": rng.uniform(0.3, 0.9), "solid": rng.uniform(0, 0.4), "infiltrating": 0.0}[kind],
        rim=rng.uniform(0.2, 0.4),
        push=rng.uniform(0.15, 0.45),
        texture=Waves.draw(rng, 7, 12, 30),
    )
    return Anatomy(**{**vars(anatomy), "tumour": tumour})


SOURCE = Source(
    name="phantom-brain",
    folder="phantom_brain",
    what=N_("Synthetic brain MRI slices with and without tumour, for trying laudo without any data"),
    size="any",
    licence=N_("none needed: nobody was scanned"),
    citation="",
    where="laudo data make phantom-brain DIR -n N",
    layout="ROOT/yes/*.png, ROOT/no/*.png, ROOT/masks/*.png, ROOT/patients.csv",
    # class folders of one's own may have a table of patients beside them too
    fits=lambda root: (root / "patients.csv").is_file() and (root / "masks").is_dir() and (root / "yes").is_dir(),
    list_samples=to_manifest,
)
