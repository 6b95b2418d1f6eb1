"""Pictures with several findings or none, listed in a table, for the tests of labels that exclude nothing."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from laudo.core.recipe import Recipe
from laudo.core.run import Run
from training_example import draw, save, session_folder, small_recipe, train

FINDINGS = ("bar", "disc", "rim")
SHARES = (0.45, 0.35, 0.25)
NONE = "No Finding"


def draw_findings(seed: int, found: tuple[str, ...], side: int = 40) -> np.ndarray:
    """(side, side) uint8: noise; a dark bar across it, a bright disc, a bright rim, each where it was found."""
    random = np.random.default_rng([seed, 9])
    image = draw(seed, False, side).astype(float)
    y, x = np.mgrid[:side, :side]
    if "disc" in found:
        centre = random.integers(12, side - 12, 2)
        image[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 < 49] += 100
    if "bar" in found:
        row = int(random.integers(6, side - 12))
        image[row : row + 6] -= 90
    if "rim" in found:
        image[:, :4] += 110
        image[:, -4:] += 110
    return image.clip(0, 255).astype(np.uint8)


def write_findings(folder: Path, n: int = 120, seed: int = 0, none: str = NONE) -> Path:
    """``table.csv``: image, label and patient, two images each; labels joined by ``|``, or ``none``."""
    lines = ["image,label,patient"]
    random = np.random.default_rng(seed)
    for number in range(n):
        found = tuple(name for name, share in zip(FINDINGS, SHARES, strict=True) if random.random() < share)
        save(folder / "images" / f"{number:03d}.png", draw_findings(1000 * seed + number, found))
        lines.append(f"images/{number:03d}.png,{'|'.join(found) or none},P{number // 2:03d}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def findings_recipe(*changes: dict) -> Recipe:
    return small_recipe(
        {
            "data": {"source": "csv", "separator": "|", "none_label": NONE},
            "network": {"output": "multilabel"},
            "training": {"epochs": 10, "learning_rate": 0.005, "batch_size": 16},
        },
        *changes,
    )


@functools.cache
def trained_findings() -> tuple[Run, Path]:
    """A run that has learned the findings, and its images. Copy it before changing it."""
    data = write_findings(session_folder() / "findings")
    return train(findings_recipe(), data, session_folder() / "findings-run"), data
