"""Fill the cache of prepared images ahead of a training: `laudo data prepare`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from laudo.core.cache_folder import cache_folder
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Prepare, Recipe
from laudo.core.recipe_file import load_recipe
from laudo.prepare.cache import prepare_images
from laudo.prepare.fitted import fit_prepare, measure
from laudo.prepare.mask_cache import prepare_label_maps
from laudo.prepare.preflight import preflight
from laudo.prepare.transform import transform_key
from laudo.prepare.volume import volume_key
from laudo.prepare.volume_cache import prepare_volumes
from laudo.split.grouped import split_parts
from laudo.workflows.dataset import open_samples


def prepare_data(
    recipe_name: str, settings: Sequence[str] = (), data: Path | None = None, jobs: int | None = None
) -> dict[str, Any]:
    """Prepare the samples of a recipe, so that its training begins at once.

    What is fitted is fitted on the training part of the recipe's own split; a cross-validation prepares its folds itself.

    Args:
        recipe_name: a shipped recipe, or a YAML file.
        settings: changes of the recipe, ``a.b=c`` each.
        data: the data set's folder, or one that holds it; default ``LAUDO_DATA``.
        jobs: threads; default all cores.

    Returns:
        ``recipe, samples, left_out, prepared`` (how many were not in the cache yet), ``shape``, ``seconds, folder``, ``fitted`` and
        ``preflight`` (None when nothing was missing).

    Raises:
        LaudoError: recipe or data can not be used, or disk or memory will not do.
    """
    recipe = load_recipe(recipe_name, settings)
    audit = open_samples(recipe, data)
    manifest = audit.manifest
    prepare = _fitted(manifest, recipe, jobs)
    before = preflight(manifest, prepare, jobs=jobs)
    started = time.monotonic()
    shape: list[int] | None
    if prepare.volume is not None:
        volumes = prepare_volumes(manifest, prepare, jobs=jobs)
        shapes = {volumes.shape(index) for index in range(len(volumes))}
        shape = list(shapes.pop()) if len(shapes) == 1 else None
        folder = cache_folder() / "volumes" / volume_key(prepare.volume)
    else:
        shape = list(prepare_images(manifest, prepare, jobs=jobs).shape)
        if recipe.outlines:
            prepare_label_maps(manifest, prepare, jobs=jobs)
        folder = cache_folder() / transform_key(prepare)
    seconds = round(time.monotonic() - started, 2)
    prepared = 0 if before is None else before.samples
    if not prepared:
        say(_("The cache holds every sample already."))
    return {
        "recipe": recipe.name,
        "samples": len(manifest),
        "left_out": len(audit.skipped),
        "prepared": prepared,
        "shape": shape,
        "seconds": seconds,
        "folder": str(folder),
        "fitted": _found(recipe.prepare, prepare),
        "preflight": None if before is None else before.as_dict(),
    }


def _fitted(manifest: Manifest, recipe: Recipe, jobs: int | None) -> Prepare:
    if not recipe.prepare.needs_fitting:
        return recipe.prepare
    divided = split_parts(manifest, recipe.split, recipe.data.rare == "keep")
    training = divided.part("train")
    return fit_prepare(training, recipe.prepare, measure(training, recipe.prepare, jobs))


def _found(asked: Prepare, fitted: Prepare) -> dict[str, Any]:
    """The values that were fitted."""
    if asked.volume is not None and fitted.volume is not None:
        before, after = asked.volume.model_dump(mode="json"), fitted.volume.model_dump(mode="json")
    else:
        before, after = asked.model_dump(mode="json"), fitted.model_dump(mode="json")
    return {name: value for name, value in after.items() if value != before[name]}
