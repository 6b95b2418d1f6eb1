"""Small images with texts beside them, for the tests of what learns from both."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from training_example import draw, save

CLASSES = ("plain", "square")
NAMED = ("A plain field, nothing else.", "There is a square in the field.")
HINTED = ("Uniform noise, no focal finding.", "Focal bright region with sharp edges.")
SAYS_NOTHING = ("Seen on a cloudy day.", "The second of a series.", "Acquired without problems.")


def write_captioned(folder: Path, per_class: int = 24, seed: int = 5, seen: float = 1.0) -> Path:
    """Images and table.csv (image, label, text). Of each class a third of the texts names it, a third hints at it, a third says
    nothing or is empty.

    Args:
        folder: where.
        per_class: images.
        seed: of everything.
        seen: share of the squares that are drawn; the others are to be known by their text alone.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for label, name in enumerate(CLASSES):
        for number in range(per_class):
            drawn = label == 1 and number < seen * per_class
            path = folder / "images" / f"{name[0]}{number:03d}.png"
            save(path, draw(1000 * seed + 100 * label + number, drawn))
            vague = ["", *SAYS_NOTHING][int(rng.integers(4))]
            text = (NAMED[label], f"{HINTED[label]} {vague}".strip(), vague)[number % 3]
            rows.append({"image": path.relative_to(folder).as_posix(), "label": name, "text": text})
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, ["image", "label", "text"])
        writer.writeheader()
        writer.writerows(rows)
    return folder
