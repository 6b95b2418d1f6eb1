"""Rows of a table that somebody else made: CSV, TSV or Parquet, whatever its columns are called."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.sources.broken_rows import skip

Record = tuple[int, dict[str, Any]]
"""Number of a row (of a text file, its line) and its values by column."""

ENDINGS = (".csv", ".tsv", ".parquet")
"""Endings of tables, lower case."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "image": (
        "image", "path", "file", "filename", "file_name", "filepath", "file_path", "image_path", "image_file", "image_name",
        "image_filename", "img", "img_path", "img_file", "imagem", "imagen", "arquivo", "archivo",
    ),
    "mask": (
        "mask", "mask_path", "mask_file", "mask_filename", "mask_name", "segmentation", "segmentation_path", "seg", "seg_path",
        "mascara", "máscara",
    ),
    "label": (
        "label", "class", "target", "diagnosis", "category", "dx", "class_name", "label_name", "classe", "rótulo", "rotulo",
        "clase", "etiqueta", "diagnóstico", "diagnostico",
    ),
    "patient": (
        "patient", "patient_id", "patientid", "pid", "subject", "subject_id", "subjectid", "case", "case_id", "caseid",
        "participant_id", "paciente", "id_paciente", "sujeito", "sujeto",
    ),
    "text": ("text", "caption", "report", "description", "findings", "texto", "legenda", "laudo", "informe"),
    "split": ("split", "part", "partition", "subset", "set", "parte", "partição", "partición"),
    "fold": ("fold", "cv_fold", "fold_id", "dobra"),
}  # fmt: skip
"""What a column means → names in use, the likeliest first; capitals, blanks and hyphens do not count."""


def match_columns(names: Iterable[str]) -> dict[str, str]:
    """Field of the manifest → name of the column that holds it. A column stands for one field, the likeliest name wins."""
    plain: dict[str, str] = {}
    for name in names:
        plain.setdefault(re.sub(r"[\s\-]+", "_", name.strip().lower()), name)
    return {
        field: plain[known[0]]
        for field, candidates in SYNONYMS.items()
        if (known := [one for one in candidates if one in plain])
    }


def read_rows(path: Path) -> list[Record]:
    """Every row of a table, texts as they stand (Parquet: values as they are stored).

    Raises:
        DataError: the file is missing, empty, damaged, not text, or a row does not fit the head.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    text = _read_text(path)
    head = text.lstrip().partition("\n")[0]
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[Record] = []
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _columns(cells, path)
            elif len(cells) > len(columns):
                place = _("{file}, line {n}").format(file=path.name, n=reader.line_num)
                if skip(place, _("A row has more cells than the table has columns.")):
                    continue
                raise DataError(
                    _("A row has more cells than the table has columns."),
                    file=path,
                    found=_("line {line}: {cells} cells").format(line=reader.line_num, cells=len(cells)),
                    expected=_("at most {n} cells; texts that hold the separator stand in quotes").format(
                        n=len(columns)
                    ),
                )
            else:
                cells += [""] * (len(columns) - len(cells))
                rows.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise DataError(_("The table can not be read."), file=path, found=f"{reader.line_num}: {error}") from error
    return rows


def _columns(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DataError(_("Two columns of the table have the same name."), file=path, found=", ".join(repeated))
    return [name or f"column {place}" for place, name in enumerate(names, start=1)]


def _read_text(path: Path) -> str:
    """The file's text: UTF-8, else the code page that spreadsheets in western Europe and America write."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(_("The table can not be read."), file=path, found=str(error)) from error
    if b"\0" in content:
        raise DataError(
            _("The table can not be read."),
            file=path,
            found=_("bytes that are no text"),
            expected=_("a text file in UTF-8"),
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        say(_("{file} is not UTF-8; it is read as Windows text (cp1252)").format(file=path.name))
        return content.decode("cp1252", errors="replace")


def _read_parquet(path: Path) -> list[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(enumerate(pq.read_table(path).to_pylist(), start=1))
    except (OSError, pa.ArrowException) as error:
        raise DataError(_("The table can not be read."), file=path, found=f"{type(error).__name__}: {error}") from error
