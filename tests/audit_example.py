"""Small data sets with exactly one fault, for the tests of the audit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.finding import Finding
from laudo.core.manifest import Manifest
from laudo.sources.hashes import with_hashes

CLASSES = ("a", "b")


def scan(seed: int, height: int = 64, width: int = 64) -> np.ndarray:
    """(H, W) uint8 smooth random picture that fills its frame."""
    noise = np.random.default_rng(seed).normal(size=(height, width))
    smooth = ndimage.gaussian_filter(noise, 4, mode="wrap")
    return np.interp(smooth, (smooth.min(), smooth.max()), (30, 230)).astype(np.uint8)


def head(person: int, depth: float = 0.0, side: int = 160) -> np.ndarray:
    """(H, W) uint8 head: a bright skull, nearly the same in everybody, and within it tissue that is each person's own.

    Args:
        person: number of the person.
        depth: how far the slice lies from the person's first one; 1.6 is another picture altogether.
        side: in pixels.
    """
    first, last = (
        ndimage.gaussian_filter(np.random.default_rng((person, end)).normal(size=(side, side)), 3.0) for end in range(2)
    )
    tissue = np.cos(depth) * first + np.sin(depth) * last
    rows, columns = np.indices((side, side)) - side / 2
    radius = np.hypot(rows / (1.1 + 0.02 * (person % 4)), columns) / side
    picture = np.select([radius < 0.36, radius < 0.41], [90 + 22 * tissue / tissue.std(), 240.0], 0.0)
    return picture.clip(0, 255).astype(np.uint8)


def disc(height: int = 64, width: int = 64, radius: float = 12.0) -> np.ndarray:
    """(H, W) uint8 of 0 and 255."""
    rows, columns = np.indices((height, width))
    inside = np.hypot(rows - height / 2, columns - width / 2) < radius
    return np.where(inside, 255, 0).astype(np.uint8)


def save(array: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def samples(root: Path, n: int = 12, masks: bool = False, **columns: Sequence[object]) -> list[dict[str, object]]:
    """Rows of ``n`` pictures of two classes in turn, written below ``root``."""
    rows: list[dict[str, object]] = []
    for number in range(n):
        row: dict[str, object] = {"sample": f"s{number:03d}", "image": f"images/{number:03d}.png"}
        save(scan(number), root / str(row["image"]))
        if masks:
            row["mask"] = f"masks/{number:03d}.png"
            save(disc(radius=8.0 + number % 5), root / str(row["mask"]))
        rows.append({**row, "label": CLASSES[number % 2], **{name: values[number] for name, values in columns.items()}})
    return rows


def manifest(
    rows: Sequence[dict[str, object]],
    root: Path,
    classes: Sequence[str] = CLASSES,
    channels: Sequence[str] = (),
    mask_labels: dict[int, str] | None = None,
) -> Manifest:
    return Manifest.from_rows(with_hashes(rows, root), root, "test", classes, channels, mask_labels)


def finding(audit: Audit, check: str) -> Finding:
    (one,) = [item for item in audit.findings if item.check == check]
    return one


def audited(rows: Sequence[dict[str, object]], root: Path, **more: object) -> Audit:
    return audit_manifest(manifest(rows, root, **more), "skip")  # type: ignore[arg-type]
