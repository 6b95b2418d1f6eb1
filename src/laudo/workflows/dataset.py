"""From a recipe to its images: list, audit, group, prepare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from laudo.audit.audit import Audit, audit_manifest
from laudo.core.errors import RecipeError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.networks.precision import Precision, choose_device, choose_precision
from laudo.prepare.cache import PreparedImages, prepare_images
from laudo.sources.table import import_manifest
from laudo.split.grouped import assign_groups


@dataclass(frozen=True)
class Dataset:
    """Images that are ready, and where they will be computed.

    Attributes:
        audit: what is known of the data; ``audit.manifest`` has its groups, not yet its parts.
        images: prepared images, in the order of the manifest.
        device: where networks run.
        precision: of images in networks.
    """

    audit: Audit
    images: PreparedImages
    device: torch.device
    precision: Precision

    @property
    def manifest(self) -> Manifest:
        """The usable samples."""
        return self.audit.manifest


def open_dataset(recipe: Recipe, data: Path | None) -> Dataset:
    """List, audit, group and prepare the images of a recipe.

    Raises:
        DataError: the data can not be used; nothing was written but the cache.
        RecipeError: ``data.positive`` is none of two classes.
    """
    manifest = _with_positive(import_manifest(recipe.data.source, data), recipe.data.positive)
    audit = audit_manifest(manifest, recipe.data.unreadable)
    audit = audit.with_groups(assign_groups(audit.manifest))
    counts = ", ".join(f"{name} {n}" for name, n in audit.manifest.table["label"].value_counts().items())
    groups = audit.manifest.table["group"].nunique()
    say(_("Images: {n} ({counts}), groups: {groups}").format(n=len(audit.manifest), counts=counts, groups=groups))
    if audit.skipped:
        say(_("Images left out: {n}; the report lists them").format(n=len(audit.skipped)))
    images = prepare_images(audit.manifest, recipe.prepare)
    device = choose_device()
    return Dataset(audit, images, device, choose_precision(recipe.training.precision, device))


def _with_positive(manifest: Manifest, positive: str | None) -> Manifest:
    if positive is None or manifest.classes[-1] == positive:
        return manifest
    if len(manifest.classes) != 2 or positive not in manifest.classes:
        raise RecipeError(
            _("data.positive is not one of two classes."), found=positive, expected=", ".join(manifest.classes)
        )
    return Manifest(manifest.table, manifest.root, manifest.source, tuple(reversed(manifest.classes)))
