"""What a training would do, without doing it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from laudo.core.errors import LaudoError
from laudo.core.messages import _
from laudo.core.recipe_file import load_recipe
from laudo.networks.precision import choose_device, choose_precision
from laudo.prepare.cache import cache_folder
from laudo.prepare.transform import channels
from laudo.sources.table import import_manifest


def plan_training(name: str, settings: Sequence[str], data: Path | None, folds: str | None) -> dict[str, Any]:
    """Counts, parts, steps and disk of a training; reads the files' names and bytes, decodes and writes nothing."""
    if folds not in (None, "all"):
        raise LaudoError(_("--folds takes one value."), found=folds, expected="all")
    recipe = load_recipe(name, settings)
    manifest = import_manifest(recipe.data.source, data)
    n = len(manifest)
    share = 1 / recipe.split.folds if folds else recipe.split.test
    held_out, val = round(n * share), round(n * recipe.split.validation)
    frozen = recipe.network.trainable == 0 and not recipe.augment.is_random
    cache_bytes = n * recipe.prepare.height * recipe.prepare.width * channels(recipe.prepare)
    folder = next(path for path in (cache_folder(), *cache_folder().parents) if path.exists())
    device = choose_device()
    return {
        "recipe": recipe.name,
        "data": str(manifest.root),
        "images": n,
        "classes": {str(name): int(count) for name, count in manifest.table["label"].value_counts().items()},
        "train": n - held_out - val,
        "val": val,
        "test": held_out,
        "trainings": (recipe.split.folds if folds else 1)
        * (1 + 2 * recipe.split.folds * recipe.evaluation.leakage_check),
        "epochs_at_most": recipe.training.epochs,
        "backbone": recipe.network.backbone,
        "backbone_runs": "once an image" if frozen else "every epoch",
        "device": str(device),
        "precision": choose_precision(recipe.training.precision, device),
        "cache_mib": round(cache_bytes / 2**20, 1),
        "free_mib": round(shutil.disk_usage(folder).free / 2**20),
    }
