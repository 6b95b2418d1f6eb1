"""A table of one's own: CSV, TSV or Parquet, a row an image."""

from __future__ import annotations

from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import N_, _
from laudo.sources.records import exists, manifest_of_records
from laudo.sources.source import Source
from laudo.sources.table_file import ENDINGS, match_columns, read_rows

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


def _fits(root: Path) -> bool:
    if root.is_file():
        return root.suffix.lower() in ENDINGS
    if not root.is_dir() or len(tables := tables_in(root, ENDINGS)) != 1:
        return False
    try:
        rows = read_rows(tables[0])[:1]
    except DataError:
        return False
    column = match_columns(rows[0][1]).get("image") if rows else None
    if column is None:
        return False
    first = str(rows[0][1][column]).partition("|")[0].replace("\\", "/")
    return bool(first) and exists(root / first)


def _list(root: Path) -> Manifest:
    table = find_table(root, ENDINGS, SOURCE.layout)
    return manifest_of_records(read_rows(table), table, SOURCE.name)


SOURCE = Source(
    name="csv",
    folder="",
    what=N_(
        "Any table (CSV, TSV, Parquet) that names an image a row, and its mask, class, patient, text, part or fold"
    ),
    size="any",
    licence=N_("your own"),
    citation="",
    where=N_("your own images"),
    layout="ROOT/*.csv (image, mask, label, patient, text, split, fold)",
    fits=_fits,
    list_samples=_list,
    endings=ENDINGS,
)
