"""What makes a sample unusable, in one place. Everything else that the checks find is reported only.

Left out with ``unreadable=skip``, refused with ``stop``:

- an image (of any modality) or a mask that is missing or can not be read;
- an image of a single level, or of two, which is a drawn region and no scan;
- images of one sample that differ in shape, so that they can not be laid over each other;
- a mask of another shape than its image, unless most masks of the set differ from their images by the same factor (the set was
  then made so, and the masks are resized with their images).

Reported only: empty and full masks, grey edges, strange labels, other spacing, small classes, copies, marks, and the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from laudo.audit.inspect import Inspected
from laudo.core.messages import _

SAME_FACTOR = 0.02
"""Relative difference of the factors along the axes that still counts as one factor."""


def reasons(images: Sequence[Inspected]) -> list[str]:
    """Why each sample can not be used, in words; "" when it can."""
    usual = usual_factor(images)
    return [_reason(image, usual) for image in images]


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


def _reason(image: Inspected, usual: tuple[float, ...] | None) -> str:
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
    if image.mask is not None and image.mask.error:
        return _("its mask can not be read: {error}").format(error=image.mask.error)
    if image.mask is not None and not mask_fits(image, usual):
        return _("its mask is {mask}, the image {image}").format(
            mask=_sides(image.mask.shape), image=_sides(image.size)
        )
    return ""


def _sides(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))
