"""From a recipe to its images: list, audit, group, prepare."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from laudo.audit.audit import Audit, audit_manifest
from laudo.audit.usable import require_usable
from laudo.core.errors import DataError, RecipeError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Data, Prepare, Recipe
from laudo.networks.precision import Precision, choose_device, choose_precision
from laudo.prepare.cache import PreparedImages, prepare_images
from laudo.prepare.fitted import Measured, fit_prepare, measure
from laudo.prepare.preflight import preflight
from laudo.sources.records import unlabelled_rows_kept
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups


@dataclass(frozen=True)
class Dataset:
    """Images that are ready, and where they will be computed.

    Attributes:
        audit: what is known of the data; ``audit.manifest`` has its groups, not yet its parts.
        prepare: how the images were prepared, fitted values included.
        prepared: images in the order of the manifest; None while something is to be fitted on a training part.
        device: where networks run.
        precision: of images in networks.
    """

    audit: Audit
    prepare: Prepare
    prepared: PreparedImages | None
    device: torch.device
    precision: Precision

    @property
    def manifest(self) -> Manifest:
        """The usable samples."""
        return self.audit.manifest

    @property
    def images(self) -> PreparedImages:
        """Prepared images, in the order of the manifest."""
        assert self.prepared is not None, "fitted_on comes first"
        return self.prepared

    def fitted_on(self, manifest: Manifest) -> Dataset:
        """The data set prepared with what its training part says; itself, when nothing is to be fitted.

        Args:
            manifest: this data set's, with parts.
        """
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
        RecipeError: ``data.positive`` is none of two classes, or there is no network for volumes.
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
    return Dataset(audit, recipe.prepare, prepared, device, choose_precision(recipe.training.precision, device))


def refuse_volumes(recipe: Recipe) -> None:
    """Raise RecipeError when the recipe is for volumes, for which there is no network."""
    if recipe.prepare.volume is not None:
        raise RecipeError(
            _("The networks of this version look at pictures: volumes can be prepared, but not trained on."),
            found="prepare.volume",
            cure=_("Prepare them with `laudo data prepare`."),
        )


def open_samples(recipe: Recipe, data: Path | None) -> Audit:
    """List, audit and group the samples of a recipe; nothing is prepared.

    Raises:
        DataError: the data can not be used.
        RecipeError: ``data.positive`` is none of two classes.
    """
    needed = recipe.prepare.volume is not None or recipe.needs_mask  # volumes are prepared with their masks
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
    say(_("Images: {n} ({counts}), groups: {groups}").format(n=len(audit.manifest), counts=counts, groups=groups))
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
    return _with_positive(with_labels(manifest, recipe.data), recipe.data.positive)


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
