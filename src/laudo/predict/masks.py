"""Which mask of a folder belongs to which image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.messages import _
from laudo.sources.images_masks import IMAGE_FOLDERS, MASK_FOLDERS, MASK_SUFFIX, list_files, stem

KIND_FOLDERS = frozenset({*IMAGE_FOLDERS, *MASK_FOLDERS})
"""Folders whose name only says what is in them."""


class MaskFolder:
    """Masks below a folder, found by the names of their images.

    The mask of an image has its name, whatever the ending, or its name and a usual suffix (``x_mask``, ``x_seg``, ``x_mask_1``).
    Of several such files those in the image's own place count: first in the folder of the same name below the folder that was
    named, where ``images`` and ``masks`` are no names; then, from the root of the disk, in the same folder. Otherwise the name
    must be the only one of its kind. Several masks of one place are one mask together.

    Args:
        folder: what lies below it.
        named: files and folders that the images were named by.

    Raises:
        DataError: there is no such folder, or no image in it.
    """

    def __init__(self, folder: Path, named: Sequence[Path]) -> None:
        if not folder.is_dir():
            raise DataError(_("There is no such folder of masks."), file=folder)
        self.folder = folder
        self._roots = [path for path in named if path.is_dir()]
        self._by_stem: dict[str, list[Path]] = {}
        self._known: dict[Path, set[str]] = {}  # names without their ending, by folder
        for relative in list_files(folder):
            name = stem(Path(relative).name)
            for key in {name, MASK_SUFFIX.sub("", name)}:
                self._by_stem.setdefault(key, []).append(folder / relative)
        if not self._by_stem:
            raise DataError(_("There is no mask in the folder."), file=folder)

    def images(self, files: Iterable[Path]) -> list[Path]:
        """The files that are no masks: those of this folder with the name of a mask, or in a folder of masks, are left out.

        A file that was named itself, and not only its folder, stays.
        """
        return [path for path in files if not self._is_mask(path)]

    def of(self, image: Path) -> tuple[Path, ...]:
        """The masks of one image; none when there is none.

        Raises:
            UnreadableImageError: there are several that could be meant.
        """
        name, folder = stem(image.name), image.parent.resolve()
        found = [
            path
            for path in self._by_stem.get(name, [])
            if stem(path.name) != name or path.parent.resolve() != folder  # itself, or itself in another format
        ]
        for place, own in enumerate(self._places(image)):
            near = [path for path in found if self._mask_places(path)[place] == own]
            if near:
                return tuple(near)
        if len({path.parent for path in found}) > 1:
            raise UnreadableImageError(
                _("Several masks could belong to the image."),
                file=image,
                found=", ".join(path.relative_to(self.folder).as_posix() for path in found[:3]),
                cure=_("Give the folder of masks the same sub-folders as the images have."),
            )
        return tuple(found)

    def _places(self, image: Path) -> tuple[str, str]:
        root = next((root for root in self._roots if image.is_relative_to(root)), image.parent)
        return _place(image.parent.relative_to(root)), _place(image.parent.resolve())

    def _mask_places(self, mask: Path) -> tuple[str, str]:
        return _place(mask.parent.relative_to(self.folder)), _place(mask.parent.resolve())

    def _is_mask(self, path: Path) -> bool:
        root = next((root for root in self._roots if path.is_relative_to(root)), None)
        if root is None or not path.resolve().is_relative_to(self.folder.resolve()):
            return False
        folders = {part.lower() for part in path.parent.relative_to(root).parts}
        name = stem(path.name)
        plain = MASK_SUFFIX.sub("", name)
        return (plain != name and plain in self._names(path.parent)) or not folders.isdisjoint(MASK_FOLDERS)

    def _names(self, folder: Path) -> set[str]:
        if folder not in self._known:
            self._known[folder] = {stem(path.name) for path in folder.iterdir()}
        return self._known[folder]


def _place(folder: Path) -> str:
    """A folder without the parts that only say what is in it; `.` for nothing else, so that it is told from no place."""
    return "/".join(part for part in folder.parts if part.lower() not in KIND_FOLDERS) or "."
