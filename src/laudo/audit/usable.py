"""What makes a sample unusable, in one place. Everything else that the checks find is reported only.

Left out with ``unreadable=skip``, refused with ``stop``:

- an image (of any modality) that is missing or can not be read;
- an image of a single level, or of two, which is a drawn region and no scan;
- images of one sample that differ in shape, so that they can not be laid over each other;
- where masks are needed, a mask that is missing though it is listed, or can not be read; or one of another shape than its image,
  unless most masks of the set differ from their images by the same factor (the set was then made so, and the masks are resized
  with their images).

A classifier of whole images never opens a mask, so a bad one is no reason to leave the image out.

Reported only: empty and full masks, grey edges, strange labels, other spacing, small classes, copies, marks, and the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from laudo.audit.inspect import Inspected
from laudo.audit.rare import rare_classes
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.split.parts_check import rare_cure

SAME_FACTOR = 0.02
"""Relative difference of the factors along the axes that still counts as one factor."""


def reasons(images: Sequence[Inspected], masks_needed: bool = True) -> list[str]:
    """Why each sample can not be used, in words; "" when it can.

    Args:
        images: what each sample looks like.
        masks_needed: whether a sample is of use with its mask only.
    """
    usual = usual_factor(images)
    if not masks_needed:
        return [_reason(image) for image in images]
    return [_reason(image) or _reason_of_mask(image, usual) for image in images]


def require_usable(manifest: Manifest, rare: str = "stop", rare_below: int = 2) -> None:
    """Refuse a set of which too little is left to train on.

    Args:
        manifest: the usable samples.
        rare: what rare classes do; with ``keep`` and ``drop`` it is enough that two classes have samples.
        rare_below: with fewer samples than this a class is rare.

    Raises:
        DataError: no sample is left, a class is rare and rare classes are not allowed, or fewer than two have a sample.
    """
    if not len(manifest):
        raise DataError(
            _("No image can be used."),
            file=manifest.root,
            expected=_("images that can be read"),
            cure=_("See what is wrong with each: laudo data audit"),
        )
    counts = manifest.counts
    few = rare_classes(manifest, rare_below if rare == "stop" else 1)
    if not few or (rare != "stop" and len(counts) - len(few) >= 2):
        return
    raise DataError(
        _("A class has too few usable images."),
        file=manifest.root,
        expected=_("at least {n} images a class").format(n=rare_below)
        if rare == "stop"
        else _("images of at least two classes"),
        found=", ".join(f"{name}: {counts[name]}" for name in few),
        cure=rare_cure() if rare == "stop" else None,
    )


def mask_factor(image: Inspected) -> tuple[float, ...] | None:
    """How much larger the mask is than its image, per axis, to two decimals; None without a mask that can be read."""
    mask = image.mask
    if image.error or mask is None or mask.error or not image.channels:
        return None
    if len(mask.shape) != len(image.size):
        return (0.0,)
    return tuple(round(one / other, 2) for one, other in zip(mask.shape, image.size, strict=True))


def usual_factor(images: Sequence[Inspected]) -> tuple[float, ...] | None:
    """The factor between masks and images that most of the set has; None when no factor is in the majority."""
    factors = Counter(factor for image in images if (factor := mask_factor(image)) is not None)
    if not factors:
        return None
    factor, count = factors.most_common(1)[0]
    uniform = min(factor) > 0 and max(factor) - min(factor) <= SAME_FACTOR * max(factor)
    return factor if uniform and 2 * count > factors.total() else None


def mask_fits(image: Inspected, usual: tuple[float, ...] | None) -> bool:
    """Whether a sample's mask can be laid over its image."""
    factor = mask_factor(image)
    if factor is None or image.mask is None or image.mask.shape == image.size:
        return True
    return factor == usual and max(factor) != 1.0


def channels_fit(image: Inspected) -> bool:
    """Whether a sample's images have one shape."""
    return len({channel.shape for channel in image.channels}) < 2


def _reason(image: Inspected) -> str:
    if image.error:
        return f"{image.error.what} ({image.error.found})" if image.error.found else image.error.what
    if image.looks_like_mask:
        return _("it has two levels only and looks like a mask, not like a scan")
    if image.levels < 2:
        return _("every pixel has the same value")
    if not channels_fit(image):
        return _("its images differ in shape: {shapes}").format(
            shapes=", ".join(_sides(channel.shape) for channel in image.channels)
        )
    return ""


def _reason_of_mask(image: Inspected, usual: tuple[float, ...] | None) -> str:
    if image.mask is None:
        return ""
    if image.mask.error:
        reason = _("its mask can not be read: {error}").format(error=image.mask.error)
    elif not mask_fits(image, usual):
        reason = _("its mask is {mask}, the image {image}").format(
            mask=_sides(image.mask.shape), image=_sides(image.size)
        )
    else:
        return ""
    if len(image.size) > 2:
        return reason  # volumes are prepared with their masks, whatever is learned from them
    return _("{reason}; it can be used where no masks are needed").format(reason=reason)


def _sides(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
