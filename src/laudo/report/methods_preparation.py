"""The sentences of the methods paragraph on preparation and augmentation."""

from __future__ import annotations

from laudo.core.recipe import Augment, Prepare, Recipe
from laudo.report.citations import CUTMIX, CUTOUT, MIXUP, cite
from laudo.report.context import Evidence
from laudo.report.voice import Voice


def preparation_text(_evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How images became what the network ate, and what was changed at random; a sentence each."""
    _ = voice.gettext
    prepare = recipe.prepare
    text = []
    if prepare.mask == "erase":
        text.append(_("Everything outside the mask was painted black."))
    if prepare.crop == "content":
        text.append(_("Black borders were cut away."))
    elif prepare.crop == "lesion":
        text.append(
            _("Each image was cropped to the box around its mask, with {margin} of its side kept around it.").format(
                margin=voice.percent(prepare.margin)
            )
        )
    if prepare.needs_mask and prepare.volume is None and prepare.without_mask == "whole":
        text.append(_("Images whose mask is missing or empty were kept whole."))
    if prepare.planes:
        names = {"image": _("the image"), "mask": _("the mask"), "whole": _("the whole image, not cropped")}
        text.append(
            _("In place of colours the network was given these planes: {planes}.").format(
                planes=voice.join([names[plane] for plane in prepare.planes])
            )
        )
    text += _grey_levels(prepare, voice)
    size = {"width": prepare.width, "height": prepare.height}
    if prepare.fit == "pad":
        text.append(
            _(
                "Images were scaled to fit {width} × {height} pixels with their aspect kept, and padded with black."
            ).format(**size)
        )
    else:
        text.append(_("Images were resized to {width} × {height} pixels without keeping their aspect.").format(**size))
    changes = _changes(recipe.augment, voice)
    if recipe.augment.mirrored_copies:
        text.append(_("Every training image was also used mirrored left and right."))
    mixed = _mixed(recipe.augment, voice)
    if changes:
        text.append(_("Only training images were augmented at random: {changes}.").format(changes=voice.join(changes)))
    elif not recipe.augment.mirrored_copies and not mixed:
        text.append(_("No augmentation was used."))
    return text + mixed


def _mixed(augment: Augment, voice: Voice) -> list[str]:
    _ = voice.gettext
    mixup = _("mixed by a weight from Beta({a}, {a})").format(a=voice.short(augment.mixup)) + cite(MIXUP)
    cutmix = _("given a rectangle of one another, its area from Beta({a}, {a})").format(
        a=voice.short(augment.cutmix)
    ) + cite(CUTMIX)
    if augment.mixup and augment.cutmix:
        text = _(
            "In each batch of training images, pairs and their targets were either {first} or {second}, by chance."
        )
        return [text.format(first=mixup, second=cutmix)]
    if augment.mixup or augment.cutmix:
        text = _("In each batch of training images, pairs and their targets were {mixed}.")
        return [text.format(mixed=mixup if augment.mixup else cutmix)]
    return []


def _grey_levels(prepare: Prepare, voice: Voice) -> list[str]:
    _ = voice.gettext
    if prepare.intensity == "percentile":
        if prepare.percentiles == (1.0, 99.0):
            return [_("The intensities of each image were stretched from its 1st to its 99th percentile.")]
        low, high = (voice.short(value) for value in prepare.percentiles)
        text = _("The intensities of each image were stretched from its percentile {low} to its percentile {high}.")
        return [text.format(low=low, high=high)]
    if prepare.intensity == "zscore":
        return [_("The intensities of each image were stretched from 3 standard deviations below its mean to 3 above.")]
    if prepare.intensity == "window" and prepare.window is not None:
        centre, width = (voice.short(value) for value in prepare.window)
        text = _("The intensities were cut to a window of centre {centre} and width {width}.")
        return [text.format(centre=centre, width=width)]
    if prepare.intensity == "range" and prepare.limits is not None:
        low, high = (voice.short(value) for value in prepare.limits)
        return [_("The intensities were stretched from {low} to {high}.").format(low=low, high=high)]
    if prepare.intensity == "fitted":
        return [_("The intensities were stretched between limits that were found on the training part.")]
    return []


def _changes(augment: Augment, voice: Voice) -> list[str]:
    _ = voice.gettext
    named = (
        (augment.horizontal_flip, _("horizontal flips with probability {value}"), voice.short),
        (augment.vertical_flip, _("vertical flips with probability {value}"), voice.short),
        (augment.rotation_degrees, _("rotations up to {value} degrees"), voice.short),
        (augment.scale, _("scaling up to {value}"), voice.percent),
        (augment.translation, _("shifts up to {value} of the side"), voice.percent),
        (augment.brightness, _("brightness up to {value} of the range"), voice.percent),
        (augment.contrast, _("contrast up to {value}"), voice.percent),
        (augment.saturation, _("saturation up to {value}"), voice.percent),
        (augment.noise, _("Gaussian noise up to {value} of the range"), voice.percent),
        (augment.blur_px, _("Gaussian blur up to {value} pixels"), voice.short),
    )
    found = [text.format(value=write(value)) for value, text, write in named if value > 0]
    if augment.cutout:
        text = _("squares of {side} of the side painted over with probability {value}")
        found.append(
            text.format(side=voice.percent(augment.cutout_size), value=voice.short(augment.cutout)) + cite(CUTOUT)
        )
    return found
