"""Cheng's brain tumours on figshare: contrast-enhanced T1 slices of three kinds of tumour, with outlines (system S2).

Two layouts: the public one, ``1.mat`` … ``3064.mat`` anywhere below the folder, and one of pictures with ``labels.csv``.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say, track
from laudo.read.matlab import read_struct
from laudo.read.table import is_image_name
from laudo.sources.layout import LISTED, misfit, names_in, some, walk
from laudo.sources.listing import make_manifest, natural
from laudo.sources.source import Download, Source

KINDS = {1: "meningioma", 2: "glioma", 3: "pituitary"}
"""``cjdata.label`` and the column ``label`` of labels.csv."""

CLASSES = tuple(KINDS.values())
MAT = re.compile(r"(\d+)\.mat", re.IGNORECASE)
FOLDS = "cvind.mat"
"""The author's test fold, from 1, of each slice; slices of one patient share it."""


def _fits(root: Path) -> bool:
    folders, files = names_in(root)
    if any(name.startswith("brainTumorDataPublic") for name in folders) or FOLDS in files:
        return True
    if any(MAT.fullmatch(name) for name in files):
        return True
    return "images" in folders and "labels.csv" in files and {"index", "label", "fold"} <= set(_header(root))


def _header(root: Path) -> list[str]:
    try:
        with (root / "labels.csv").open(encoding="utf-8-sig", newline="") as handle:
            return next(csv.reader(handle), [])
    except (OSError, ValueError, csv.Error):
        return []


def _list(root: Path) -> Manifest:
    if (root / "labels.csv").is_file() or (root / "images").is_dir():
        return _list_pictures(root)
    return _list_mat(root)


# the public layout -------------------------------------------------------------------------------------------


def _list_mat(root: Path) -> Manifest:
    found = [
        (folder / name, int(match[1]))
        for folder, names in walk(root)
        for name in names
        if (match := MAT.fullmatch(name))
    ]
    if not found:
        raise misfit(SOURCE, root, ["1.mat", "2.mat", "…"])
    found.sort(key=lambda pair: (pair[1], natural(pair[0].as_posix())))
    folds = _read_folds(root, max(number for _path, number in found))
    rows: list[dict[str, object]] = []
    broken: list[str] = []
    wrong: list[str] = []
    for path, number in track(found, _("Reading labels and patients"), total=len(found)):
        name = path.relative_to(root).as_posix()
        label, patient = "", ""
        try:
            facts = read_struct(path, ("label", "PID"))
        except DataError:
            broken.append(name)  # listed without a class: the audit says what is wrong with it
        else:
            label, patient = KINDS.get(_whole(facts.get("label")), ""), _text(facts.get("PID"))
            if not label:
                wrong.append(f"{name}: {facts.get('label')!r}")
        rows.append({"sample": name, "image": name, "mask": f"{name}#tumorMask", "label": label, "patient": patient,
                     "fold": folds.get(number, 0)})  # fmt: skip
    if wrong or len(broken) == len(found):
        raise DataError(
            _("Files without the label of this data set."),
            file=root,
            expected="cjdata.label = 1 (meningioma), 2 (glioma), 3 (pituitary)",
            found=_("{n} of {total} files").format(n=len(wrong or broken), total=len(found)),
            details=tuple((wrong or broken)[:LISTED]),
            cure=_("Remove them from the folder, or copy them again from their source."),
        )
    if broken:
        say(_("Files that can not be read: {n} ({names})").format(n=len(broken), names=some(broken)))
    return make_manifest(SOURCE, root, rows, CLASSES)


def _read_folds(root: Path, highest: int) -> dict[int, int]:
    """The author's fold of each number; none when ``cvind.mat`` is not below ``root``.

    Raises:
        DataError: the file can not be read, holds anything but folds, or fewer than there are slices.
    """
    path = next((folder / FOLDS for folder, names in walk(root) if FOLDS in names), None)
    if path is None:
        say(_("There is no {name}: the author's folds are not known.").format(name=FOLDS))
        return {}
    try:
        folds = np.asarray(read_struct(path, ("cvind",)).get("cvind", ()), dtype=np.float64).ravel()
    except DataError as error:
        raise DataError(
            _("The file of the folds can not be read."),
            file=path,
            expected="cvind (1 × 3064)",
            found=error.found or error.what,
            cure=_("Copy it again from its source, or remove it: the folds are then not known."),
        ) from error
    if len(folds) < highest or not (np.isin(folds, np.arange(1, 101))).all():
        raise DataError(
            _("The file of the folds does not belong to these slices."),
            file=path,
            expected=_("a whole number from 1 for each of {n} slices").format(n=highest),
            found=_("{n} values, {start} …").format(n=len(folds), start=", ".join(f"{value:g}" for value in folds[:5])),
        )
    return {number: int(fold) for number, fold in enumerate(folds, start=1)}


