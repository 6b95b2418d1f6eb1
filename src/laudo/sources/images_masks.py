"""Images and their masks in two folders, as most segmentation sets are published: images/x.png and masks/x_mask.png."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.read.table import ENDINGS, is_image_name
from laudo.sources.folders import order_classes
from laudo.sources.hashes import with_hashes
from laudo.sources.layout import some
from laudo.sources.part_names import part_named
from laudo.sources.source import Source

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "imagestr", "images_tr", "imagens", "imagenes", "imágenes")
"""Names of the folder that holds the images, lower case, the likeliest first."""

MASK_FOLDERS = (
    "masks", "mask", "labels", "label", "labelstr", "labels_tr", "segmentations", "segmentation", "annotations", "gt",
    "ground_truth", "groundtruth", "masks_tr", "mascaras", "máscaras",
)  # fmt: skip
"""Names of the folder that holds the masks, the same."""

MASK_SUFFIX = re.compile(
    r"[\s_\-.](?:mask|masks|seg|segmentation|label|labels|gt|groundtruth|ground_truth)(?:[\s_\-]?\d+)?$", re.I
)
"""What the name of a mask may have more than that of its image; a number tells several masks of one image apart."""


@dataclass(frozen=True)
class Pair:
    """Folder of images and folder of their masks; class and part of the split when the folders above name them."""

    images: Path
    masks: Path
    label: str = ""
    part: str = ""


def find_pairs(root: Path) -> list[Pair]:
    """The pair in ROOT itself, or else those in the folders that stand in it (classes, or parts of a split)."""
    own = _pair(root)
    if own:
        return [Pair(*own)]
    found = [(folder.name, *pair) for folder in _folders(root) if (pair := _pair(folder))]
    if found and all(part_named(name) for name, _images, _masks in found):
        return [Pair(images, masks, part=part_named(name)) for name, images, masks in found]
    return [Pair(images, masks, label=name if len(found) > 1 else "") for name, images, masks in found]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX")))


def _pair(folder: Path) -> tuple[Path, Path] | None:
    names = {path.name.lower(): path for path in _folders(folder)}
    images = next((names[name] for name in IMAGE_FOLDERS if name in names), None)
    masks = next((names[name] for name in MASK_FOLDERS if name in names and holds_images(names[name])), None)
    return (images, masks) if images and masks else None


def holds_images(folder: Path) -> bool:
    """Whether an image stands below a folder: labels may also be text files, of boxes."""
    return any(is_image_name(name) for _parent, _folders, names in os.walk(folder) for name in names)


def list_files(folder: Path) -> list[str]:
    """Images below a folder, as relative paths with forward slashes; hidden ones are left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [Path(parent, name).relative_to(folder).as_posix() for name in sorted(names) if is_image_name(name)]
    return sorted(found)


def stem(path: str) -> str:
    """A relative path without the ending of its format, of two parts where the format has one (.nii.gz)."""
    lower = path.lower()
    ending = max((one for one in ENDINGS if lower.endswith(one)), key=len, default="")
    return path[: len(path) - len(ending)]


def match_masks(images: Sequence[str], masks: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Masks of each image, by the same name or by the name with a usual suffix; and the masks that belong to none.

    A mask of the very name of an image is never taken for another image's.
    """
    by_stem: dict[str, list[str]] = {}
    for image in images:
        by_stem.setdefault(stem(image), []).append(image)
    found: dict[str, list[str]] = {image: [] for image in images}
    left = []
    for mask in masks:
        name = stem(mask)
        owners = by_stem.get(name) or by_stem.get(MASK_SUFFIX.sub("", name)) or []
        for image in owners:
            found[image].append(mask)
        if not owners:
            left.append(mask)
    return found, left


def _rows(pair: Pair, root: Path) -> tuple[list[dict[str, object]], list[str]]:
    """Rows of one pair of folders, and the masks that belong to no image."""
    images, masks = pair.images.relative_to(root), pair.masks.relative_to(root)
    found, left = match_masks(list_files(pair.images), list_files(pair.masks))
    rows: list[dict[str, object]] = [
        {
            "sample": (images / image).as_posix(),
            "image": (images / image).as_posix(),
            "mask": SEPARATOR.join((masks / mask).as_posix() for mask in its_masks),
            "label": pair.label,
            "split": pair.part,
        }
        for image, its_masks in found.items()
    ]
    return rows, [(masks / mask).as_posix() for mask in left]


def _list(root: Path) -> Manifest:
    pairs = find_pairs(root)
    if not pairs:
        raise DataError(
            _("The folder is not laid out like this data set."),
            file=root,
            expected=SOURCE.layout,
            found=", ".join(path.name for path in _folders(root)[:10]) or _("no folder"),
            cure=_(
                "Put the images into a folder `images` and their masks, under the same names, into a folder `masks`."
            ),
        )
    rows: list[dict[str, object]] = []
    strangers: list[str] = []
    for pair in pairs:
        more, left = _rows(pair, root)
        rows += more
        strangers += left
    bare = [str(row["image"]) for row in rows if not row["mask"]]
    if len(bare) == len(rows):
        raise DataError(
            _("No image has a mask of its name.") if rows else _("There is no image in the folder."),
            file=pairs[0].images,
            expected=_("masks named like their images, with or without {suffixes}").format(
                suffixes="_mask, _seg, _label, _gt"
            ),
            found="; ".join(filter(None, (", ".join(bare[:3]), ", ".join(strangers[:3]))))
            or _("no image in any folder"),
        )
    _say(pairs, bare, strangers)
    classes = order_classes({pair.label for pair in pairs} - {""})
    return Manifest.from_rows(with_hashes(rows, root), root, SOURCE.name, classes)


def _say(pairs: Sequence[Pair], bare: Sequence[str], strangers: Sequence[str]) -> None:
    if pairs[0].label:
        say(_("Classes are named by the folders: {names}").format(names=", ".join(pair.label for pair in pairs)))
    if pairs[0].part:
        say(
            _("The folders are parts of a split: {names}").format(
                names=", ".join(sorted({pair.part for pair in pairs}))
            )
        )
    if bare:
        say(_("Images without a mask: {n} ({names})").format(n=len(bare), names=some(bare)))
    if strangers:
        say(_("Masks without an image: {n} ({names})").format(n=len(strangers), names=some(strangers)))


SOURCE = Source(
    name="images-masks",
    folder="",
    what=N_("Any folder with images and their masks in two sub-folders, with or without a folder a class around them"),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout="ROOT/images/x.png, ROOT/masks/x.png (x_mask.png, x_seg.png …); ROOT/CLASS/{images,masks}/…",
    fits=lambda root: root.is_dir() and bool(find_pairs(root)),
    list_samples=_list,
)
