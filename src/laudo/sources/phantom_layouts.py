"""Synthetic pictures in the layouts of public data sets and of the generic sources: one function a layout."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np

from laudo.core.atomic import write_bytes, write_text
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.sources.phantom_brain import png, slices
from laudo.sources.phantom_files import Variable, jpeg, matlab, rgb_png, table
from laudo.sources.phantom_marks import has_marks, with_callipers
from laudo.sources.phantom_medpix import case_images
from laudo.sources.phantom_types import KINDS, border, typed_slices
from laudo.sources.phantom_ultrasound import UltrasoundImage, images

README = """Synthetic images
================
Every image in this folder was computed by `laudo` from geometric shapes and random numbers.
No person was scanned. The images serve to try the program and to test it; a model trained on them
knows nothing about real images, and its scores say nothing about any clinical question.

The files are laid out like {layout}.
"""


def write_kaggle_brain(folder: Path, n: int, seed: int = 0, size: int = 256) -> None:
    """``yes/Y<k>.jpg`` and ``no/<k> no.jpg``: brain slices without patients, as in the Kaggle set."""
    counts: Counter[str] = Counter()
    for item in track(slices(n, seed, size, per_patient=2), _("Making synthetic images"), total=n):
        counts[item.label] += 1
        name = f"Y{counts['yes']}.jpg" if item.label == "yes" else f"{counts['no']} no.jpg"
        write_bytes(folder / item.label / name, jpeg(item.image))
    _readme(folder, "the Kaggle set of brain slices with and without tumour: yes/, no/")


def write_figshare(folder: Path, n: int, seed: int = 0, size: int = 256) -> None:
    """``1.mat`` …, ``cvind.mat``: contrast-enhanced slices of three kinds of tumour, as MATLAB wrote Cheng's set."""
    folds = []
    for number, item in enumerate(track(typed_slices(n, seed, size), _("Making synthetic images"), total=n), start=1):
        struct: dict[str, Variable] = {
            "label": np.array([[KINDS.index(item.kind) + 1]], np.float64),
            "PID": item.patient,
            "image": item.image.astype(np.int16) * np.int16(16),
            "tumorBorder": border(item.mask)[:, None],
            "tumorMask": item.mask > 0,
        }
        write_bytes(folder / f"{number}.mat", matlab({"cjdata": struct}))
        folds.append(item.fold)
    write_bytes(folder / "cvind.mat", matlab({"cvind": np.array(folds, np.float64)[:, None]}))
    _readme(folder, "the brain tumour set of Cheng on figshare: 1.mat …, cvind.mat")


def write_bus_uc(folder: Path, n: int, seed: int = 0, size: int = 256) -> None:
    """``Benign`` and ``Malignant`` with ``images`` and ``masks``: RGB, without patients, a fifth with coloured callipers."""
    counts: Counter[str] = Counter()
    for number, item in enumerate(track(images(n, seed, size), _("Making synthetic images"), total=n)):
        counts[item.label] += 1
        name = f"{counts[item.label]:04d}.png"
        marked = has_marks(seed, number, item.label)
        pixels = with_callipers(seed, number, item.image, item.masks[0]) if marked else item.image
        write_bytes(folder / item.label.capitalize() / "images" / name, rgb_png(pixels))
        write_bytes(folder / item.label.capitalize() / "masks" / name, rgb_png(item.mask))
    _readme(folder, "BUS-UC: Benign/images, Benign/masks, Malignant/images, Malignant/masks")


def write_busi(folder: Path, n: int, seed: int = 0, size: int = 256) -> None:
    """``benign``, ``malignant`` and ``normal`` with ``<class> (<k>).png`` and ``…_mask.png``, ``…_mask_1.png``."""
    counts: Counter[str] = Counter()
    made = images(n, seed, size, classes=("benign", "malignant", "normal"))
    for item in track(made, _("Making synthetic images"), total=n):
        counts[item.label] += 1
        stem = f"{item.label} ({counts[item.label]})"
        write_bytes(folder / item.label / f"{stem}.png", rgb_png(item.image))
        for which, mask in enumerate(item.masks or (np.zeros_like(item.image),)):
            write_bytes(folder / item.label / f"{stem}_mask{f'_{which}' if which else ''}.png", png(mask))
    _readme(folder, "BUSI: benign/, malignant/, normal/ (masks of normal images are empty)")


def write_images_masks(folder: Path, n: int, seed: int = 0, size: int = 128) -> None:
    """``images/x.png`` and ``masks/x.png``: brain slices with their tumours, no classes."""
    for item in track(typed_slices(n, seed, size), _("Making synthetic images"), total=n):
        name = f"{item.patient}-{item.level}.png"
        write_bytes(folder / "images" / name, png(item.image))
        write_bytes(folder / "masks" / name, png(item.mask))
    _readme(folder, "many segmentation sets: images/x.png, masks/x.png")


def write_folders(folder: Path, n: int, seed: int = 0, size: int = 128) -> None:
    """``<class>/x.png``: brain slices sorted by the kind of tumour."""
    for item in track(typed_slices(n, seed, size), _("Making synthetic images"), total=n):
        write_bytes(folder / item.kind / f"{item.patient}-{item.level}.png", png(item.image))
    _readme(folder, "many classification sets: a folder a class")


def write_csv(folder: Path, n: int, seed: int = 0, size: int = 192) -> None:
    """``data.csv`` with the columns image, mask, label, patient; ultrasound in ``images`` and ``masks``."""
    rows = []
    for item in track(images(n, seed, size), _("Making synthetic images"), total=n):
        name = _name(item)
        write_bytes(folder / "images" / name, png(item.image))
        write_bytes(folder / "masks" / name, png(item.mask))
        rows.append((f"images/{name}", f"masks/{name}", item.label, item.patient))
    write_text(folder / "data.csv", table(("image", "mask", "label", "patient"), rows))
    _readme(folder, "a table of one's own: data.csv, images/, masks/")


def write_jsonl(folder: Path, n: int, seed: int = 0, size: int = 192) -> None:
    """``data.jsonl`` with image, label, text, patient, split and location; teaching cases in ``images``."""
    parts = {"train": "train", "dev": "val", "test": "test"}
    lines = []
    for item in track(case_images(n, seed, size), _("Making synthetic images"), total=n):
        write_bytes(folder / "images" / f"{item.name}.png", png(item.image))
        row = {
            "image": f"images/{item.name}.png",
            "label": item.description["Type"],
            "text": item.description["Description"]["Caption"],
            "patient": item.description["U_id"],
            "split": parts[item.part],
            "location": item.description["Location"],
        }
        lines.append(json.dumps(row, ensure_ascii=False))
    write_text(folder / "data.jsonl", "".join(f"{line}\n" for line in lines))
    _readme(folder, "JSON Lines of one's own: data.jsonl, images/")


def _name(item: UltrasoundImage) -> str:
    return f"{item.patient}-{item.view}.png"


def _readme(folder: Path, layout: str) -> None:
    write_text(folder / "README.txt", README.format(layout=layout))
