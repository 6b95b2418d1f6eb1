"""Small pictures inside the report: read once, shrunk, encoded as data URIs, never more bytes than allowed."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from laudo.core.errors import LaudoError
from laudo.core.manifest import Manifest
from laudo.read.picture import as_picture
from laudo.read.table import read_image

KEPT_SIDE = 200
"""Longest side in pixels that is kept in memory of each image: the largest thumbnail asked of a sample."""

BUDGET_BYTES = 5_500_000
"""Most bytes of pictures in one report; with figures and text it then stays below 8 MB."""


class Album:
    """Thumbnails of the manifest's samples and of files of the run.

    Args:
        manifest: where the samples' images are; None when the run has no manifest.
        budget: most bytes of data URIs that are given out in all.
    """

    def __init__(self, manifest: Manifest | None, budget: int = BUDGET_BYTES) -> None:
        self._paths = {} if manifest is None else dict(zip(manifest.table["sample"], manifest.paths, strict=True))
        self._kept: dict[Path, tuple[Image.Image, tuple[int, int]] | None] = {}
        self._given: dict[tuple[Path, int], str | None] = {}
        self._left = budget
        self.left_out = 0
        """Pictures refused because the budget was spent."""
        self.unreadable: set[str] = set()
        """Names of image files that are gone or broken."""

    def sample(self, sample: str, side: int) -> str | None:
        """Give a sample's image as data URI, at most ``side`` pixels long; None when it is gone or too much."""
        path = self._paths.get(sample)
        return None if path is None else self.file(path, side)

    def size(self, sample: str) -> tuple[int, int] | None:
        """(width, height) in pixels of a sample's image; None when it can not be read."""
        path = self._paths.get(sample)
        found = None if path is None else self._read(path)
        return None if found is None else found[1]

    def inside(self, folder: Path, relative: object, side: int) -> str | None:
        """Give a picture of the run as data URI; a path that leaves the run's folder is refused."""
        if not isinstance(relative, str) or not relative:
            return None
        path = (folder / relative).resolve()
        return self.file(path, side) if path.is_relative_to(folder.resolve()) else None

    def file(self, path: Path, side: int) -> str | None:
        """Give an image file as data URI."""
        key = (path, side)
        if key not in self._given:
            found = self._read(path, max(side, KEPT_SIDE))
            self._given[key] = None if found is None else self._encode(found[0], side)
        return self._given[key]

    def _read(self, path: Path, side: int = KEPT_SIDE) -> tuple[Image.Image, tuple[int, int]] | None:
        if path not in self._kept:
            try:
                array = as_picture(read_image(path))
            except (LaudoError, OSError, ValueError):
                self.unreadable.add(path.name)
                self._kept[path] = None
            else:
                image = Image.fromarray(array)
                size = image.size
                image.thumbnail((side, side), Image.Resampling.LANCZOS)
                self._kept[path] = (image, size)
        return self._kept[path]

    def _encode(self, image: Image.Image, side: int) -> str | None:
        small = image.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=80, optimize=True)
        return self.give(buffer.getvalue(), "image/jpeg")

    def give(self, content: bytes, mime: str) -> str | None:
        """Give what was drawn elsewhere as data URI; None when the budget is spent."""
        uri = f"data:{mime};base64," + base64.b64encode(content).decode("ascii")
        if len(uri) > self._left:
            self.left_out += 1
            return None
        self._left -= len(uri)
        return uri
