"""The preparation of images as a file of its own, for whoever has no laudo: the very functions, copied out of their modules."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import laudo
from laudo.core import structures
from laudo.core.recipe import Prepare
from laudo.predict import mask_model, outline, post_process
from laudo.prepare import crop, cut, geometry, mask_back, resample, transform, volume
from laudo.read import content

HEADER = '''"""{title}

Copied out of laudo {version} by `laudo export`: these are the functions that the model was trained with. Apache-2.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from scipy import ndimage
{imports}

class UnreadableImageError(ValueError):
    """An image can not be prepared."""

    def __init__(self, what: str, **facts: object) -> None:
        super().__init__(", ".join([what, *[f"{{name}}: {{value}}" for name, value in facts.items()]]))


def _(text: str) -> str:
    return text


def _settings(given: Mapping[str, Any]) -> Any:
    """Settings with tuples for lists, as the functions below expect them."""
    return SimpleNamespace(**{{name: _tuples(value) for name, value in given.items()}})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(one) for one in value) if isinstance(value, list) else value
'''

Part = Any
"""A function or a class."""

MASK_PARTS: tuple[Part, ...] = (
    structures.Structures,
    post_process.Rule,
    post_process.PostProcessing,
    post_process._components,
    mask_model.class_by_mask,
)
VOLUME_PARTS: tuple[Part, ...] = (
    crop.mask_box,
    crop.widened,
    crop.no_mask,
    crop.background,
    crop.brain_box,
    crop._union,
    crop._head_box,
    resample.new_shape,
    resample.resample,
    resample.resample_labels,
    resample.resize_around_middle,
    geometry.Geometry,
    geometry._three,
    geometry._numbers,
    volume.PreparedVolume,
    volume.Channels,
    volume.prepare_channels,
    volume.channel_limits,
    volume.normalise,
    volume._black_and_white,
    volume._box,
    volume._small,
    volume._floats,
    outline.volume_mask_back,
)
PICTURE_PARTS: tuple[Part, ...] = (
    crop.mask_box,
    crop.widened,
    content.content_box,
    cut.Cut,
    cut.whole,
    cut.cropped,
    cut.crop_box,
    cut._box,
    cut._seen_by_content,
    cut._lesion_box,
    cut._laid_over,
    transform.prepare_array,
    transform.grey_limits,
    transform._picture,
    transform._finished,
    transform._stretch,
    transform.filled,
    transform._fit_padded,
    mask_back.picture_mask_back,
    mask_back._nearest,
    mask_back._linear,
)
CONSTANTS: dict[str, Any] = {
    "CONSTANT_SHARE": crop.CONSTANT_SHARE,
    "COARSE_VOXELS": crop.COARSE_VOXELS,
    "SAME": resample.SAME,
    "ENOUGH_PX": content.ENOUGH_PX,
}

PREPARE_ARRAYS = '''

def prepare_arrays(arrays: Sequence[np.ndarray], affine: np.ndarray) -> PreparedVolume:
    """Prepare the channels of one case.

    Args:
        arrays: (X, Y, Z) volumes of one shape in the order of the channels, axes running to the patient's right, front and head.
        affine: (4, 4) from their voxel indices to millimetres.
    """
    x, y, z = (float(np.linalg.norm(affine[:3, axis])) for axis in range(3))
    return prepare_channels(Channels(list(arrays), None, affine, (x, y, z)), SETTINGS, Path("image"))
'''


def volume_preparation(prepare: Prepare) -> str:
    """Text of a module that prepares volumes and brings answers back to their grids."""
    assert prepare.volume is not None
    parts = (*VOLUME_PARTS, *MASK_PARTS)
    title = "How volumes are prepared for the model, and its answers brought back to their grids."
    settings = prepare.volume.model_dump(mode="json")
    return _module(title, "", parts, settings) + PREPARE_ARRAYS


def picture_preparation(prepare: Prepare) -> str:
    """Text of a module that prepares pictures and brings answers back to their own pixels."""
    planes = prepare.model_dump(mode="json") | {"image_plane": prepare.image_plane}
    title = "How pictures are prepared for the model, and its answers brought back to their own pixels."
    return _module(title, "from PIL import Image\n", (*PICTURE_PARTS, *MASK_PARTS), planes)


def copied(parts: Sequence[Part]) -> str:
    """Sources of functions and classes, one below the other.

    Raises:
        ValueError: two of them have one name.
    """
    names = [part.__name__ for part in parts]
    if len(set(names)) != len(names):
        raise ValueError(f"two parts have one name: {sorted(names)}")
    return "\n\n".join(textwrap.dedent(inspect.getsource(part)) for part in parts)


def _module(title: str, imports: str, parts: Sequence[Part], settings: Mapping[str, Any]) -> str:
    head = HEADER.format(title=title, version=laudo.__version__, imports=imports)
    values = "".join(f"{name} = {value!r}\n" for name, value in CONSTANTS.items())
    kept = f"SETTINGS = _settings(json.loads({json.dumps(json.dumps(settings))}))\n"
    return f"{head}\n\n{values}{kept}\n\n{copied(parts)}"
