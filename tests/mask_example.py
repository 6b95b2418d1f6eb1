"""Small data sets with masks, and small recipes for networks that outline structures."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from laudo.core.recipe import Recipe

SHAPE = (12, 16, 10)


def write_volumes(
    folder: Path, n: int = 12, seed: int = 0, shape: tuple[int, int, int] = SHAPE, slice_mm: float = 1.0
) -> Path:
    """A task of the Decathlon: noise with a bright ball (label 1) and a dark one (label 2)."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"))
    affine = np.diag([-1.0, -1.0, slice_mm, 1.0])
    for number in range(n):
        rng = np.random.default_rng(1000 * seed + number)
        image = rng.normal(100, 8, shape)
        labels = np.zeros(shape, np.uint8)
        for label, level in ((1, 60.0), (2, -60.0)):
            middle = [rng.integers(3, side - 3) for side in shape]
            inside = ((grid - np.reshape(middle, (3, 1, 1, 1))) ** 2).sum(axis=0) <= 7
            image[inside & (labels == 0)] += level
            labels[inside & (labels == 0)] = label
        for kind, array in (("imagesTr", image.astype(np.float32)), ("labelsTr", labels)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, affine), folder / kind / f"case_{number:03d}.nii.gz")
    return folder


def write_pictures(folder: Path, n: int = 18, side: int = 48, seed: int = 0) -> Path:
    """Pictures and masks: class ``disc`` has a bright disc, class ``square`` a bright square."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    lines = ["image,mask,label,patient"]
    rows, columns = np.mgrid[:side, :side]
    for number in range(n):
        rng = np.random.default_rng(1000 * seed + number)
        label = ("disc", "square")[number % 2]
        y, x = rng.integers(12, side - 12, 2)
        inside = (
            (rows - y) ** 2 + (columns - x) ** 2 <= 64
            if label == "disc"
            else (abs(rows - y) <= 8) & (abs(columns - x) <= 8)
        )
        image = rng.normal(70, 8, (side, side)) + inside * 90
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number:03d}.png")
        Image.fromarray((inside * 255).astype(np.uint8)).save(folder / "masks" / f"{number:03d}.png")
        lines.append(f"images/{number:03d}.png,masks/{number:03d}.png,{label},p{number}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


VOLUMES = {
    "name": "small-volumes",
    "data": {"source": "msd", "target": "mask"},
    "split": {"test": 0.25, "validation": 0.25, "folds": 2},
    "prepare": {"volume": {"intensity": "zscore"}},
    "augment": {"volume": {"mirror": (0.5, 0.0, 0.0)}},
    "network": {"backbone": "unet3d", "weights": "none", "filters": (8, 16)},
    "training": {
        "epochs": 2,
        "batch_size": 2,
        "patch": {"size_voxels": (8, 12, 8), "steps": 4},
        "precision": "fp32",
        "learning_rate": 0.01,
        "watch": "dice",
    },
    "evaluation": {"bootstrap": 100, "mirror_axes": (0,)},
}
PICTURES = {
    "name": "small-pictures",
    "data": {"source": "csv", "target": "mask"},
    "split": {"test": 0.25, "validation": 0.25, "folds": 2},
    "prepare": {"height": 32, "width": 32, "colour": "grey"},
    "augment": {"horizontal_flip": 0.5, "rotation_degrees": 10},
    "network": {"backbone": "unet2d", "weights": "none", "filters": (4, 8, 8)},
    "training": {"epochs": 2, "batch_size": 4, "precision": "fp32", "learning_rate": 0.01},
    "evaluation": {"bootstrap": 100},
}


def changed(values: dict, *changes: dict) -> dict:
    """Sections of a recipe laid over each other."""
    made = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for change in changes:
        for key, value in change.items():
            made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


def mask_recipe(values: dict, *changes: dict) -> Recipe:
    return Recipe.model_validate(changed(values, *changes))
