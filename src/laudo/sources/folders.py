"""A folder per class: the layout of most public image sets, and of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.read.table import is_image_name
from laudo.sources.hashes import with_hashes
from laudo.sources.part_names import part_named
from laudo.sources.source import Source
from laudo.sources.table_file import match_columns, read_rows

NEGATIVE_NAMES = ("no", "normal", "healthy", "negative", "benign", "control", "0", "não", "nao", "sem", "sano", "sin")
"""Class names that stand for the negative class when there are two."""

PATIENT_TABLES = ("patients.csv", "patients.tsv")
"""Tables beside the class folders that say whose each image is."""


def list_classes(root: Path) -> dict[str, list[Path]]:
    """Images under each folder that stands directly in ``root``, however deep; hidden files and masks are left out."""
    classes = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folder.name.lower() in {"masks", "mask", "__macosx"}:
            continue
        files = []
        for parent, folders, names in os.walk(folder):
            folders[:] = sorted(
                name for name in folders if not name.startswith(".") and name.lower() not in {"masks", "mask"}
            )
            files += [Path(parent, name) for name in sorted(names) if is_image_name(name)]
        if files:
            classes[folder.name] = files
    return classes


def order_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Alphabetical; of two, the one whose name says "negative" first, so that the second is the positive one."""
    ordered = sorted(names)
    if len(ordered) == 2 and ordered[1].lower() in NEGATIVE_NAMES and ordered[0].lower() not in NEGATIVE_NAMES:
        ordered.reverse()
    return tuple(ordered)


def manifest_of_classes(
    root: Path, classes: dict[str, list[Path]], source: str, more: Mapping[Path, Mapping[str, str]] | None = None
) -> Manifest:
    """Manifest of images sorted by class; hashes every file (bytes only, nothing is decoded).

    Args:
        root: folder that paths are relative to.
        classes: images of each class.
        source: name of the source.
        more: further columns of some images (``patient``, ``split``).

    Raises:
        DataError: fewer than two classes.
    """
    if len(classes) < 2:
        found = ", ".join(f"{name}: {len(files)}" for name, files in classes.items())
        raise DataError(
            _("A classifier needs at least two classes."),
            file=root,
            expected=_("two or more folders with images, one a class"),
            found=found or _("no image in any folder"),
            cure=_("Put the images of each class into a folder of its own: {root}/CLASS/image.png").format(
                root=root.name
            ),
        )
    rows: list[dict[str, object]] = []
    for label, files in classes.items():
        for path in files:
            name = path.relative_to(root).as_posix()
            rows.append(
                {
                    "patient": "",
                    "split": "",
                    **(more or {}).get(path, {}),
                    "sample": name,
                    "image": name,
                    "label": label,
                }
            )
    return Manifest.from_rows(with_hashes(rows, root), root, source, order_classes(classes))


def read_patients(table: Path, files: Iterable[Path]) -> dict[Path, str]:
    """Patient of each image that the table names, by its path relative to the table or by a file name that is unique.

    Raises:
        DataError: the table can not be read, or lacks one of the columns image and patient.
    """
    rows = read_rows(table)
    columns = match_columns(rows[0][1]) if rows else {}
    if "image" not in columns or "patient" not in columns:
        raise DataError(
            _("The table of patients lacks a column."),
            file=table,
            expected="image, patient",
            found=", ".join(rows[0][1]) if rows else _("no row"),
            cure=_("Give it the columns image and patient, or move it out of the folder."),
        )
    by_path, by_name = {}, dict[str, list[Path]]()
    for path in files:
        by_path[path.relative_to(table.parent).as_posix()] = path
        by_name.setdefault(path.name, []).append(path)
    patients: dict[Path, str] = {}
    strangers = []
    for _number, values in rows:
        name, patient = (str(values[columns[field]]).strip() for field in ("image", "patient"))
        name = name.replace("\\", "/")
        alike = by_name.get(name, [])
        path_of = by_path.get(name) or (alike[0] if len(alike) == 1 else None)
        if path_of is None:
            strangers.append(name)
        else:
            patients[path_of] = patient
    bare = sum(not patients.get(path) for path in by_path.values())
    text = _("{file}: patients {patients}, images without one {bare}, rows of images that are not there {strangers}")
    count = len({patient for patient in patients.values() if patient})
    say(text.format(file=table.name, patients=count, bare=bare, strangers=len(strangers)))
    return patients


def _list(root: Path) -> Manifest:
    classes = list_classes(root)
    parts: dict[Path, str] = {}
    if len(classes) > 1 and all(part_named(name) for name in classes):
        classes, parts = _classes_of_parts(root, classes)
    files = [path for every in classes.values() for path in every]
    table = next((root / name for name in PATIENT_TABLES if (root / name).is_file()), None)
    patients = read_patients(table, files) if table else {}
    more = {path: {"patient": patients.get(path, ""), "split": parts.get(path, "")} for path in files}
    return manifest_of_classes(root, classes, SOURCE.name, more)


def _classes_of_parts(root: Path, folders: dict[str, list[Path]]) -> tuple[dict[str, list[Path]], dict[Path, str]]:
    """ROOT/train/CLASS, ROOT/test/CLASS …: images by class, and the part of each; as they were when no class lies below."""
    classes: dict[str, list[Path]] = {}
    parts: dict[Path, str] = {}
    for name in folders:
        below = list_classes(root / name)
        if len(below) < 2:
            return folders, {}
        for label, files in below.items():
            classes.setdefault(label, []).extend(files)
            parts.update(dict.fromkeys(files, part_named(name)))
    say(_("The folders are parts of a split: {names}").format(names=", ".join(folders)))
    return classes, parts


SOURCE = Source(
    name="folders",
    folder="",
    what=N_("Any folder with one sub-folder a class, images anywhere below"),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout="ROOT/CLASS/…/image.{png,jpg,…}",
    fits=lambda root: root.is_dir() and len(list_classes(root)) >= 2,
    list_samples=_list,
)
