"""Medical Segmentation Decathlon: any of its ten tasks, one volume a file, one label map a volume."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

from laudo.core.errors import DataError
from laudo.core.manifest import SEPARATOR, Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import say
from laudo.sources.json_file import read_json
from laudo.sources.layout import LISTED, misfit, names_in, some
from laudo.sources.listing import make_manifest
from laudo.sources.source import Download, Source

BUCKET = "https://msd-for-monai.s3-us-west-2.amazonaws.com"

TASKS: dict[str, tuple[str, ...]] = {
    "BRATS": ("edema", "non-enhancing tumor", "enhancing tumour"),
    "la": ("left atrium",),
    "liver": ("liver", "cancer"),
    "hippocampus": ("anterior", "posterior"),
    "prostate": ("pz", "tz"),
    "lung": ("cancer",),
    "pancreas": ("pancreas", "cancer"),
    "hepaticvessel": ("vessel", "tumour"),
    "spleen": ("spleen",),
    "colon": ("colon cancer primaries",),
}
"""How the files of each task begin, and what its labels 1, 2 … are: for copies without dataset.json."""

TASK_FOLDER = re.compile(r"Task\d+_.+", re.IGNORECASE)


def _fits(root: Path) -> bool:
    return bool(_task_folders(root))


def _task_folders(root: Path) -> list[Path]:
    """``root`` when it is a task, else the tasks in it."""
    if (root / "imagesTr").is_dir():
        return [root]
    tasks = [root / name for name in names_in(root)[0] if TASK_FOLDER.fullmatch(name)]
    return [folder for folder in tasks if (folder / "imagesTr").is_dir()]


def _list(root: Path) -> Manifest:
    tasks = _task_folders(root)
    if len(tasks) > 1:
        raise misfit(SOURCE, root, [], cure=_("Name the folder of one task: {names}").format(
            names=some([str(task) for task in tasks])))  # fmt: skip
    root = tasks[0] if tasks else root
    missing = [name for name in ("imagesTr", "labelsTr") if not (root / name).is_dir()]
    if missing:
        raise misfit(SOURCE, root, missing)
    path = root / "dataset.json"
    facts = read_json(path, dict) if path.is_file() else {}
    pairs = _pairs_named(root, facts) if facts.get("training") else _pairs_found(root)
    if not pairs:
        raise misfit(SOURCE, root, ["imagesTr/*.nii.gz"])
    rows: list[dict[str, object]] = [{"sample": _stem(image), "image": image, "mask": label} for image, label in pairs]
    labels = (
        _named_labels(facts, root) or _known_labels(pairs) or _seen_labels(root, [label for _image, label in pairs])
    )
    return make_manifest(SOURCE, root, rows, (), (), labels)


def _pairs_named(root: Path, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Image and label of each case that dataset.json lists; what it does not list is left out, and said."""
    training, pairs, wrong = facts["training"], [], []
    for entry in training if isinstance(training, list) else [training]:
        both = [_inside(entry.get(key)) for key in ("image", "label")] if isinstance(entry, dict) else [""]
        if all(both):
            pairs.append((both[0], both[1]))
        else:
            wrong.append(json.dumps(entry, ensure_ascii=False)[:100])
    if wrong:
        raise DataError(
            _("Entries of the list are not usable."),
            file=root / "dataset.json",
            expected='"training": [{"image": "./imagesTr/….nii.gz", "label": "./labelsTr/….nii.gz"}]',
            found=_("{n} others").format(n=len(wrong)),
            details=tuple(wrong[:LISTED]),
        )
    extra = sorted({image for image, _label in _pairs_found(root)} - {image for image, _label in pairs})
    if extra:
        say(
            _("Images that dataset.json does not list are left out: {n} ({names})").format(
                n=len(extra), names=some(extra)
            )
        )
    return pairs


def _inside(name: object) -> str:
    """A path of dataset.json without its ``./``; empty when it is no path inside the folder."""
    path = PurePosixPath(name) if isinstance(name, str) else PurePosixPath("/")
    usable = path.name and not path.is_absolute() and ".." not in path.parts and SEPARATOR not in path.name
    return path.as_posix() if usable else ""


def _pairs_found(root: Path) -> list[tuple[str, str]]:
    """Image and label by name; a label that is missing keeps the name that it should have."""
    labels = {_stem(name): name for name in names_in(root / "labelsTr")[1] if _is_volume(name)}
    images = [name for name in names_in(root / "imagesTr")[1] if _is_volume(name)]
    return [(f"imagesTr/{name}", f"labelsTr/{labels.get(_stem(name), name)}") for name in images]


def _is_volume(name: str) -> bool:
    return name.lower().endswith((".nii", ".nii.gz"))


def _stem(path: str) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", PurePosixPath(path).name, flags=re.IGNORECASE)


def _named_labels(facts: dict[str, Any], root: Path) -> dict[int, str]:
    """Value → structure, from ``labels`` of dataset.json; of ``{"background": 0}`` as well as of ``{"0": "background"}``."""
    labels = facts.get("labels")
    if not isinstance(labels, dict):
        return {}
    try:
        named = {int(key): str(value) for key, value in labels.items()}
    except ValueError:
        try:
            named = {int(value): str(key) for key, value in labels.items()}
        except (ValueError, TypeError) as error:
            raise DataError(
                _("The labels can not be understood."),
                file=root / "dataset.json",
                expected='"labels": {"0": "background", "1": "…"}',
                found=json.dumps(labels, ensure_ascii=False)[:200],
            ) from error
    return {value: name.lower() for value, name in sorted(named.items()) if value != 0}


def _known_labels(pairs: list[tuple[str, str]]) -> dict[int, str]:
    """Labels of the task whose files all begin like these."""
    starts = {_stem(image).rpartition("_")[0] for image, _label in pairs}
    names = TASKS.get(starts.pop(), ()) if len(starts) == 1 else ()
    return dict(enumerate(names, start=1))


def _seen_labels(root: Path, masks: list[str]) -> dict[int, str]:
    """``label_1`` … for the values in the first masks that can be read."""
    from laudo.read.mask import read_mask

    values: set[int] = set()
    read = 0
    for mask in masks:
        try:
            values.update(read_mask([root / mask]).values)
        except DataError:
            continue
        read += 1
        if read == 3:
            break
    return {value: f"label_{value}" for value in sorted(values) if value > 0}


SOURCE = Source(
    name="msd",
    folder="hippocampus",
    what=N_(
        "Medical Segmentation Decathlon: CT and MR volumes with label maps. No patient identifiers: in task 4 the left and the "
        "right hippocampus of one person are two volumes, and the names do not say whose they are"
    ),
    size="2633 (task 4, hippocampus: 260 with labels)",
    licence="CC BY-SA 4.0",
    citation="Antonelli M et al. The Medical Segmentation Decathlon. Nature Communications 13:4128, 2022. Simpson AL et al. A "
    "large annotated medical image dataset for the development and evaluation of segmentation algorithms. arXiv:1902.09063, 2019.",
    where=N_(
        "medicaldecathlon.com; `laudo data fetch` brings task 4, the others lie beside it in the same public bucket"
    ),
    layout="ROOT/imagesTr/*.nii.gz, ROOT/labelsTr/*.nii.gz, ROOT/dataset.json (not needed)",
    fits=_fits,
    list_samples=_list,
    downloads=(
        Download(f"{BUCKET}/Task04_Hippocampus.tar", "Task04_Hippocampus.tar", "md5:9d24dba78a72977dbd1d2e110310f31b"),
    ),
)
