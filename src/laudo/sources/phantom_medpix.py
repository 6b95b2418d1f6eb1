"""Synthetic teaching cases in the form of MedPix 2.0: CT and MR slices of six regions, with captions and reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from laudo.core.atomic import write_bytes, write_text
from laudo.core.messages import _
from laudo.core.progress import track
from laudo.sources.phantom_anatomy import Array
from laudo.sources.phantom_body import CONTRAST_AGENT, LUNG_WINDOW, SIGNALS, draw_body
from laudo.sources.phantom_brain import draw_anatomy, png, with_tumour
from laudo.sources.phantom_case_texts import NAMED, SCANS, SPELLINGS, TOPICS, UNNAMED
from laudo.sources.phantom_field import smooth_field
from laudo.sources.phantom_head import draw

PARTS: tuple[str, ...] = ("train", "dev", "test")

SHARES: dict[str, tuple[float, float]] = {
    "Brain and Neuro": (0.34, 0.35),
    "Musculoskeletal": (0.16, 0.30),
    "Chest, Pulmonary": (0.15, 0.88),
    "Gastrointestinal": (0.13, 0.80),
    "Genitourinary": (0.11, 0.70),
    "Spine": (0.11, 0.25),
}
"""Location → share of the cases, and how many of its images are CT; about as in the public set."""

PLANES = {"Spine": "Sagittal", "Musculoskeletal": "Coronal"}
README = """Synthetic teaching cases
========================
Every image in this folder was computed by `laudo` from geometric shapes and random numbers, and every text was
put together from a list of phrases. No person was scanned, no case is real. The files have the form of MedPix 2.0
(images/, splitted_dataset/) and serve to try the program and to test it; nothing learned from them says anything
about real images or reports.
"""


@dataclass(frozen=True)
class CaseImage:
    """One image of a case.

    Attributes:
        image: (H, W) uint8; the longer side is the size asked for.
        name: file name without ending.
        description: its line of ``descriptions_<part>.jsonl``.
        case: line of its case in ``data_<part>.jsonl``.
        part: "train", "dev" or "test".
    """

    image: NDArray[np.uint8]
    name: str
    description: dict[str, Any]
    case: dict[str, Any]
    part: str


def case_images(n: int, seed: int, size: int = 224) -> Iterator[CaseImage]:
    """``n`` images, case after case, 1 to 4 a case; the k-th case depends only on ``(seed, k)``, unless n cuts it short.

    Raises:
        ValueError: a number is out of range.
    """
    if n < 0 or seed < 0 or size < 32:
        raise ValueError(f"n={n}, seed={seed}, size={size}: too small")
    number = 0
    while n > 0:
        images = list(_case(seed, number, n, size))
        yield from images
        n -= len(images)
        number += 1


def write(folder: Path, n: int, seed: int = 0, size: int = 224) -> None:
    """Write ``images/*.png`` and ``splitted_dataset/*.jsonl`` with ``n`` images.

    Raises:
        OSError: the folder can not be written.
    """
    lines: dict[str, list[dict[str, Any]]] = {
        f"{kind}_{part}": [] for kind in ("descriptions", "data") for part in PARTS
    }
    cases: dict[str, list[str]] = {part: [] for part in PARTS}
    for item in track(case_images(n, seed, size), _("Making synthetic images"), total=n):
        write_bytes(folder / "images" / f"{item.name}.png", png(item.image))
        lines[f"descriptions_{item.part}"].append(item.description)
        if item.case["U_id"] not in cases[item.part]:
            cases[item.part].append(item.case["U_id"])
            lines[f"data_{item.part}"].append(item.case)
    for name, documents in lines.items():
        write_text(folder / "splitted_dataset" / f"{name}.jsonl", "".join(_line(document) for document in documents))
    write_text(folder / "splitted_dataset" / "uid_list.json", json.dumps(cases))
    write_text(folder / "README.txt", README)


def _line(document: dict[str, Any]) -> str:
    """A line as the public files have it: no blanks between, slashes escaped."""
    return json.dumps(document, separators=(",", ":")).replace("/", "\\/") + "\n"


def _case(seed: int, number: int, most: int, size: int) -> Iterator[CaseImage]:
    rng = np.random.default_rng([seed, number, 0])
    location = str(rng.choice(list(SHARES), p=[share for share, _ct in SHARES.values()]))
    count = int(rng.choice([1, 2, 3, 4], p=[0.2, 0.3, 0.3, 0.2]))
    part = _part(seed, number)
    case_id = f"MPX{1001 + number}"
    contrasts = [_contrast(rng, location) for _image in range(count)]
    if rng.random() < 0.8:  # most cases have images of one modality
        contrasts = [contrasts[0]] + [
            one if (one in {"ct", "ct agent"}) == (contrasts[0] in {"ct", "ct agent"}) else contrasts[0]
            for one in contrasts[1:]
        ]
    names = [f"{case_id}_synpic{10000 + 7 * number + index}" for index in range(count)]
    kinds = ["CT" if contrast.startswith("ct") else "MR" for contrast in contrasts]
    words = _Words(rng, location)
    case = words.report(case_id, names[:most], kinds[:most])
    for index, (name, contrast, kind) in enumerate(list(zip(names, contrasts, kinds, strict=True))[:most]):
        drawn = np.random.default_rng([seed, number, 1 + index])
        caption = words.caption(contrast, contrasts[0])
        description = {
            "Type": kind,
            "U_id": case_id,
            "image": name,
            "Description": {
                "ACR Codes": f"{words.topic.acr}.-1",
                "Age": str(words.age),
                "Caption": caption,
                "Figure Part": None,
                "Modality": str(drawn.choice(SPELLINGS[contrast])),
                "Plane": words.plane,
                "Sex": words.sex,
            },
            "Location": location,
            "Location Category": words.topic.category,
        }
        # the same person in every image of the case, each cut at another height
        person = np.random.default_rng([seed, number, 99])
        yield CaseImage(_picture(person, drawn, location, contrast, size), name, description, case, part)


def _part(seed: int, number: int) -> str:
    """Of each eight cases one is for development and one for testing, both among the first four, so that small sets have them."""
    dev, test = np.random.default_rng([seed, number // 8, 98]).permutation(4)[:2]
    return {int(dev): "dev", int(test): "test"}.get(number % 8, "train")


def _contrast(rng: np.random.Generator, location: str) -> str:
    if rng.random() < SHARES[location][1]:
        return str(rng.choice(["ct", "ct agent"]))
    return str(rng.choice(["t1", "t2", "flair"], p=[0.4, 0.3, 0.3] if location == "Brain and Neuro" else [0.5, 0.5, 0]))


class _Words:
    """The texts of one case: captions are mostly the same for all of its images."""

    def __init__(self, rng: np.random.Generator, location: str) -> None:
        self.topic = TOPICS[location]
        self.plane = PLANES.get(location, "Axial")
        self.age, self.sex = int(rng.integers(5, 88)), str(rng.choice(["male", "female"]))
        self.named = rng.random() < 0.54
        spoken = self.topic.local if rng.random() < 0.45 else self.topic.findings
        self.finding = _sentence(str(rng.choice(spoken)).format(side=rng.choice(["right", "left"])))
        self.pattern = str(rng.choice(NAMED if self.named else UNNAMED))
        self.complaint = str(rng.choice(self.topic.complaints))
        chosen = self.topic.diagnoses[int(rng.integers(len(self.topic.diagnoses)))]
        self.diagnosis, self.category = chosen
        self.spoken = {contrast: str(rng.choice(names)) for contrast, names in SCANS.items()}

    def caption(self, contrast: str, first: str) -> str:
        """Caption of an image taken with ``contrast``; all images of the modality of the case's ``first`` share one."""
        same = contrast.startswith("ct") == first.startswith("ct")
        scan = self.spoken[first if same else contrast]
        text = self.pattern.format(plane=self.plane, scan=scan, place=self.topic.place, finding=self.finding)
        return _sentence(text)

    def report(self, case_id: str, names: list[str], kinds: list[str]) -> dict[str, Any]:
        """The case as MedPix 2.0 writes it: its images by name and kind (CT or MR), and its texts."""
        person = f"{self.age} y.o. {'man' if self.sex == 'male' else 'woman'}"
        others = [name for name, _category in self.topic.diagnoses]
        return {
            "U_id": case_id,
            "TAC": [name for name, kind in zip(names, kinds, strict=True) if kind == "CT"],
            "MRI": [name for name, kind in zip(names, kinds, strict=True) if kind == "MR"],
            "Case": {
                "Case Diagnosis": self.diagnosis,
                "Diagnosis By": "Synthetic case: nobody was examined.",
                "Differential Diagnosis": "\n".join(f"• {name}" for name in others),
                "Discussion": f"A synthetic case of {self.diagnosis.lower()}, written by a program.",
                "Exam": None,
                "Findings": self.finding,
                "History": f"{person} with {self.complaint}.",
                "Media": None,
                "Title": self.diagnosis,
                "Treatment & Follow Up": None,
            },
            "Topic": {
                "ACR Code": f"{self.topic.acr}.-1",
                "Category": self.category,
                "Disease Discussion": f"{self.diagnosis} is one of the diagnoses of the synthetic cases.",
                "External Links": None,
                "Keywords": self.diagnosis.lower(),
                "Reference": None,
                "Title": self.diagnosis,
            },
        }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _picture(
    person: np.random.Generator, rng: np.random.Generator, location: str, contrast: str, size: int
) -> NDArray[np.uint8]:
    clean = (
        _head(person, rng, contrast, size)
        if location == "Brain and Neuro"
        else _body(person, rng, location, contrast, size)
    )
    clean = ndimage.gaussian_filter(clean, 0.5 * size / 224 + 0.2)
    if contrast.startswith("ct"):
        grain = ndimage.gaussian_filter(rng.standard_normal(clean.shape, np.float32), 0.7)
        # air lies far below the window that is shown: it is black, without grain
        grey = np.where(clean > 0.02, clean + grain * np.float32(rng.uniform(0.04, 0.10)), 0)
    else:
        field = np.exp(np.float32(0.15) * smooth_field(rng, clean.shape, (1, 1)))
        real, imaginary = rng.standard_normal((2, *clean.shape), np.float32) * np.float32(rng.uniform(0.015, 0.04))
        floor = np.float32(rng.uniform(0, 0.12))  # most pictures are exported with the noise cut off
        grey = np.clip(np.hypot(clean * field + real, imaginary) - floor, 0, None) / (1 - floor)
    short = int(size * rng.uniform(0.78, 1.0))
    cut = (size - short) // 2  # published pictures are cropped to all kinds of shapes
    rows, columns = slice(0, size), slice(0, size)
    if location in {"Chest, Pulmonary", "Gastrointestinal", "Genitourinary"}:
        rows = slice(cut, cut + short)
    elif rng.random() < 0.6:
        columns = slice(cut, cut + short)
    pixels: NDArray[np.uint8] = np.clip(np.rint(grey[rows, columns] * 235), 0, 255).astype(np.uint8)
    return pixels


def _head(person: np.random.Generator, rng: np.random.Generator, contrast: str, size: int) -> Array:
    z = person.uniform(0.08, 0.45)
    anatomy = with_tumour(draw_anatomy(person, z), person, z)
    anatomy = replace(anatomy, contrast="ct" if contrast.startswith("ct") else contrast)
    image, _cover = draw(anatomy, float(z + rng.uniform(-0.05, 0.05)), size)
    return image


def _body(person: np.random.Generator, rng: np.random.Generator, location: str, contrast: str, size: int) -> Array:
    signals = dict(SIGNALS["ct" if contrast.startswith("ct") else contrast])
    if contrast == "ct agent":
        signals.update(CONTRAST_AGENT)
    lungs = location == "Chest, Pulmonary" and contrast.startswith("ct") and rng.random() < 0.5
    if lungs:
        signals = {name: 0.9 + 0.1 * value for name, value in signals.items()} | LUNG_WINDOW
    return draw_body(location, person, size, signals, finding=True)
