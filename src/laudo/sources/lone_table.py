"""The one table of a folder: how the sources of tables find it, and whether its first row names an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.sources.records import as_text, exists
from laudo.sources.table_file import Record, match_columns

NOT_A_LIST = ("patients.csv", "patients.tsv")
"""Tables beside class folders that belong to them (see the source ``folders``)."""


def find_table(root: Path, endings: tuple[str, ...], layout: str) -> Path:
    """The table: ROOT itself, or the only one in the folder ROOT.

    Raises:
        DataError: there is none, or more than one.
    """
    if root.is_file():
        if root.suffix.lower() in endings:
            return root
        raise DataError(_("The file is not a table that this source reads."), file=root, expected=", ".join(endings))
    tables = tables_in(root, endings)
    if len(tables) != 1:
        raise DataError(
            _("The folder must hold exactly one table."),
            file=root,
            expected=layout,
            found=", ".join(path.name for path in tables)
            or _("no file that ends in {names}").format(names=", ".join(endings)),
            cure=_("Name the table itself instead of its folder.") if tables else None,
        )
    return tables[0]


def tables_in(root: Path, endings: tuple[str, ...]) -> list[Path]:
    """Tables that lie directly in a folder; what laudo itself has written there does not count."""
    own = {"manifest.csv", "manifest.parquet"} if (root / "import.json").is_file() else set()
    return sorted(
        path
        for path in root.iterdir()
        if path.suffix.lower() in endings
        and not path.name.startswith(".")
        and path.name not in own
        and path.name.lower() not in NOT_A_LIST
        and path.is_file()
    )


def fits_table(root: Path, endings: tuple[str, ...], first_rows: Callable[[Path], list[Record]]) -> bool:
    """Whether ROOT is such a table, or a folder with one of them whose first row names an image that is there.

    Args:
        root: a table or a folder.
        endings: of the tables, lower case.
        first_rows: reads the first row of a table, or more; a DataError of it means "no".
    """
    if root.is_file():
        return root.suffix.lower() in endings
    if not root.is_dir() or len(tables := tables_in(root, endings)) != 1:
        return False
    try:
        rows = first_rows(tables[0])
    except DataError:
        return False
    column = match_columns(rows[0][1]).get("image") if rows else None
    if column is None:
        return False
    first = as_text(rows[0][1][column]).partition("|")[0].replace("\\", "/")
    return bool(first) and exists(root / first)
