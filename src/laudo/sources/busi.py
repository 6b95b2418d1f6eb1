"""BUSI: breast ultrasound, benign, malignant and normal, an image with one or several lesion masks."""

from __future__ import annotations

import re
from pathlib import Path

from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.read.table import is_image_name
from laudo.sources.layout import first_that, misfit, names_in, some
from laudo.sources.listing import make_manifest, natural
from laudo.sources.source import Download, Source

CLASSES = ("benign", "malignant", "normal")
WRAPPERS = ("Dataset_BUSI_with_GT", "Dataset_BUSI/Dataset_BUSI_with_GT")
"""Folders that the archive unpacks into."""

MASK = re.compile(r"(?P<image>.+)_mask(?:_\d+)?")
"""Stem of a mask: ``benign (1)_mask``, and ``_mask_1``, ``_mask_2`` where an image has more lesions than one."""


def _holds(folder: Path) -> bool:
    """The folders alone could be anyone's; the names ``benign (1).png`` are this set's."""
    return all(
        any(name.startswith(f"{label} (") for name in names_in(folder / label)[1]) for label in ("benign", "malignant")
    )


def _fits(root: Path) -> bool:
    return first_that(root, WRAPPERS, _holds) is not None


def _list(root: Path) -> Manifest:
    root = first_that(root, WRAPPERS, _holds) or root
    missing = [label for label in CLASSES if not (root / label).is_dir()]
    if missing:
        raise misfit(SOURCE, root, missing)
    rows: list[dict[str, object]] = []
    alone: list[str] = []
    for label in CLASSES:
        names = [name for name in names_in(root / label)[1] if is_image_name(name)]
        masks: dict[str, list[str]] = {}
        images = []
        for name in sorted(names, key=natural):
            match = MASK.fullmatch(Path(name).stem)
            if match:
                masks.setdefault(match["image"], []).append(f"{label}/{name}")
            else:
                images.append(name)
        if not images:
            raise misfit(SOURCE, root, [f"{label}/{label} (1).png"])
        for name in images:
            stem = Path(name).stem
            # an image without any mask keeps the name that its mask should have: the audit says that it is not there
            files = masks.pop(stem, [f"{label}/{stem}_mask.png"])
            path = f"{label}/{name}"
            rows.append({"sample": path, "image": path, "mask": SEPARATOR.join(files), "label": label})
        alone += [name for files in masks.values() for name in files]
    if alone:
        say(_("Masks without an image: {n} ({names})").format(n=len(alone), names=some(alone)))
    return make_manifest(SOURCE, root, rows, CLASSES)


SOURCE = Source(
    name="busi",
    folder="busi",
    what=N_(
        "780 breast ultrasound images: 437 benign, 210 malignant, 133 normal, with one or several lesion masks each"
    ),
    size="780",
    licence=N_("not stated by its publisher"),
    citation="Al-Dhabyani W, Gomaa M, Khaled H, Fahmy A. Dataset of breast ultrasound images. Data in Brief 28:104863, 2020.",
    where="scholar.cu.edu.eg/?q=afahmy/pages/dataset",
    layout="ROOT/{benign,malignant,normal}/benign (1).png, …/benign (1)_mask.png, …/benign (1)_mask_1.png",
    fits=_fits,
    list_samples=_list,
    downloads=(Download("https://scholar.cu.edu.eg/Dataset_BUSI.zip", "Dataset_BUSI.zip"),),
)
