"""Which text of a table belongs to which image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from laudo.core.errors import DataError, UnreadableImageError
from laudo.core.messages import _
from laudo.sources.images_masks import stem
from laudo.sources.table_file import Record, match_columns, read_rows


class TextTable:
    """Texts in a CSV, TSV or Parquet table: a row an image, with its path or its name.

    The text of an image is in the row whose path ends as the image's does, with or without the file's ending; the longer the
    common end, the better, and of equally long ones the row with the same ending.

    Args:
        path: the table.
        columns: whose texts are read, one below the other; of one that is called `text`, other usual names count too.

    Raises:
        DataError: the table can not be read, or has no column of images or of texts.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        rows = read_rows(path)
        names = list(rows[0][1]) if rows else []
        known = match_columns(
            name for name in names if name not in columns
        )  # what is asked for outright is no other's synonym
        image = known.get("image")
        texts = [name if name in names else known.get(name, "") for name in columns]
        if image is None or not all(texts):
            raise DataError(
                _("The table does not say which text belongs to which image."),
                file=path,
                expected=_("columns: {names}").format(names=", ".join(["image", *columns])),
                found=", ".join(names) or _("no row"),
            )
        self._by_name: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        for row in rows:
            self._add(row, image, texts)

    def of(self, image: Path) -> str:
        """The text of one image; empty when the table has none.

        Raises:
            UnreadableImageError: several rows could be meant, and their texts differ.
        """
        own = _parts(image.resolve().as_posix())
        found: dict[tuple[int, bool], set[str]] = {}
        for parts, name, text in self._by_name.get(own[-1], []):
            if own[-len(parts) :] == parts:
                found.setdefault((len(parts), name == image.name), set()).add(text)
        best = found[max(found)] if found else {""}
        if len(best) > 1:
            raise UnreadableImageError(
                _("Several texts could belong to the image."),
                file=image,
                found=_("rows of {file}: {n}").format(file=self.path.name, n=len(best)),
                cure=_("Give the table the images' paths, not only their names."),
            )
        return best.pop()

    def told(self, images: Sequence[Path]) -> int:
        """How many of these images have a text, or several that could be meant."""
        found = 0
        for image in images:
            try:
                found += bool(self.of(image))
            except UnreadableImageError:
                found += 1
        return found

    def _add(self, row: Record, image: str, texts: Sequence[str]) -> None:
        values = row[1]
        path = str(values[image] or "").strip().replace("\\", "/")
        parts = _parts(path)
        if parts:
            text = "\n".join(found for name in texts if (found := str(values[name] or "").strip()))
            self._by_name.setdefault(parts[-1], []).append((parts, PurePosixPath(path).name, text))


def _parts(path: str) -> tuple[str, ...]:
    """Folders and name, the name without its ending."""
    found = tuple(part for part in PurePosixPath(path).parts if part != "..")
    return (*found[:-1], stem(found[-1])) if found else ()
