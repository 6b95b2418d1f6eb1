"""What settings of a recipe contradict each other where structures are outlined."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from laudo.core.messages import _
from laudo.core.recipe_masks import MASK_NETWORKS, PICTURE_NETWORKS

if TYPE_CHECKING:
    from laudo.core.recipe import Recipe

OF_CLASSIFIERS = {
    "network": ("descriptors", "companions", "classifier", "blocks", "pooling", "trainable", "batch_norm", "output"),
    "training": ("phases", "sampling", "ensemble", "report_at_epochs", "layer_decay", "backbone_learning_rate"),
    "augment": ("mirrored_copies", "mixup", "cutmix", "cutout"),
    "data": ("separator", "none_label"),
    "evaluation": ("views", "leakage_check", "threshold", "calibration"),
}
"""Settings that mean nothing to a network that outlines structures, by section."""

OF_MASKS = {
    "network": ("filters", "deep_supervision", "label_head", "gradient_checkpointing"),
    "training": ("mask_loss", "label_weight", "patch"),
    "data": ("regions", "unmarked"),
    "augment": ("volume",),
    "evaluation": ("overlap", "mirror_axes", "post_processing", "nsd_tolerance_mm"),
}
"""Settings that mean nothing to a classifier, by section."""

OF_LABEL = {"training": ("loss", "class_weights", "label_smoothing", "label_weight"), "network": ("head",)}
"""Settings of the classifier on a mask network's deepest features."""


def check_masks(recipe: Recipe) -> None:
    """Raise ValueError where the settings of masks contradict each other."""
    outlines = recipe.data.target != "label"
    if outlines != (recipe.network.backbone in MASK_NETWORKS):
        text = _(
            "data.target: {target} does not go with network.backbone: {name}; networks that outline structures: {names}"
        )
        names = ", ".join(MASK_NETWORKS)
        raise ValueError(text.format(target=recipe.data.target, name=recipe.network.backbone, names=names))
    _refuse(recipe, OF_CLASSIFIERS if outlines else OF_MASKS, outlines)
    if not outlines:
        if recipe.training.watch == "dice":
            raise ValueError(_("training.watch: dice is for networks that outline structures"))
        return
    if recipe.network.weights == "hub":
        raise ValueError(
            _(
                "the hub has no weights of networks that outline structures: network.weights: none, or a file of one's own"
            )
        )
    if recipe.network.label_head and (recipe.data.target != "mask_and_label" or recipe.prepare.volume is not None):
        raise ValueError(_("network.label_head needs data.target: mask_and_label, and pictures"))
    if not recipe.network.label_head:
        _refuse(recipe, OF_LABEL, outlines)
    if recipe.training.watch not in {"loss", "dice"}:
        raise ValueError(_("training.watch is loss or dice where structures are outlined"))
    _check_grid(recipe)
    _check_regions(recipe)
    weights, outputs = recipe.training.mask_loss.class_weights, len(recipe.data.regions)
    if weights is not None and outputs and len(weights) != outputs:
        raise ValueError(_("training.mask_loss.class_weights has not one number for each of data.regions"))


def _check_grid(recipe: Recipe) -> None:
    """Pictures or volumes, and what goes with either."""
    volume, patch = recipe.prepare.volume, recipe.training.patch
    if (volume is None) != (recipe.network.backbone in PICTURE_NETWORKS):
        text = _("network.backbone: {name} looks at {what}")
        what = (
            _("volumes: give it a section prepare.volume")
            if volume is None
            else _("pictures: leave prepare.volume out")
        )
        raise ValueError(text.format(name=recipe.network.backbone, what=what))
    if volume is not None and patch.size_voxels is None:
        raise ValueError(_("volumes need training.patch.size_voxels"))
    if volume is None and patch.size_voxels is not None:
        raise ValueError(_("training.patch.size_voxels is for volumes: pictures are seen whole"))
    if volume is None and recipe.augment.volume is not None:
        raise ValueError(_("augment.volume is for volumes"))
    if volume is not None and recipe.augment.of_pictures:
        raise ValueError(_("volumes are changed by augment.volume: the other keys of augment are for pictures"))
    if recipe.prepare.crop == "lesion" or recipe.prepare.needs_mask:
        raise ValueError(_("the mask is what is to be found: prepare can not look at it"))
    axes = 2 if volume is None else 3
    if any(not 0 <= axis < axes for axis in recipe.evaluation.mirror_axes):
        raise ValueError(_("evaluation.mirror_axes are not axes of the images: 0 to {last}").format(last=axes - 1))


def _check_regions(recipe: Recipe) -> None:
    regions = list(recipe.data.regions.items())
    if regions and recipe.data.target != "mask":
        raise ValueError(_("data.regions needs data.target: mask"))
    for name, values in regions:
        if not values or len(set(values)) != len(values) or min(values) <= 0:
            raise ValueError(_("data.regions.{name} is not a list of different values above 0").format(name=name))
    for (outer, around), (inner, within) in pairwise(regions):
        if not set(within) < set(around):
            text = _("data.regions are not nested, the outer ones first: {inner} is no part of {outer}")
            raise ValueError(text.format(inner=inner, outer=outer))


def _refuse(recipe: Recipe, homes: dict[str, tuple[str, ...]], outlines: bool) -> None:
    """Raise ValueError for a setting whose silence would be taken for work."""
    for section, keys in homes.items():
        part = getattr(recipe, section)
        for key in keys:
            if getattr(part, key) != type(part).model_fields[key].get_default(call_default_factory=True):
                text = (
                    _("{section}.{key} is not for networks that outline structures without a classifier of the sample")
                    if homes is OF_LABEL
                    else _("{section}.{key} is for classifiers, not for networks that outline structures")
                    if outlines
                    else _("{section}.{key} is for networks that outline structures, not for classifiers")
                )
                raise ValueError(text.format(section=section, key=key))
