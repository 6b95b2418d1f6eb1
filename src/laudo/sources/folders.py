"""A folder per class: the layout of most public image sets, and of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from laudo.core.environment import file_hash
from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.core.progress import track
from laudo.read.raster import ENDINGS
from laudo.sources.source import Source

NEGATIVE_NAMES = ("no", "normal", "healthy", "negative", "benign", "control", "0", "não", "nao", "sem", "sano", "sin")
"""Class names that stand for the negative class when there are two."""


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


def is_image_name(name: str) -> bool:
    """Whether the name ends like a raster image and is not hidden."""
    return not name.startswith(".") and Path(name).suffix.lower() in ENDINGS


def order_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Alphabetical; of two, the one whose name says "negative" first, so that the second is the positive one."""
    ordered = sorted(names)
    if len(ordered) == 2 and ordered[1].lower() in NEGATIVE_NAMES and ordered[0].lower() not in NEGATIVE_NAMES:
        ordered.reverse()
    return tuple(ordered)


def manifest_of_classes(root: Path, classes: dict[str, list[Path]], source: str) -> Manifest:
    """Manifest of images sorted by class; hashes every file (bytes only, nothing is decoded).

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
    pairs = [(label, path) for label, files in classes.items() for path in files]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        hashes = list(track(pool.map(lambda pair: _hash(pair[1]), pairs), _("Reading the files"), total=len(pairs)))
    rows: list[dict[str, object]] = []
    for (label, path), sha256 in zip(pairs, hashes, strict=True):
        name = path.relative_to(root).as_posix()
        rows.append({"sample": name, "image": name, "label": label, "sha256": sha256})
    return Manifest.from_rows(rows, root, source, order_classes(classes))


def _hash(path: Path) -> str:
    """Hash of a file's bytes; empty when it can not be opened, so that the audit names it with the other broken ones."""
    try:
        return file_hash(path)
    except OSError:
        return ""


def _list(root: Path) -> Manifest:
    return manifest_of_classes(root, list_classes(root), SOURCE.name)


SOURCE = Source(
    name="folders",
    folder="",
    what=N_("Any folder with one sub-folder a class, images anywhere below"),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout="ROOT/CLASS/…/image.{png,jpg,…}",
    fits=lambda root: len(list_classes(root)) >= 2,
    list_samples=_list,
)
