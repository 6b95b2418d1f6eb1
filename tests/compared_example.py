"""Runs that outlined two structures in small volumes, made by hand: what a comparison reads, without a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.core.structures import Structures
from laudo.evaluate.mask_scoring import score_masks
from laudo.predict.mask_files import save_label_map

SHAPE = (18, 16, 12)
STRUCTURES = Structures(("anterior", "posterior"), ((1,), (2,)))


def volumes(root: Path, n: int = 12, group_size: int = 1) -> Manifest:
    """A data set: ``n`` ellipsoids of two halves, each with its mask; the last two are of the test part too."""
    root.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(n):
        mask = truth(number)
        image = mask * 60.0 + np.random.default_rng(number).normal(100, 10, SHAPE)
        for name, array in (("image", image.astype(np.float32)), ("mask", mask)):
            nib.save(nib.Nifti1Image(array, np.diag([1.0, 1.5, 2.0, 1.0])), root / f"{name}-{number:02d}.nii.gz")
        rows.append(
            {
                "sample": f"case-{number:02d}",
                "image": f"image-{number:02d}.nii.gz",
                "mask": f"mask-{number:02d}.nii.gz",
                "patient": f"p{number // group_size}",
                "group": f"g{number // group_size}",
                "split": "test",
                "sha256": f"{number:064x}",
                "mask_sha256": f"{number + 100:064x}",
            }
        )
    return Manifest.from_rows(rows, root, "msd", (), mask_labels={1: "anterior", 2: "posterior"})


def truth(number: int) -> np.ndarray:
    """(18, 16, 12) uint8: an ellipsoid of values 1 in front and 2 behind."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, side) for side in SHAPE), indexing="ij"))
    size = np.array([0.7, 0.6, 0.8])[:, None, None, None] * (0.8 + 0.02 * number)
    inside = ((places / size) ** 2).sum(axis=0) < 1
    return (inside * np.where(places[1] > 0, 1, 2)).astype(np.uint8)


def guess(number: int, wrong: float, seed: int) -> np.ndarray:
    """The truth, of which a share of the marked voxels was missed."""
    mask = truth(number)
    random = np.random.default_rng(1000 * seed + number)
    return np.where(random.random(SHAPE) < wrong, 0, mask).astype(np.uint8)


def recipe(**changes: Any) -> Recipe:
    """Of a 3D network, with few resamples."""
    settings = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return load_recipe("hippocampus-unet3d", ["evaluation.bootstrap=200", *settings])


def outlined_run(
    folder: Path,
    manifest: Manifest,
    wrong: float,
    seed: int = 0,
    guesses: dict[int, np.ndarray] | None = None,
    **changes: Any,
) -> Run:
    """A finished run whose test part is all samples of the manifest.

    Args:
        folder: of the run.
        manifest: of :func:`volumes`, or some of its rows.
        wrong: share of the voxels that it missed.
        seed: which ones.
        guesses: other label maps, by the number in the sample's name.
        changes: of the recipe, ``training__seed=3``.
    """
    run = Run(folder)
    run.begin(recipe(**changes))
    manifest.save(run.manifest_path)
    rows, written = [], []
    for row, sample in enumerate(manifest.table["sample"]):
        number = int(sample.rpartition("-")[2])
        found = (guesses or {}).get(number, guess(number, wrong, seed))
        path = run.masks_folder("test") / f"{sample}.nii.gz"
        save_label_map(path, found, manifest.paths[row])
        rows.append(score_masks(truth(number), found, STRUCTURES.by_name, (1.0, 1.5, 2.0)))
        written.append(path.relative_to(folder).as_posix())
    samples = manifest.table.assign(mask=written)
    MaskScores.build(samples, rows, STRUCTURES.names).save(run.predictions_path("test"))
    run.write_json("model", {"structures": STRUCTURES.as_dict(), "best_epoch": 7 + seed, "parameters": 1234})
    run.write_json("environment", {"laudo": "0.1", "device": "cpu", "precision": "bf16"})
    run.set_state("finished", reason="all_epochs", epochs=9, seconds=300.0)
    return run


def cross_validated_run(folder: Path, manifest: Manifest, wrong: float, folds: int = 3) -> Run:
    """A finished cross-validation: every fold is a run, and the root has the scores of all."""
    number = np.arange(len(manifest)) % folds + 1
    for fold in range(1, folds + 1):
        outlined_run(folder / f"fold-{fold}", manifest.rows(np.flatnonzero(number == fold)), wrong, seed=fold)
    root = Run(folder)
    root.begin(recipe())
    manifest.with_columns(fold=number, split="").save(root.manifest_path)
    parts = []
    for fold in root.folds():
        scores = fold.mask_scores("test")
        masks = [f"{fold.folder.name}/{path}" for path in scores.table["mask"]]
        parts.append(MaskScores(scores.table.assign(mask=masks), scores.structures))
    MaskScores.concatenate(parts).save(root.predictions_path("pooled"))
    root.set_state("finished", reason="all_epochs", folds=folds, seconds=900.0)
    return root
