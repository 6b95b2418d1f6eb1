"""A table of one's own: CSV, TSV or Parquet, a row an image."""

from __future__ import annotations

from pathlib import Path

from laudo.core.manifest import Manifest
from laudo.core.messages import N_
from laudo.sources.lone_table import find_table, fits_table
from laudo.sources.records import manifest_of_records
from laudo.sources.source import Source
from laudo.sources.table_file import ENDINGS, read_rows


def _fits(root: Path) -> bool:
    return fits_table(root, ENDINGS, read_rows)


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
