"""Outline the structures of images as they lie in their files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.networks.precision import Precision
from laudo.predict.mask_model import MaskAnswer, MaskModel
from laudo.prepare.geometry import Geometry
from laudo.prepare.mask_back import picture_mask_back, prepare_label_map
from laudo.prepare.transform import prepare_array, read_for
from laudo.prepare.volume import check_same_grid, prepare_volume
from laudo.read.mask import read_mask
from laudo.read.table import read_image


@dataclass(frozen=True)
class Outlined:
    """What a model has found in an image.

    Attributes:
        label_map: (H, W) or (X, Y, Z), on the grid that the reader gives.
        spacing_mm: of that grid; (1, 1) for pictures that do not say, in pixels then.
        classes: (C,) probabilities; None where the model names no class.
        in_mm: whether the spacing is known.
        affine: (4, 4) from voxel indices to millimetres, in RAS+; None for pictures.
        ood: how unlike the training images it is, see :class:`laudo.predict.mask_model.MaskAnswer`.
    """

    label_map: np.ndarray
    spacing_mm: tuple[float, ...]
    classes: np.ndarray | None
    in_mm: bool = True
    affine: np.ndarray | None = None
    ood: tuple[float, float] | None = None


def outline(model: MaskModel, paths: Sequence[Path], precision: Precision) -> Outlined:
    """Outline one sample.

    Args:
        model: that is asked.
        paths: its images, in the order of the channels.
        precision: of the networks.

    Raises:
        UnreadableImageError: a file can not be read, or there are not as many as the model needs.
    """
    if model.prepare.volume is not None:
        return _outline_volume(model, paths, precision)
    array, _mask = read_for(paths[0], model.prepare)
    spacing_mm = read_image(paths[0]).spacing_mm
    answer = model.answer(prepare_array(array, model.prepare), precision)
    probabilities = picture_mask_back(answer.masks, array, model.prepare)
    return _finished(
        model, probabilities, answer, (1.0, 1.0) if spacing_mm is None else spacing_mm, spacing_mm is not None
    )


def _outline_volume(model: MaskModel, paths: Sequence[Path], precision: Precision) -> Outlined:
    assert model.prepare.volume is not None
    if len(paths) != model.channels:
        raise UnreadableImageError(
            _("The model looks at several volumes of each case at once."),
            file=paths[0],
            expected=str(model.channels),
            found=str(len(paths)),
        )
    prepared = prepare_volume(paths, [], model.prepare.volume)
    answer = model.answer(prepared.image, precision)
    affine = prepared.geometry.input_affine
    x, y, z = (float(side) for side in np.linalg.norm(affine[:3, :3], axis=0))
    found = _finished(model, volume_mask_back(answer.masks, prepared.geometry), answer, (x, y, z), True)
    return replace(found, affine=affine)


def volume_mask_back(probabilities: np.ndarray, geometry: Geometry) -> np.ndarray:
    """(K, X, Y, Z) probabilities on the input's grid, interpolated; where nothing was looked at all are 0."""
    same = geometry.shape == geometry.input_shape and np.allclose(geometry.scale, 1) and np.allclose(geometry.shift, 0)
    if same:
        return probabilities
    return np.stack([geometry.to_input(one, linear=True) for one in probabilities])


def _finished(
    model: MaskModel, probabilities: np.ndarray, answer: MaskAnswer, spacing_mm: tuple[float, ...], in_mm: bool
) -> Outlined:
    label_map = model.post_processing.apply(model.structures.written(probabilities), spacing_mm)
    return Outlined(label_map, spacing_mm, answer.classes, in_mm, ood=answer.ood)


def true_label_map(
    model: MaskModel,
    paths: Sequence[Path],
    masks: Sequence[Path],
    label: int,
    found: Outlined,
    named: Collection[int] = (),
) -> np.ndarray:
    """What is marked in a sample, on the grid of its image; nothing where it has no mask.

    Args:
        model: whose structures count.
        paths: images of the sample.
        masks: its masks.
        label: index of its class, where structures bear that.
        found: in the image, on whose grid the answer lies; a picture's mask of another size is laid over it.
        named: values of masks that are known to be structures.

    Raises:
        UnreadableImageError: the mask can not be read, or does not lie over the volume.
    """
    shape = found.label_map.shape
    if not masks:
        return np.zeros(shape, dtype=np.uint8)
    read = read_mask(masks, named)
    mask = read.labels
    if found.affine is not None:
        check_same_grid(masks[0], mask.shape, read.affine, shape, found.affine)
    if mask.shape != shape and mask.ndim == 2:
        array = read_image(paths[0]).array
        mask = prepare_label_map(mask, array, model.prepare.model_copy(update=_whole(shape)))
    return model.structures.label_map(mask, label)


def _whole(shape: tuple[int, ...]) -> dict[str, object]:
    """Settings that leave a picture of this shape as it is."""
    return {"height": shape[0], "width": shape[1], "fit": "stretch", "crop": "none"}
