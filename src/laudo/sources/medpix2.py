"""MedPix 2.0: CT and MR images of 671 teaching cases, each with its description, joined to the case by ``U_id`` (system S1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.sources.broken_rows import skip
from laudo.sources.json_file import read_json
from laudo.sources.jsonl import read_lines
from laudo.sources.layout import LISTED, first_that, misfit, some
from laudo.sources.listing import make_manifest
from laudo.sources.source import Download, Source

Document = dict[str, Any]

PARTS = {"train": "train", "dev": "val", "test": "test"}
"""Name of the official part in the files → in the manifest. No case is in two of them."""

MODALITIES = {"CT": "CT", "TAC": "CT", "MR": "MR", "MRI": "MR"}
CLASSES = ("CT", "MR")
WRAPPERS = ("MedPix-2-0", "MedPix-2.0-main", "MedPix-2.0-main/MedPix-2-0", "MedPix-2.0", "MedPix-2.0/MedPix-2-0")
"""Folders of the public repository and of its archive."""

IMAGE = re.compile(r"(?P<stem>[A-Za-z0-9][\w-]*)(?:\.png)?", re.IGNORECASE)
"""An image's name in a description: with the ending or, mostly, without."""


def _splits(folder: Path) -> Path:
    inner = folder / "splitted_dataset"
    return inner if inner.is_dir() else folder


def _collection(folder: Path, *names: str) -> list[Path]:
    """The first of the alternatives that is there; ``a+b`` is one in two files."""
    for name in names:
        paths = [folder / part for part in name.split("+")]
        if all(path.is_file() for path in paths):
            return paths
    return []


def _part_files(folder: Path, kind: str, part: str) -> list[Path]:
    halves = f"{kind}_{part}_1.jsonl+{kind}_{part}_2.jsonl"
    return _collection(_splits(folder), f"{kind}_{part}.jsonl", halves)


def _descriptions(folder: Path) -> list[Path]:
    return _collection(folder, "Descriptions.json", "Description.json")


def _holds(folder: Path) -> bool:
    return bool(_part_files(folder, "descriptions", "train") or _descriptions(folder))


def _fits(root: Path) -> bool:
    return first_that(root, WRAPPERS, _holds) is not None


def _list(root: Path) -> Manifest:
    root = first_that(root, WRAPPERS, _holds) or root
    parted = not _descriptions(root) or bool(_part_files(root, "descriptions", "train"))
    missing = _missing(root, parted)
    if missing:
        raise misfit(SOURCE, root, missing)
    described = list(_parted_descriptions(root) if parted else _all_descriptions(root))
    cases = _cases(root, parted)
    rows: list[dict[str, object]] = []
    wrong: list[str] = []
    seen: set[str] = set()
    alone: dict[str, None] = {}
    for place, document, part in described:
        case = str(document.get("U_id") or "")
        image = IMAGE.fullmatch(str(document.get("image") or ""))
        modality = MODALITIES.get(str(document.get("Type") or "").strip())
        if not (case and image and modality):
            told = {key: document.get(key) for key in ("U_id", "image", "Type")}
            if not skip(place, _("U_id, image or Type can not be understood: {told}").format(told=told)):
                wrong.append(f"{place}: {told}")
            continue
        if image["stem"] in seen and skip(place, _("An image stands in two rows of the table.")):
            continue
        seen.add(image["stem"])
        if case not in cases:
            alone[case] = None
        rows.append(
            _row(document, cases.get(case, {}), f"images/{image['stem']}.png", modality)
            | {"patient": case, "split": part}
        )
    if wrong:
        raise DataError(
            _("Descriptions can not be understood."),
            file=root,
            expected="U_id, image, Type (CT, MR)",
            found=_("{n} of {total} descriptions").format(n=len(wrong), total=len(described)),
            details=tuple(wrong[:LISTED]),
        )
    if alone:
        say(_("Cases that have images but no report: {n} ({names})").format(n=len(alone), names=some(list(alone))))
    return make_manifest(SOURCE, root, rows, CLASSES)


def _missing(root: Path, parted: bool) -> list[str]:
    """Files and folders that are not there."""
    missing = [] if (root / "images").is_dir() else ["images"]
    if not parted:
        return missing + ([] if (root / "Case_topic.json").is_file() else ["Case_topic.json"])
    kinds = [(kind, part) for kind in ("descriptions", "data") for part in PARTS]
    return missing + [f"{kind}_{part}.jsonl" for kind, part in kinds if not _part_files(root, kind, part)]


