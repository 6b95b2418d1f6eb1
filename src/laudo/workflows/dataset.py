"""From a recipe to its images: list, audit, group, prepare."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.usable import require_usable
from laudo.core.errors import DataError, RecipeError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Data, Prepare, Recipe
from laudo.networks.precision import choose_device, choose_precision
from laudo.prepare.cache import PreparedImages, prepare_images
from laudo.prepare.fitted import Measured, fit_prepare, measure
from laudo.prepare.preflight import preflight
from laudo.sources.records import unlabelled_rows_kept
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups
from laudo.workflows.samples import Samples


@dataclass(frozen=True)
class Dataset(Samples):
    """Pictures with a class.

    Attributes:
        prepared: images in the order of the manifest; None while something is to be fitted on a training part.
    """

    prepared: PreparedImages | None

    @property
    def images(self) -> PreparedImages:
        """Prepared images, in the order of the manifest."""
        assert self.prepared is not None, "fitted_on comes first"
        return self.prepared

    def fitted_on(self, manifest: Manifest) -> Self:
        """See :meth:`Samples.fitted_on`."""
        if not self.prepare.needs_fitting:
            return self
        prepare = fit_prepare(manifest, self.prepare, self._measured)
        return replace(self, prepare=prepare, prepared=_prepared(self.manifest, prepare))

    @cached_property
    def _measured(self) -> Measured:
        """Of every image, once for all folds; each fold then looks at its own training part alone."""
        return measure(self.manifest, self.prepare)


def open_dataset(recipe: Recipe, data: Path | None) -> Dataset:
    """List, audit, group and prepare the images of a recipe.

    Raises:
        DataError: the data can not be used; nothing was written but the cache.
        RecipeError: ``data.positive`` is none of two classes, or the recipe is for volumes.
    """
    refuse_volumes(recipe)
    audit = open_samples(recipe, data)
    if len(audit.manifest.classes) < 2:
        raise DataError(
            _("A classifier needs at least two classes."),
            file=audit.manifest.root,
            cure=_("Name a column that holds the class with --set data.label, or choose another data set."),
        )
    prepared = None if recipe.prepare.needs_fitting else _prepared(audit.manifest, recipe.prepare)
    device = choose_device()
    precision = choose_precision(recipe.training.precision, device)
    return Dataset(audit=audit, prepare=recipe.prepare, device=device, precision=precision, prepared=prepared)


def refuse_volumes(recipe: Recipe) -> None:
    """Raise RecipeError when a classifier is to look at volumes."""
    if recipe.prepare.volume is not None and not recipe.outlines:
        raise RecipeError(
            _(
                "The classifiers of this version look at pictures: volumes can be prepared and outlined, but not classified."
            ),
            found="prepare.volume",
            cure=_("Outline structures with data.target: mask, or prepare the volumes with `laudo data prepare`."),
        )


def open_samples(recipe: Recipe, data: Path | None) -> Audit:
    """List, audit and group the samples of a recipe; nothing is prepared.

    Raises:
        DataError: the data can not be used.
        RecipeError: ``data.positive`` is none of two classes.
    """
    # volumes are prepared with their masks
    needed = recipe.prepare.volume is not None or recipe.needs_mask or recipe.outlines
    audit = audit_manifest(
        listed(recipe, data),
        recipe.data.unreadable,
        masks_needed=needed,
        drop_below=recipe.data.rare_below if recipe.data.rare == "drop" else 0,
    )
    require_usable(audit.manifest, recipe.data.rare, recipe.data.rare_below)
    audit = audit.with_groups(assign_groups(audit.manifest))
    counts = ", ".join(f"{name} {n}" for name, n in sorted(audit.manifest.counts.items(), key=lambda one: -one[1]))
    groups = audit.manifest.table["group"].nunique()
    text = _("Images: {n} ({counts}), groups: {groups}") if counts else _("Images: {n}, groups: {groups}")
    say(text.format(n=len(audit.manifest), counts=counts, groups=groups))
    if audit.skipped:
        say(_("Images left out: {n}; the report lists them").format(n=len(audit.skipped)))
    return audit


def listed(recipe: Recipe, data: Path | None) -> Manifest:
    """The samples of a recipe with the classes that it asks for; nothing is decoded.

    Raises:
        DataError: the data can not be listed, or the column of ``data.label`` is not there.
        RecipeError: ``data.positive`` is none of two classes.
    """
    with unlabelled_rows_kept() if recipe.data.separator is not None else nullcontext():
        manifest = import_manifest(recipe.data.source, data)
    if recipe.outlines:
        manifest = with_mask(manifest, recipe.data)
    return _with_positive(with_labels(manifest, recipe.data), recipe.data.positive)


def with_mask(manifest: Manifest, data: Data) -> Manifest:
    """The samples that have a mask; all, where none means that nothing is marked."""
    rows = np.flatnonzero((manifest.table["mask"] != "").to_numpy())
    if data.unmarked == "empty" or len(rows) in (0, len(manifest)):
        return manifest
    text = _("Images without a mask, left out: {n} (data.unmarked: empty takes them for images with nothing marked)")
    say(text.format(n=len(manifest) - len(rows)))
    return manifest.rows(rows)


def with_labels(manifest: Manifest, data: Data) -> Manifest:
    """The samples with the classes, or with all the labels, that the section of a recipe asks for.

    Raises:
        DataError: the column of ``data.label`` is not there, or names fewer than two classes.
    """
    if data.separator is not None:
        return manifest.with_several_labels(data.separator, data.none_label, data.label or "label")
    return manifest if data.label is None else manifest.labelled_by(data.label)


def _prepared(manifest: Manifest, prepare: Prepare) -> PreparedImages:
    preflight(manifest, prepare)
    return prepare_images(manifest, prepare)


def _with_positive(manifest: Manifest, positive: str | None) -> Manifest:
    if positive is None or (manifest.classes and manifest.classes[-1] == positive):
        return manifest
    if len(manifest.classes) != 2 or positive not in manifest.classes:
        raise RecipeError(
            _("data.positive is not one of two classes."), found=positive, expected=", ".join(manifest.classes)
        )
    return replace(manifest, classes=tuple(reversed(manifest.classes)))
