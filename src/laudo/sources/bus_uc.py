"""BUS-UC: breast ultrasound, benign and malignant lesions with their outline (system S4)."""

from __future__ import annotations

from pathlib import Path

from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.read.table import is_image_name
from laudo.sources.layout import first_that, misfit, names_in, some
from laudo.sources.listing import make_manifest
from laudo.sources.source import Source

FOLDERS = {"benign": "Benign", "malignant": "Malignant"}
"""Class → its folder. The file names have gaps, and ``01.png`` and ``001.png`` are two images."""


def _holds(folder: Path) -> bool:
    return all((folder / name / "images").is_dir() for name in FOLDERS.values())


def _fits(root: Path) -> bool:
    return first_that(root, ("BUS_UC",), _holds) is not None


def _list(root: Path) -> Manifest:
    root = first_that(root, ("BUS_UC",), _holds) or root
    needed = [f"{name}/{kind}" for name in FOLDERS.values() for kind in ("images", "masks")]
    missing = [name for name in needed if not (root / name).is_dir()]
    if missing:
        raise misfit(SOURCE, root, missing)
    rows: list[dict[str, object]] = []
    for label, folder in FOLDERS.items():
        images = _image_names(root / folder / "images")
        if not images:
            raise misfit(SOURCE, root, [f"{folder}/images/*.png"])
        masks = _image_names(root / folder / "masks")
        alone = sorted(set(masks) - set(images))
        if alone:
            say(_("Masks without an image: {n} ({names})").format(n=len(alone), names=some(alone)))
        rows += [
            {"sample": f"{folder}/images/{name}", "image": f"{folder}/images/{name}", "mask": f"{folder}/masks/{name}",
             "label": label}
            for name in images
        ]  # fmt: skip
    return make_manifest(SOURCE, root, rows, tuple(FOLDERS))


def _image_names(folder: Path) -> list[str]:
    return [name for name in names_in(folder)[1] if is_image_name(name)]


SOURCE = Source(
    name="bus-uc",
    folder="bus_uc",
    what=N_("811 breast ultrasound images with lesion masks: 358 benign, 453 malignant; no patient identifiers"),
    size="811",
    licence="CC BY 4.0",
    citation="Iqbal A, Sharif M. Memory-efficient transformer network with feature fusion for breast tumor segmentation "
    "and classification task. Engineering Applications of Artificial Intelligence 127:107292, 2024.",
    where="data.mendeley.com/datasets/3ksd7w7jkx",
    layout="ROOT/Benign/images/*.png, ROOT/Benign/masks/*.png, ROOT/Malignant/images/*.png, ROOT/Malignant/masks/*.png",
    fits=_fits,
    list_samples=_list,
)
