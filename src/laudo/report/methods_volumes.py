"""The sentences of the methods paragraph on how volumes were prepared and changed at random."""

from __future__ import annotations

from laudo.core.recipe import AugmentVolume, PrepareVolume, Recipe
from laudo.report.citations import cite
from laudo.report.citations_of_masks import WINDOWS
from laudo.report.context import Evidence
from laudo.report.methods_preparation import preparation_text
from laudo.report.voice import Voice


def mask_preparation_text(evidence: Evidence, recipe: Recipe, voice: Voice) -> list[str]:
    """How images became what the network ate, and what was changed at random; a sentence each."""
    volume = recipe.prepare.volume
    if volume is None:
        return preparation_text(evidence, recipe, voice)
    text = [*_space(evidence, volume, voice), *_grey_levels(volume, voice), *_kept(volume, voice)]
    text += _patches(recipe, voice)
    return text + _changes(recipe.augment.volume, voice)


def _space(evidence: Evidence, volume: PrepareVolume, voice: Voice) -> list[str]:
    _ = voice.gettext
    text = []
    if volume.crop == "brain":
        text.append(
            _("Volumes were cropped to what is not background, with {margin} mm kept around it.").format(
                margin=voice.short(volume.margin_mm)
            )
        )
    spacing = volume.spacing_mm
    if spacing == "median":  # what was found on the training part is in model.json
        found = ((evidence.model.get("prepare") or {}).get("volume") or {}).get("spacing_mm")
        text.append(
            _("Volumes were resampled to the median spacing of the training part, {spacing} mm.").format(
                spacing=_times(found, voice)
            )
            if isinstance(found, list)
            else _("Volumes were resampled to the median spacing of the training part.")
        )
    elif spacing is None:
        text.append(_("Volumes kept their own spacing."))
    else:
        text.append(_("Volumes were resampled to {spacing} mm.").format(spacing=_times(spacing, voice)))
    if spacing is not None:
        image = {"linear": _("linear"), "cubic": _("cubic")}[volume.resample]
        mask = {"nearest": _("nearest-neighbour"), "linear": _("linear (each structure on its own)")}[
            volume.resample_mask
        ]
        text.append(_("Interpolation was {image} for images and {mask} for masks.").format(image=image, mask=mask))
    if volume.size_voxels is not None:
        text.append(
            _("Volumes were padded or cut around their middle to {size} voxels.").format(
                size=_times(volume.size_voxels, voice)
            )
        )
    return text


def _grey_levels(volume: PrepareVolume, voice: Voice) -> list[str]:
    _ = voice.gettext
    if volume.intensity == "zscore":
        return [
            _("Grey levels of each volume were brought to mean 0 and deviation 1, measured without the background.")
        ]
    if volume.intensity == "percentile":
        low, high = (voice.short(value) for value in volume.percentiles)
        text = _("Grey levels of each volume were stretched from its percentile {low} to its percentile {high}.")
        return [text.format(low=low, high=high)]
    if volume.intensity == "window" and volume.window is not None:
        centre, width = (voice.short(value) for value in volume.window)
        text = _("The intensities were cut to a window of centre {centre} and width {width}.")
        return [text.format(centre=centre, width=width)]
    if volume.intensity == "fitted":
        return [_("The intensities were stretched between limits that were found on the training part.")]
    if volume.intensity == "range" and volume.limits is not None:
        pairs = voice.join([f"{voice.short(low)}–{voice.short(high)}" for low, high in volume.limits])
        return [_("The intensities were stretched from black to white between {limits}.").format(limits=pairs)]
    return []


def _kept(volume: PrepareVolume, voice: Voice) -> list[str]:
    return [voice.gettext("Prepared volumes were kept in half precision.")] if volume.dtype == "float16" else []


def _patches(recipe: Recipe, voice: Voice) -> list[str]:
    _ = voice.gettext
    patch = recipe.training.patch
    if patch.size_voxels is None:
        return []
    text = _(
        "The network learned from patches of {size} voxels; {share} of them lie around a marked voxel, each structure equally "
        "often, the others anywhere. An epoch has {steps} steps."
    )
    return [
        text.format(
            size=_times(patch.size_voxels, voice),
            share=voice.percent(patch.foreground),
            steps=voice.integer(patch.steps),
        )
    ]


def _changes(augment: AugmentVolume | None, voice: Voice) -> list[str]:
    _ = voice.gettext
    if augment is None:
        return [_("No augmentation was used.")]

    def span(ends: tuple[float, float]) -> str:
        return f"{voice.short(ends[0])}–{voice.short(ends[1])}"

    named = (
        (max(augment.mirror), _("mirroring along each axis (probability {p})"), _each(augment.mirror, voice), ""),
        (
            augment.rotation,
            _("rotations up to {range} degrees about each axis (probability {p})"),
            "",
            _each(augment.rotation_degrees, voice),
        ),
        (augment.scale, _("scaling by {range} (probability {p})"), "", span(augment.scale_factors)),
        (
            augment.noise,
            _("Gaussian noise of a deviation up to {range} (probability {p})"),
            "",
            voice.short(augment.noise_deviation),
        ),
        (augment.blur, _("Gaussian blur of {range} voxels (probability {p})"), "", span(augment.blur_voxels)),
        (augment.brightness, _("brightness times {range} (probability {p})"), "", span(augment.brightness_factors)),
        (augment.contrast, _("contrast times {range} (probability {p})"), "", span(augment.contrast_factors)),
        (
            augment.low_resolution,
            _("a lower resolution, {range} of the voxels along each axis (probability {p})"),
            "",
            span(augment.low_resolution_factors),
        ),
        (augment.gamma, _("gamma curves of {range} (probability {p})"), "", span(augment.gamma_exponents)),
        (augment.gamma_inverted, _("the same on the negative (probability {p})"), "", ""),
    )
    found = [text.format(p=own or voice.short(p), range=reach) for p, text, own, reach in named if p > 0]
    if not found:
        return [_("No augmentation was used.")]
    text = _("Only training patches were changed at random, as nnU-Net does{cite}: {changes}.")
    told = [text.format(cite=cite(WINDOWS), changes=voice.join(found))]
    if augment.move_mask == "nearest" and (augment.rotation or augment.scale):
        told.append(_("Masks moved with them by nearest neighbour."))
    elif augment.rotation or augment.scale:
        told.append(_("Masks moved with them by linear interpolation of each structure."))
    return told


def _each(values: tuple[float, float, float], voice: Voice) -> str:
    """One number where all axes have the same."""
    own = list(dict.fromkeys(values))
    return " / ".join(voice.short(value) for value in (own if len(own) == 1 else values))


def _times(values: object, voice: Voice) -> str:
    """``40 × 56 × 40``."""
    assert isinstance(values, list | tuple)
    return " × ".join(voice.short(value) for value in values)