def _parted_descriptions(root: Path) -> Iterator[tuple[str, Document, str]]:
    """Place, description and part of the manifest, from a file a part."""
    for part, name in PARTS.items():
        for path in _part_files(root, "descriptions", part):
            for line, document in _documents(path):
                yield _("{file}, line {n}").format(file=path.name, n=line), document, name


def _all_descriptions(root: Path) -> Iterator[tuple[str, Document, str]]:
    """The same from one file of all; the parts are those of uid_list.json, if it is there."""
    parts: dict[str, str] = {}
    listing = _collection(root, "uid_list.json", "splitted_dataset/uid_list.json")
    if listing:
        cases_of = read_json(listing[0], dict)
        parts = {str(case): name for part, name in PARTS.items() for case in cases_of.get(part) or ()}
    else:
        say(_("There is neither splitted_dataset nor uid_list.json: the official parts are not known."))
    (path,) = _descriptions(root)
    for number, document in _documents(path):
        part = parts.get(str(document.get("U_id")), "")
        yield _("{file}, entry {n}").format(file=path.name, n=number), document, part


def _documents(path: Path) -> list[tuple[int, Document]]:
    """Documents with their line or, in a list, their place from 1; what is no document counts as an empty one."""
    if path.suffix == ".jsonl":
        return read_lines(path)
    entries = read_json(path, list)
    return [(number, entry if isinstance(entry, dict) else {}) for number, entry in enumerate(entries, start=1)]


def _cases(root: Path, parted: bool) -> dict[str, Document]:
    """Report of each case, by ``U_id``."""
    parts = [path for part in PARTS for path in _part_files(root, "data", part)]
    files = parts if parted else [root / "Case_topic.json"]
    return {str(document.get("U_id")): document for path in files for _line, document in _documents(path)}


def _row(document: Document, case: Document, image: str, modality: str) -> dict[str, object]:
    description, report, topic = _inner(document, "Description"), _inner(case, "Case"), _inner(case, "Topic")
    return {
        "sample": image,
        "image": image,
        "label": modality,
        "text": _text(description.get("Caption")),
        "modality": modality,
        "modality_detail": str(description.get("Modality") or ""),  # as it is spelled
        "location": _text(document.get("Location")),
        "location_category": _text(document.get("Location Category")),
        "plane": _text(description.get("Plane")),
        "sex": _text(description.get("Sex")),
        "age": _text(description.get("Age")),
        "title": _text(report.get("Title")) or _text(topic.get("Title")),
        "diagnosis": _text(report.get("Case Diagnosis")),
        "history": _text(report.get("History")),
        "findings": _text(report.get("Findings")),
        "exam": _text(report.get("Exam")),
        "differential": _text(report.get("Differential Diagnosis")),
        "diagnosis_by": _text(report.get("Diagnosis By")),
        "treatment": _text(report.get("Treatment & Follow Up")),
        "discussion": _text(report.get("Discussion")),
        "topic": _text(topic.get("Disease Discussion")),
        "keywords": _text(topic.get("Keywords")),
        "category": _text(topic.get("Category")),
    }


def _inner(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """A field as text; what stands for "nothing" is empty."""
    text = "" if value is None else str(value).strip()
    return "" if text.upper() == "N/A" else text


SOURCE = Source(
    name="medpix2",
    folder="medpix2",
    what=N_(
        "2050 CT and MR images of 671 teaching cases with captions and reports; official parts of 1653, 197 and 200 images; "
        "other labels: location, location_category, plane"
    ),
    size="2050",
    licence=N_("not stated by its publisher"),
    citation="Siragusa I, Contino S, La Ciura M, Alicata R, Pirrone R. MedPix 2.0: a comprehensive multimodal biomedical "
    "data set for advanced AI applications. Data Science and Engineering, 2025. doi:10.1007/s41019-025-00297-8",
    where="github.com/CHILab1/MedPix-2.0",
    layout="ROOT/images/*.png, ROOT/splitted_dataset/{descriptions,data}_{train,dev,test}.jsonl; "
    "or ROOT/images/*.png, ROOT/Descriptions.json, ROOT/Case_topic.json, ROOT/uid_list.json (not needed)",
    fits=_fits,
    list_samples=_list,
    downloads=(Download("https://github.com/CHILab1/MedPix-2.0/archive/refs/heads/main.zip", "MedPix-2.0-main.zip"),),
)
