"""What a training would do, without doing it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from laudo.audit.rare import without_rare
from laudo.core.cache_folder import cache_folder
from laudo.core.errors import LaudoError
from laudo.core.manifest import PARTS, Manifest
from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.core.recipe_file import load_recipe
from laudo.core.structures import structures_of
from laudo.networks.precision import Precision, choose_device, choose_precision
from laudo.prepare.transform import channels
from laudo.split.grouped import fold_numbers, split_fold, split_parts
from laudo.train.mask_memory import step_bytes
from laudo.workflows.dataset import listed, refuse_volumes


def plan_training(name: str, settings: Sequence[str], data: Path | None, folds: str | None) -> dict[str, Any]:
    """Counts, parts, steps and disk of a training; reads the files' names and bytes, decodes and writes nothing.

    Raises:
        LaudoError: the training would be refused because of its recipe, or the data can not be listed.
    """
    if folds not in (None, "all"):
        raise LaudoError(_("--folds takes one value."), found=folds, expected="all")
    recipe = load_recipe(name, settings)
    refuse_volumes(recipe)
    manifest = listed(recipe, data)
    if recipe.data.rare == "drop":
        manifest = without_rare(manifest, recipe.data.rare_below)
    parts, number_of_folds = _parts(recipe, manifest, folds is not None)
    trainings = number_of_folds * recipe.split.repeats if folds else 1
    folder = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    device = choose_device()
    precision = choose_precision(recipe.training.precision, device)
    return {
        "recipe": recipe.name,
        "data": str(manifest.root),
        "images": len(manifest),
        "classes": manifest.counts,
        **parts,
        "trainings": trainings
        * recipe.training.ensemble
        * (1 + 2 * recipe.split.folds * recipe.evaluation.leakage_check),
        "epochs_at_most": recipe.training.epochs_in_all if recipe.network.classifier == "dense" else 0,
        "backbone": recipe.network.backbone,
        "backbone_runs": "once an image" if recipe.has_fixed_features and not recipe.outlines else "every epoch",
        "device": str(device),
        "precision": precision,
        **_of_masks(recipe, manifest, precision),
        **_of_pictures(recipe, len(manifest)),
        "free_mib": round(shutil.disk_usage(folder).free / 2**20),
    }


def _of_pictures(recipe: Recipe, n: int) -> dict[str, Any]:
    """Size of the cache, where every image takes the same; of volumes only preparing tells."""
    prepare = recipe.prepare
    if prepare.volume is not None:
        return {}
    each = prepare.height * prepare.width * (channels(prepare) + recipe.outlines)
    return {"cache_mib": round(n * each / 2**20, 1)}


def _of_masks(recipe: Recipe, manifest: Manifest, precision: Precision) -> dict[str, Any]:
    """What is outlined, and the memory of a training step."""
    if not recipe.outlines:
        return {}
    structures = structures_of(manifest, recipe.data)
    images = channels(recipe.prepare) if recipe.prepare.volume is None else max(1, len(manifest.channels))
    labels = len(structures.names) if recipe.network.label_head else 0
    needed = step_bytes(recipe, images, structures.outputs, labels, precision)
    return {"structures": list(structures.names), "step_memory_mib": round(needed / 2**20)}


def _parts(recipe: Recipe, manifest: Manifest, cross_validated: bool) -> tuple[dict[str, int], int]:
    """About how many samples each part has (of a cross-validation: of its first fold), and the number of folds."""
    n = len(manifest)
    split = recipe.split
    if split.by == "official":
        if cross_validated:
            numbers = fold_numbers(manifest, split.folds, split, split.seed)
            divided = split_fold(manifest.with_columns(fold=numbers), 1, split, recipe.data.rare == "keep")
            number_of_folds = int(numbers.max())
        else:
            divided, number_of_folds = split_parts(manifest, split, recipe.data.rare == "keep"), 1
        return {part: len(divided.indices(part)) for part in PARTS}, number_of_folds
    held_out = round(n * (1 / split.folds if cross_validated else split.test))
    val = round(n * split.validation)
    return {"train": n - held_out - val, "val": val, "test": held_out}, split.folds
