"""Run folders of networks that outline structures, made by hand from phantoms, for the tests of the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe
from laudo.core.run import Run
from laudo.core.structures import Structures, structures_of
from laudo.evaluate.evaluate import pool
from laudo.evaluate.mask_scoring import score_masks
from laudo.evaluate.segmentation import evaluate_masks
from laudo.predict.mask_files import mask_ending, save_label_map
from laudo.read.mask import read_mask
from laudo.read.table import read_image
from laudo.sources.phantom_files import nifti
from laudo.sources.phantom_hippocampus import LABELS, hippocampi
from laudo.sources.phantom_ultrasound import images
from laudo.sources.phantom_volume import brains
from report_example import write_audit

MISSED, INVENTED = 3, 7
"""Numbers of the judged cases whose last structure is not predicted, and is not there."""

SPACING_MM = (1.0, 1.5, 2.0)
"""Of the hippocampi: axes are told apart by it."""

REGIONS = {"WT": (1, 2, 4), "TC": (1, 4), "ET": (4,)}


def make_mask_recipe(name: str = "hippocampus-unet3d", **changes) -> Recipe:
    overrides = ["evaluation.bootstrap=100", *[f"{key}={json.dumps(value)}" for key, value in changes.items()]]
    return load_recipe(name, overrides)


def hippocampus_manifest(root: Path, n: int, size: int = 24) -> Manifest:
    """Volumes with two structures; in every tenth case the second one is missing."""
    rows = []
    affine = np.diag([*SPACING_MM, 1.0])
    for number, case in enumerate(hippocampi(n, 0, size)):
        labels = np.where(case.labels == 2, 0, case.labels) if number % 10 == INVENTED else case.labels
        for folder, array in (("imagesTr", case.image), ("labelsTr", labels)):
            path = root / folder / f"case_{number:03d}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(nifti(array, affine))
        rows.append(_row(number, f"imagesTr/case_{number:03d}.nii.gz", f"labelsTr/case_{number:03d}.nii.gz"))
    names = {value: name.lower() for value, name in LABELS.items()}
    return Manifest.from_rows(rows, root, "msd", (), (), names)


def brats_manifest(root: Path, n: int, size: int = 32) -> Manifest:
    """Volumes with nested regions and four channels."""
    rows = []
    for number, case in enumerate(brains(n, 0, size)):
        root.mkdir(parents=True, exist_ok=True)
        for name, array in case.images.items():
            (root / f"{number}_{name}.nii.gz").write_bytes(nifti(array, case.affine))
        (root / f"{number}_seg.nii.gz").write_bytes(nifti(case.labels, case.affine))
        paths = "|".join(f"{number}_{name}.nii.gz" for name in case.images)
        rows.append(_row(number, paths, f"{number}_seg.nii.gz"))
    labels = {1: "necrosis", 2: "oedema", 4: "enhancing"}
    return Manifest.from_rows(rows, root, "brats", (), ("flair", "t1", "t1ce", "t2"), labels)


def picture_manifest(root: Path, n: int, size: int = 64) -> Manifest:
    """Ultrasound pictures of two classes with the outline of a lesion; half of them in colours."""
    rows = []
    root.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(images(n, 0, size)):
        pixels = np.stack([case.image] * 3, axis=2) if number % 2 else case.image
        Image.fromarray(pixels).save(root / f"{number:03d}.png")
        Image.fromarray(case.mask).save(root / f"{number:03d}_mask.png")
        rows.append({**_row(number, f"{number:03d}.png", f"{number:03d}_mask.png"), "label": case.label})
    return Manifest.from_rows(rows, root, "bus-uc", ("benign", "malignant"))


def _row(number: int, image: str, mask: str) -> dict[str, object]:
    """One of five cases trains, one chooses, the others judge."""
    name = f"case-{number:03d}"
    part = ("train", "val", "test", "test", "test")[number % 5]
    fold = number % 3 + 1
    return {
        "sample": name,
        "image": image,
        "mask": mask,
        "group": name,
        "split": part,
        "fold": fold,
        "sha256": f"{number:064x}",
    }


def predicted(truth: np.ndarray, number: int, values: Sequence[int]) -> np.ndarray:
    """Eroded, moved to the right or as it is; some cases miss the last structure, or have it where it is not."""
    made = truth.copy()
    for value in values if number % 4 else ():
        own = truth == value
        made[own & ~ndimage.binary_erosion(own)] = 0
    made = np.roll(made, number % 3, axis=0)
    if number % 10 == MISSED:
        made[made == values[-1]] = 0
    if number % 10 == INVENTED:
        middle = tuple(slice(side // 2, side // 2 + 2) for side in truth.shape)
        made[middle] = values[-1]
    return made


def outline_part(run: Run, manifest: Manifest, structures: Structures, rows: np.ndarray, part: str) -> MaskScores:
    """Write the masks of some rows and score them."""
    samples = manifest.table.iloc[rows].reset_index(drop=True)
    scores, written, in_mm = [], [], []
    for row, sample in zip(rows, samples["sample"], strict=True):
        path, label = manifest.image_paths(row)[0], int(manifest.labels[row])
        image = read_image(path)
        truth = structures.label_map(read_mask(manifest.mask_paths(row)).labels, label if structures.of_label else -1)
        values = [structures.own_values[label]] if structures.of_label else structures.own_values
        found = predicted(truth, int(row), values)
        target = run.masks_folder(part) / (sample + mask_ending(path))
        save_label_map(target, found, path)
        spacing = (1.0, 1.0) if image.affine is None else np.linalg.norm(image.affine[:3, :3], axis=0)
        scores.append(score_masks(truth, found, structures.by_name, [float(one) for one in spacing]))
        written.append(target.relative_to(run.folder).as_posix())
        in_mm.append(image.affine is not None)
    named = None
    if structures.of_label:
        rng = np.random.default_rng(1)
        chances = rng.uniform(0.05, 0.45, (len(samples), len(structures.names)))
        chances[np.arange(len(samples)), manifest.labels[rows]] += rng.uniform(0, 0.6, len(samples))
        named = Predictions.build(samples, chances / chances.sum(axis=1, keepdims=True), manifest.classes, None)
    table = MaskScores.build(samples.assign(mask=written, in_mm=in_mm), scores, structures.names, named)
    table.save(run.predictions_path(part))
    return table


def write_mask_log(run: Run, epochs: int, named: bool) -> None:
    lines = []
    for epoch in range(1, epochs + 1):
        loss = 1.2 * 0.8**epoch
        line = {"epoch": epoch, "train_loss": loss, "val_loss": loss + 0.02 * epoch, "val_dice": 0.92 - loss / 2}
        if named:
            line["val_accuracy"] = 0.9 - loss / 3
        lines.append({**line, "learning_rate": 0.001, "seconds": 4.5})
    run.log_path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


def write_model(run: Run, recipe: Recipe, structures: Structures) -> None:
    rules = [{"structure": structures.names[0], "values": [1], "becomes": 0, "largest": True, "smallest_mm3": 0.0}]
    run.write_json(
        "model",
        {
            "kind": "masks",
            "classes": list(structures.names) if structures.of_label else [],
            "structures": structures.as_dict(),
            "window": recipe.training.patch.size_voxels,
            "post_processing": {"rules": rules if recipe.evaluation.post_processing == "validation" else []},
            "parameters": 5_600_000,
            "trainable_parameters": 5_600_000,
            "best_epoch": 7,
            "members": 1,
        },
    )
    run.write_json(
        "environment",
        {"laudo": "0.1.0", "python": "3.11.7", "device": "cpu", "started": "2026-03-05T14:30:00+00:00"},
    )


def make_mask_run(folder: Path, manifest: Manifest, recipe: Recipe) -> Run:
    """A finished run with every file."""
    run = Run(folder)
    run.begin(recipe)
    manifest.save(run.manifest_path)
    structures = structures_of(manifest, recipe.data)
    metrics = {
        part: evaluate_masks(outline_part(run, manifest, structures, manifest.indices(part), part), bootstrap=100)
        for part in ("val", "test")
    }
    run.write_json("metrics", metrics)
    write_mask_log(run, 9, recipe.network.label_head)
    write_audit(run, manifest)
    write_model(run, recipe, structures)
    run.set_state("finished", epochs=9, seconds=40, reason="all_epochs")
    return run


def make_mask_cross_validation(folder: Path, manifest: Manifest, recipe: Recipe) -> Run:
    """A root with its folds."""
    run = Run(folder)
    run.begin(recipe)
    manifest.save(run.manifest_path)
    structures = structures_of(manifest, recipe.data)
    parts, results = [], []
    for number in sorted(set(manifest.table["fold"])):
        fold = Run(folder / f"fold-{number}")
        fold.begin(recipe)
        rows = np.flatnonzero((manifest.table["fold"] == number).to_numpy())
        scores = outline_part(fold, manifest, structures, rows, "test")
        results.append(evaluate_masks(scores, bootstrap=100))
        fold.write_json("metrics", {"test": results[-1]})
        write_mask_log(fold, 6 + number, recipe.network.label_head)
        write_model(fold, recipe, structures)
        fold.set_state("finished")
        places = [f"{fold.folder.name}/{path}" for path in scores.table["mask"]]
        parts.append(MaskScores(scores.table.assign(mask=places), scores.structures))
    pooled = MaskScores.concatenate(parts)
    pooled.save(run.predictions_path("pooled"))
    run.write_json("metrics", {"pooled": evaluate_masks(pooled, bootstrap=100), "folds": pool(results)})
    write_audit(run, manifest)
    run.set_state("finished", seconds=95)
    return run
