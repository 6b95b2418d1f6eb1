"""Label maps of pictures on the grids of the prepared images, in the same cache."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Prepare
from laudo.prepare.cache import Making, Picture, PreparedImages, prepare_pictures
from laudo.prepare.mask_back import prepare_label_map
from laudo.prepare.transform import transform_key
from laudo.read.mask import read_mask
from laudo.read.table import read_image

VERSION = 1
"""Raised whenever the pixels that this file makes change, so that no old cache entry is used."""


def prepare_label_maps(
    manifest: Manifest, prepare: Prepare, cache: Path | None = None, jobs: int | None = None
) -> PreparedImages:
    """(height, width, 1) label map of each sample's picture, over the prepared image; of a sample without a mask nothing is marked.

    Args:
        manifest: samples with the hashes of their files; those whose hashes are known are not opened.
        prepare: of the images; it can not need the mask itself.
        cache: folder of the cache; default :func:`laudo.core.cache_folder.cache_folder`.
        jobs: threads that decode; default all cores.

    Raises:
        UnreadableImageError: a file gives no picture, or its labels are not between 0 and 255.
        DataError: the cache can not be written.
    """

    def make(picture: Picture) -> np.ndarray:
        if not picture.masks:
            return np.zeros((prepare.height, prepare.width, 1), dtype=np.uint8)
        labels = read_mask(picture.masks, manifest.mask_labels).labels
        if labels.dtype != np.uint8:
            raise UnreadableImageError(
                _("The labels of a picture's mask do not fit into one byte."),
                file=picture.masks[0],
                expected="0 … 255",
                found=f"{labels.min()} … {labels.max()}",
            )
        return prepare_label_map(labels, read_image(picture.image).array, prepare)[..., None]

    named = hashlib.sha256(repr(sorted(manifest.mask_labels)).encode()).hexdigest()[:8] if manifest.mask_labels else ""
    folder = f"{transform_key(prepare)}-labels-{VERSION}{named and '-'}{named}"
    making = Making(folder, (prepare.height, prepare.width, 1), True, make)
    return prepare_pictures(manifest, making, cache, jobs)
