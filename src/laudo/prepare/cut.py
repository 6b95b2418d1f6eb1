"""What is left of a picture before its grey levels are measured: erased outside its mask, cropped to its content or lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from laudo.core.recipe import Prepare
from laudo.prepare.crop import Box, mask_box, widened
from laudo.read.content import content_box


@dataclass(frozen=True)
class Cut:
    """A picture, or a part of it.

    Attributes:
        array: (H, W) or (H, W, 3), as it was decoded.
        grey: (H, W) grey levels.
        inside: (H, W) bool, the mask of the same part; None when the recipe does not look at it.
        erased: whether only what is inside is to be seen.
    """

    array: np.ndarray
    grey: np.ndarray
    inside: np.ndarray | None = None
    erased: bool = False

    @property
    def levels(self) -> np.ndarray:
        """Grey levels that are measured: of an erased picture those inside the mask, since black is no part of what is seen."""
        return self.grey[self._seen] if self._seen is not None else self.grey

    @property
    def values(self) -> np.ndarray:
        """The same of the picture as it was decoded, colours apart."""
        return self.array[self._seen] if self._seen is not None else self.array

    @property
    def _seen(self) -> np.ndarray | None:
        return self.inside if self.erased and self.inside is not None and self.inside.any() else None


def whole(array: np.ndarray, mask: np.ndarray | None, prepare: Prepare) -> Cut:
    """All of the picture.

    Args:
        array: (H, W) or (H, W, 3).
        mask: (h, w), not 0 in the lesion; where the recipe looks at it, all of the picture is inside a missing or an empty one.
        prepare: what the recipe asks for.
    """
    grey = array if array.ndim == 2 else array.mean(axis=2)
    if prepare.mask == "keep" and "mask" not in prepare.planes:
        return Cut(array, grey)
    known = mask is not None and mask.any()
    inside = _laid_over(mask, grey.shape) if mask is not None and known else np.ones(grey.shape, dtype=bool)
    return Cut(array, grey, inside, prepare.mask == "erase")


def cropped(array: np.ndarray, mask: np.ndarray | None, prepare: Prepare) -> Cut:
    """The picture, erased and cropped as the recipe says; see :func:`whole`."""
    cut = whole(array, mask, prepare)
    box = _box(cut, mask, prepare)
    if box is None:
        return cut
    return Cut(cut.array[box], cut.grey[box], None if cut.inside is None else cut.inside[box], cut.erased)


def crop_box(array: np.ndarray, mask: np.ndarray | None, prepare: Prepare) -> Box:
    """Rows and columns of the picture that :func:`cropped` keeps; see :func:`whole`."""
    box = _box(whole(array, mask, prepare), mask, prepare) or (slice(None), slice(None))
    return tuple(slice(*one.indices(side)[:2]) for one, side in zip(box, array.shape[:2], strict=True))


def _box(cut: Cut, mask: np.ndarray | None, prepare: Prepare) -> Box | None:
    """What is kept of all of a picture; None when everything is."""
    if prepare.crop == "content":
        return content_box(_seen_by_content(cut))
    if prepare.crop == "lesion" and mask is not None:
        return _lesion_box(mask, prepare.margin, cut.grey.shape)
    return None


def _seen_by_content(cut: Cut) -> np.ndarray:
    """Grey levels from 0 (black) up."""
    signed = not np.issubdtype(cut.array.dtype, np.unsignedinteger)
    grey = cut.grey - cut.levels.min() if signed else cut.grey
    return np.where(cut.inside, grey, 0) if cut.erased and cut.inside is not None else grey


def _lesion_box(mask: np.ndarray, margin: float, shape: tuple[int, ...]) -> Box | None:
    """Box around the lesion in the image's own pixels; None when the mask is empty."""
    found = mask_box(mask)
    if found is None:
        return None
    if mask.shape != shape:  # a mask of another size lies over the whole image
        found = tuple(
            slice(
                int(one.start * side / own), max(int(one.start * side / own) + 1, int(np.ceil(one.stop * side / own)))
            )
            for one, own, side in zip(found, mask.shape, shape, strict=True)
        )
    return widened(found, [margin * (one.stop - one.start) for one in found], shape)


def _laid_over(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool: the mask over the whole image; of another size, pixels that it covers by half or more.

    A lesion too small for that keeps every pixel that it touches.
    """
    inside: np.ndarray = mask != 0
    if inside.shape == shape:
        return inside
    image = Image.fromarray(inside.astype(np.uint8) * 255)
    resized = np.array(image.resize((shape[1], shape[0]), Image.Resampling.BOX))
    over: np.ndarray = resized > 127
    return over if over.any() else resized > 0
