"""BraTS 2018 to 2021: four MR sequences of a glioma in NIfTI, with three nested regions outlined (system S0)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.sources.layout import misfit, names_in, walk
from laudo.sources.listing import make_manifest
from laudo.sources.source import Source

CHANNELS = ("flair", "t1", "t1ce", "t2")
MASK_LABELS = {1: "necrosis", 2: "oedema", 4: "enhancing"}

FILE = re.compile(r"(?P<case>brats\d.*)_(?P<kind>flair|t1|t1ce|t2|seg)(?P<ending>\.nii(?:\.gz)?)", re.IGNORECASE)
"""Brats18_TCIA02_370_1_flair.nii.gz, BraTS20_Training_001_t1ce.nii, BraTS2021_00000_seg.nii.gz"""

CASE_FOLDER = re.compile(r"brats\d", re.IGNORECASE)
WRAPPER = re.compile(
    r"hgg|lgg|miccai_brats.*|brats\d{4}_(training|validation).*|brats.*training.*data.*", re.IGNORECASE
)
"""Folders of the public archives that hold cases, or HGG and LGG."""


def _fits(root: Path) -> bool:
    return _holds_case(root, depth=3)


def _holds_case(folder: Path, depth: int) -> bool:
    """Whether the folder, or the first case folder in it, holds a file of a case; wrappers are opened, nothing else is."""
    folders, files = names_in(folder)
    if any(FILE.fullmatch(name) for name in files):
        return True
    cases = [name for name in folders if CASE_FOLDER.match(name) and not WRAPPER.fullmatch(name)]
    if any(FILE.fullmatch(name) for case in cases[:3] for name in names_in(folder / case)[1]):
        return True
    return depth > 0 and any(_holds_case(folder / name, depth - 1) for name in folders if WRAPPER.fullmatch(name))


def _list(root: Path) -> Manifest:
    cases: list[tuple[Path, str, dict[str, str]]] = []
    for folder, names in walk(root):
        here: dict[str, dict[str, str]] = {}
        for name in names:
            match = FILE.fullmatch(name)
            if match:
                here.setdefault(match["case"], {}).setdefault(match["kind"].lower(), name)
        if len(here) == 1:
            (files,) = here.values()
            _find_misnamed_mask(files, names)
        cases += [(folder, case, files) for case, files in here.items()]
    if not cases:
        raise misfit(SOURCE, root, ["BraTS…_flair.nii.gz", "BraTS…_t1.nii.gz", "…"])
    labelled = any("seg" in files for *_place, files in cases)
    if not labelled:
        say(_("No case has a file of regions (_seg): the images are listed without masks."))
    rows = [_row(root, folder, case, files, labelled) for folder, case, files in cases]
    return make_manifest(SOURCE, root, rows, (), CHANNELS, MASK_LABELS)


def _find_misnamed_mask(files: dict[str, str], names: Iterable[str]) -> None:
    """The regions of BraTS20_Training_355 were published as W39_1998.09.19_Segm.nii."""
    if "seg" not in files:
        others = [name for name in names if "seg" in name.lower() and name.lower().endswith((".nii", ".nii.gz"))]
        if len(others) == 1:
            files["seg"] = others[0]


def _row(root: Path, folder: Path, case: str, files: dict[str, str], labelled: bool) -> dict[str, object]:
    """A sequence that is missing keeps the place and the name that it should have, so that the audit says which it is."""
    ending = ".nii.gz" if next(iter(files.values())).lower().endswith(".gz") else ".nii"
    place = folder.relative_to(root)

    def path(kind: str) -> str:
        return (place / files.get(kind, f"{case}_{kind}{ending}")).as_posix()

    grades = [part.upper() for part in place.parts if part.upper() in {"HGG", "LGG"}]
    return {
        "sample": (place if place.name == case else place / case).as_posix(),
        "image": SEPARATOR.join(path(kind) for kind in CHANNELS),
        "mask": path("seg") if labelled else "",
        "patient": case,
        "grade": grades[0] if grades else "",
    }


SOURCE = Source(
    name="brats",
    folder="brats",
    what=N_(
        "Glioma in four MR sequences (flair, t1, t1ce, t2) with necrosis, oedema and enhancing tumour outlined; 2018 to 2021"
    ),
    size="285 (2018), 335 (2019), 369 (2020), 1251 (2021)",
    licence=N_("the challenge's own terms, accepted on registration"),
    citation="Menze BH et al. The Multimodal Brain Tumor Image Segmentation Benchmark (BRATS). IEEE Transactions on Medical "
    "Imaging 34(10):1993–2024, 2015. Bakas S et al. Advancing The Cancer Genome Atlas glioma MRI collections with expert "
    "segmentation labels and radiomic features. Scientific Data 4:170117, 2017.",
    where=N_("med.upenn.edu/cbica/brats2020 and synapse.org (free account)"),
    layout="ROOT/…/CASE/CASE_{flair,t1,t1ce,t2,seg}.nii[.gz], CASE = Brats18_…, BraTS19_…, BraTS20_… or BraTS2021_…",
    fits=_fits,
    list_samples=_list,
)