def _whole(value: object) -> int:
    """The number in a MATLAB scalar; 0 when there is no whole number in it."""
    try:
        numbers = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return 0
    return int(numbers[0]) if len(numbers) == 1 and np.isfinite(numbers[0]) and numbers[0] == int(numbers[0]) else 0


def _text(value: object) -> str:
    """A patient's number as text, whether the file holds text or a number."""
    if isinstance(value, str):
        return value.strip()
    return str(_whole(value) or "")


# pictures ----------------------------------------------------------------------------------------------------


def _list_pictures(root: Path) -> Manifest:
    missing = [name for name in ("images", "masks") if not (root / name).is_dir()]
    missing += [] if (root / "labels.csv").is_file() else ["labels.csv"]
    if missing:
        raise misfit(SOURCE, root, missing)
    table = _read_table(root)
    known = {number for number, *_rest in table}
    folds = {} if "fold" in _header(root) else _read_folds(root, max(known))
    images, masks = _by_stem(root / "images"), _by_stem(root / "masks")
    extra = sorted(
        (name for stem, name in images.items() if stem not in {str(number) for number in known}), key=natural
    )
    if extra:
        say(
            _("Images that labels.csv does not name are left out: {n} ({names})").format(
                n=len(extra), names=some(extra)
            )
        )
    rows: list[dict[str, object]] = []
    for number, label, fold in table:
        image = f"images/{images.get(str(number), f'{number}.jpg')}"
        mask = f"masks/{masks.get(str(number), f'{number}.png')}"
        rows.append({"sample": image, "image": image, "mask": mask, "label": label, "fold": folds.get(number, fold)})
    return make_manifest(SOURCE, root, rows, CLASSES)


def _read_table(root: Path) -> list[tuple[int, str, int]]:
    """Number, class and fold (0 when there is no such column) of each line of labels.csv.

    Raises:
        DataError: not a table with the columns ``index`` and ``label``, or lines that can not be understood.
    """
    path = root / "labels.csv"
    header = _header(root)
    absent = [name for name in ("index", "label") if name not in header]
    if absent:
        raise DataError(
            _("Columns are missing."),
            file=path,
            expected="index,label,name,fold",
            found=_("no column {names}; there are {columns}").format(
                names=", ".join(absent), columns=", ".join(header) or "–"
            ),
        )
    table: list[tuple[int, str, int]] = []
    wrong: list[str] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for line in csv.DictReader(handle):
                try:
                    table.append((int(line["index"]), KINDS[int(line["label"])], int(line.get("fold") or 0)))
                except (KeyError, TypeError, ValueError):
                    wrong.append(
                        _("line {n}: {text}").format(
                            n=len(table) + len(wrong) + 2, text=",".join(map(str, line.values()))
                        )
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(_("The table can not be read."), file=path, found=f"{type(error).__name__}: {error}") from error
    if wrong or not table:
        raise DataError(
            _("Lines of the table can not be understood."),
            file=path,
            expected="index,label (1, 2, 3),name,fold",
            found=_("{n} such lines of {total}").format(n=len(wrong), total=len(table) + len(wrong)),
            details=tuple(wrong[:LISTED]),
        )
    return table


def _by_stem(folder: Path) -> dict[str, str]:
    return {Path(name).stem: name for name in names_in(folder)[1] if is_image_name(name)}


FILES = "https://ndownloader.figshare.com/files"

SOURCE = Source(
    name="figshare",
    folder="figshare",
    what=N_(
        "3064 contrast-enhanced T1 slices of 233 patients: 708 meningioma, 1426 glioma, 930 pituitary, each with its outline"
    ),
    size="3064",
    licence="CC BY 4.0",
    citation="Cheng J. Brain tumor dataset. figshare, 2017. doi:10.6084/m9.figshare.1512427. Cheng J et al. Enhanced "
    "performance of brain tumor classification via tumor region augmentation and partition. PLoS ONE 10(10):e0140381, 2015.",
    where="figshare.com/articles/dataset/brain_tumor_dataset/1512427",
    layout="ROOT/…/1.mat … 3064.mat, ROOT/cvind.mat; or ROOT/images/1.jpg …, ROOT/masks/1.png …, ROOT/labels.csv",
    fits=_fits,
    list_samples=_list,
    downloads=(
        Download(f"{FILES}/3381290", "brainTumorDataPublic_1-766.zip", "md5:74b949ad33f042e6e103523091cd1428"),
        Download(f"{FILES}/3381296", "brainTumorDataPublic_767-1532.zip", "md5:7e8a875500d2c8a346f270538e29890e"),
        Download(f"{FILES}/3381293", "brainTumorDataPublic_1533-2298.zip", "md5:8227bf6080cb71f15a88be8d25c79ae7"),
        Download(f"{FILES}/3381302", "brainTumorDataPublic_2299-3064.zip", "md5:b378a80d6174e5317d59eb28430c6652"),
        Download(f"{FILES}/7005344", "cvind.mat", "md5:5ea82eb3212c9fcb84290ccf0beb486d"),
    ),
)
