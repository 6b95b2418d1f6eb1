"""From a recipe to images whose structures are to be outlined: list, audit, group, prepare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from laudo.audit.audit import Audit
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Prepare, Recipe
from laudo.core.structures import Structures, require_classes, structures_of
from laudo.networks.precision import choose_device, choose_precision
from laudo.prepare.cache import prepare_images
from laudo.prepare.fitted import Measured, fit_prepare, measure
from laudo.prepare.mask_cache import prepare_label_maps
from laudo.prepare.preflight import preflight
from laudo.prepare.volume_cache import prepare_volumes
from laudo.train.mask_cases import MaskCases, PictureCases, VolumeCases
from laudo.workflows.dataset import open_samples
from laudo.workflows.samples import Samples


@dataclass(frozen=True)
class MaskDataset(Samples):
    """Pictures or volumes with masks.

    Attributes:
        structures: what is to be outlined.
        found: images and label maps in the order of the manifest; None while something is to be fitted on a training part.
    """

    structures: Structures
    found: MaskCases | None

    @property
    def cases(self) -> MaskCases:
        """Images and label maps, in the order of the manifest."""
        assert self.found is not None, "fitted_on comes first"
        return self.found

    def fitted_on(self, manifest: Manifest) -> Self:
        """See :meth:`Samples.fitted_on`."""
        if not self.prepare.needs_fitting:
            return self
        prepare = fit_prepare(manifest, self.prepare, self._measured)
        return replace(self, prepare=prepare, found=_cases(self.manifest, prepare, self.structures))

    @cached_property
    def _measured(self) -> Measured:
        """Of every image, once for all folds; each fold then looks at its own training part alone."""
        return measure(self.manifest, self.prepare)


def open_mask_dataset(recipe: Recipe, data: Path | None) -> MaskDataset:
    """List, audit, group and prepare the images of a recipe and their masks.

    Raises:
        DataError: the data can not be used, or have no masks; nothing was written but the cache.
        RecipeError: ``data.regions`` does not go with the labels of the masks.
    """
    audit = open_samples(recipe, data)
    structures = structures_of(audit.manifest, recipe.data)
    if structures.of_label:
        require_classes(audit.manifest)
    else:
        say_strange_values(audit)
    found = None if recipe.prepare.needs_fitting else _cases(audit.manifest, recipe.prepare, structures)
    device = choose_device()
    return MaskDataset(
        audit=audit,
        prepare=recipe.prepare,
        device=device,
        precision=choose_precision(recipe.training.precision, device),
        structures=structures,
        found=found,
    )


def say_strange_values(audit: Audit) -> None:
    """Tell of values in the masks that the data set does not name: they count as background."""
    named = {0, *audit.manifest.mask_labels}
    masks = [{value for value, _n in image.mask.counts} - named for image in audit.images if image.mask is not None]
    strange = [values for values in masks if values]
    if not strange or len(named) == 1:  # without names, any value is the one region
        return
    values = ", ".join(map(str, sorted(set().union(*strange))))
    text = _("Masks with values that are no structure of the data set, taken for background: {n} (values {values})")
    say(text.format(n=len(strange), values=values))


def _cases(manifest: Manifest, prepare: Prepare, structures: Structures) -> MaskCases:
    labels = manifest.labels if structures.of_label else np.full(len(manifest), -1, dtype=np.int64)
    preflight(manifest, prepare)
    if prepare.volume is not None:
        return VolumeCases(prepare_volumes(manifest, prepare), structures, labels)
    return PictureCases(prepare_images(manifest, prepare), prepare_label_maps(manifest, prepare), structures, labels)
