"""Are the files that a run learned from still the same? By the hashes in its manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.read.member import split_member
from laudo.sources import folders
from laudo.sources.hashes import with_hashes
from laudo.sources.table import SOURCES, find_root

COLUMNS = (("image", "sha256"), ("mask", "mask_sha256"))


@dataclass(frozen=True)
class FileCheck:
    """What became of the files of a manifest.

    Attributes:
        n: samples.
        changed: paths whose contents are others now.
        missing: paths that can not be opened any more.
        unchecked: folders of series, which only their source can hash.
    """

    n: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unchecked: int

    @property
    def same(self) -> bool:
        """Whether nothing that was looked at differs."""
        return not self.changed and not self.missing

    def as_dict(self) -> dict[str, Any]:
        """For reproduce.json."""
        return {
            "same": self.same,
            "samples": self.n,
            "changed": list(self.changed),
            "missing": list(self.missing),
            "unchecked": self.unchecked,
        }


def locate(manifest: Manifest, data: Path | None) -> Manifest:
    """The manifest with its files where they are now.

    Args:
        manifest: of a run.
        data: the data set's folder, or one that holds it; None: where it was, else ``LAUDO_DATA``.

    Raises:
        DataError: no image of the manifest is there.
    """
    if data is None and _holds(manifest, manifest.root):
        return manifest
    root = find_root(SOURCES.get(manifest.source, folders.SOURCE), data)
    folder = root.parent if root.is_file() else root
    inside = [folder / part for part in _ends(manifest.root)]
    for place in (folder, *inside, *(root.parent / manifest.root.name,)):
        if _holds(manifest, place):
            return replace(manifest, root=place)
    raise DataError(
        _("The images of the run are not in this folder."),
        file=data or root,
        expected=str(manifest.table["image"].iloc[0]) if len(manifest) else None,
        cure=_("Name the folder that holds them with --data ROOT."),
    )


def _ends(root: Path) -> list[Path]:
    """The last one, two and three folders of a path: a data set may lie deeper than the folder that is named."""
    return [Path(*root.parts[-n:]) for n in (1, 2, 3) if len(root.parts) > n]


def _holds(manifest: Manifest, root: Path) -> bool:
    placed = replace(manifest, root=root)
    return any(split_member(path)[0].exists() for path in placed.paths[:20])


def check_files(manifest: Manifest) -> FileCheck:
    """Hash every file again; nothing is decoded."""
    columns = zip(manifest.table["image"], manifest.table["mask"], strict=True)
    today = with_hashes([{"image": image, "mask": mask} for image, mask in columns], manifest.root)
    changed, missing, unchecked = [], [], 0
    for index, now in enumerate(today):
        for column, hashed in COLUMNS:
            before, found = str(manifest.table[hashed].iloc[index]), str(now[hashed])
            paths = manifest.image_paths(index) if column == "image" else manifest.mask_paths(index)
            if not paths or not before or before == found:
                continue
            if any(split_member(path)[0].is_dir() for path in paths):
                unchecked += 1
                continue
            gone = [path for path in paths if not split_member(path)[0].is_file()]
            relative = str(manifest.table[column].iloc[index])
            if gone:
                missing.append(relative)
            else:
                changed.append(relative)
    return FileCheck(len(manifest), tuple(changed), tuple(missing), unchecked)
