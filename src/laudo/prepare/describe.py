"""Measured features of pictures, always as many: what a classical model, or a head beside an image, eats."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from laudo.core.cache_folder import cache_folder
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import step
from laudo.core.recipe import OF_MASK, DescriptorGroup, Prepare
from laudo.prepare.bounded import in_order
from laudo.prepare.cache import Picture, not_written, picture_keys
from laudo.prepare.cut import whole
from laudo.prepare.descriptor_cache import known_rows, write_rows
from laudo.prepare.transform import prepare_array, read_for, transform_key

VERSION = 1
"""Raised whenever a value that this code measures changes, so that no old entry is used. A test holds some of them."""
GROUPS: dict[DescriptorGroup, str] = {
    "texture": "laudo.prepare.descriptor_texture",
    "intensity": "laudo.prepare.descriptor_intensity",
    "colour": "laudo.prepare.descriptor_colour",
    "shape": "laudo.prepare.descriptor_shape",
    "lesion": "laudo.prepare.descriptor_lesion",
}
"""Where each group is measured; brought in when it is asked for, since scikit-image takes a second."""
LIBRARIES = ("numpy", "scipy", "skimage", "pywt", "PIL")
"""What the values depend on besides this code."""


def descriptor_names(groups: Sequence[DescriptorGroup]) -> tuple[str, ...]:
    """Name of each value that these groups give, in the order of :func:`describe_file`."""
    return tuple(f"{group}_{name}" for group in dict.fromkeys(groups) for name in _module(group).names())


def describe_file(
    path: Path, prepare: Prepare, groups: Sequence[DescriptorGroup], masks: Sequence[Path] = ()
) -> np.ndarray:
    """(D,) float32 of one picture; every value is finite.

    Args:
        path: the picture.
        prepare: how it is prepared for `texture`, `intensity` and `colour`; fitted. Planes are left aside: what is measured is the
            image that they are made of.
        groups: what is measured.
        masks: its masks, for `shape` and `lesion` and where the preparation needs them.

    Raises:
        UnreadableImageError: a file gives no picture, or the lesion is needed and not known (`without_mask: stop`).
    """
    prepare = _of_image(prepare)
    # A recipe that erases needs the mask as these groups do: one place decides what becomes of a picture without one.
    asking = prepare if OF_MASK.isdisjoint(groups) else prepare.model_copy(update={"mask": "erase"})
    array, mask = read_for(path, asking, masks)
    return describe_array(array, prepare, groups, mask)


def describe_array(
    array: np.ndarray, prepare: Prepare, groups: Sequence[DescriptorGroup], mask: np.ndarray | None = None
) -> np.ndarray:
    """(D,) float32 of an (H, W) or (H, W, 3) picture.

    Args:
        array: uint8, uint16, int16 or float32.
        prepare: how; fitted.
        groups: what is measured.
        mask: not 0 in the lesion; one of another size lies over the whole picture. Missing or empty: all of it is the lesion.
    """
    prepare = _of_image(prepare)
    found: list[np.ndarray] = []
    groups = tuple(dict.fromkeys(groups))
    if not OF_MASK.issuperset(groups):
        image = prepare_array(array, prepare, mask)
        prepared = image[..., 0] if image.shape[2] == 1 else np.asarray(Image.fromarray(image).convert("L"))
    lesion = whole(array, mask, prepare.model_copy(update={"mask": "erase"})).inside
    assert lesion is not None
    for group in groups:
        measure = _module(group).measure
        if group == "shape":
            found.append(measure(lesion))
        elif group == "lesion":
            found.append(measure(_eight_bits(array), lesion))
        else:
            found.append(measure(image if group == "colour" else prepared))
    values = np.concatenate(found).astype(np.float32)
    assert np.isfinite(values).all(), "a descriptor is not a number"
    return values


def describe_images(
    manifest: Manifest,
    prepare: Prepare,
    groups: Sequence[DescriptorGroup],
    cache: Path | None = None,
    jobs: int | None = None,
) -> np.ndarray:
    """(n, D) float32 of every picture of a manifest, in its order; what the cache holds is not measured again.

    Args:
        manifest: samples with the hash of each file.
        prepare: how; fitted.
        groups: what is measured.
        cache: folder of the cache; default :func:`cache_folder`.
        jobs: threads; default all cores.

    Raises:
        UnreadableImageError: see :func:`describe_file`.
        DataError: the cache can not be written, or a sample has several images.
    """
    prepare = _of_image(prepare)
    size = len(descriptor_names(groups))
    folder = (cache or cache_folder()) / "descriptors" / descriptors_key(prepare, groups)
    masked = prepare.needs_mask or not OF_MASK.isdisjoint(groups)
    keys = picture_keys(manifest, prepare.model_copy(update={"mask": "erase"}) if masked else prepare)
    known = known_rows(folder, set(keys), size)
    missing: dict[str, Picture] = {}
    for index, (key, path) in enumerate(zip(keys, manifest.paths, strict=True)):
        if key not in known and key not in missing:
            missing[key] = Picture(path, tuple(manifest.mask_paths(index)) if masked else ())

    def work(picture: Picture) -> np.ndarray:
        return describe_file(picture.image, prepare, groups, picture.masks)

    if missing:
        with (
            step(_("Measuring the images"), len(missing)) as advance,
            closing(in_order(work, missing.values(), jobs or os.cpu_count() or 1)) as found,
        ):
            try:
                known |= write_rows(folder, list(missing), found, advance)
            except OSError as error:
                raise not_written(folder, error) from error
    return np.stack([known[key] for key in keys]) if keys else np.zeros((0, size), dtype=np.float32)


def descriptors_key(prepare: Prepare, groups: Sequence[DescriptorGroup]) -> str:
    """Hash of everything that decides the values, but for the files themselves."""
    facts = {
        "version": VERSION,
        "transform": transform_key(_of_image(prepare)),
        "names": descriptor_names(groups),
        "libraries": {name: import_module(name).__version__ for name in LIBRARIES},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]


def _module(group: str) -> ModuleType:
    return import_module(GROUPS[group])  # type: ignore[index]  # a group of the recipe


def _of_image(prepare: Prepare) -> Prepare:
    return prepare.model_copy(update={"planes": ()}) if prepare.planes else prepare


def _eight_bits(array: np.ndarray) -> np.ndarray:
    """(H, W) uint8 grey levels; what has more than eight bits is stretched over its own range, as pictures are when prepared."""
    grey = array if array.ndim == 2 else array.mean(axis=2)
    if array.dtype == np.uint8:
        return grey.round().astype(np.uint8)
    grey = grey.astype(np.float64)
    low, high = float(grey.min()), float(grey.max())
    return ((grey - low) * (255 / (high - low) if high > low else 0.0)).round().astype(np.uint8)
