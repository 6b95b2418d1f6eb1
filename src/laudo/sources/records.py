"""Samples from the records of a table, whatever file they stand in."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from laudo.core.errors import DataError
from laudo.core.letters import plain
from laudo.core.manifest import COLUMNS, SEPARATOR, Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.read.member import split_member
from laudo.sources.broken_rows import skip
from laudo.sources.folders import order_classes
from laudo.sources.hashes import with_hashes
from laudo.sources.layout import some
from laudo.sources.part_names import part_named
from laudo.sources.table_file import SYNONYMS, Record, match_columns

IDENTIFYING = frozenset(
    {
        "name", "fullname", "patientname", "patientsname", "nameofpatient", "firstname", "lastname", "givenname", "familyname",
        "middlename", "surname", "nome", "nomecompleto", "nomepaciente", "nomedopaciente", "sobrenome", "nombre", "nombrecompleto",
        "nombrepaciente", "nombredelpaciente", "apellido", "apellidos", "birthdate", "patientbirthdate", "patientsbirthdate",
        "dateofbirth", "birthday", "dob", "datanascimento", "datadenascimento", "fechanacimiento", "fechadenacimiento",
        "address", "patientaddress", "endereco", "direccion", "phone", "phonenumber", "telephone", "mobile", "telefone", "celular",
        "telefono", "email", "mail", "correo", "correoelectronico", "cpf", "rg", "dni", "nif", "ssn", "socialsecuritynumber",
        "nhsnumber", "mrn", "medicalrecordnumber", "prontuario", "historiaclinica", "accession", "accessionnumber",
    }
)  # fmt: skip
"""Columns that are never copied: they may name a person. Capitals, accents and whatever is no letter do not count."""


_keep_unlabelled: ContextVar[bool] = ContextVar("laudo_keep_unlabelled", default=False)


@contextmanager
def unlabelled_rows_kept() -> Iterator[None]:
    """Within the block rows without a class stay: where a sample may have several labels, they are samples without any."""
    token = _keep_unlabelled.set(True)
    try:
        yield
    finally:
        _keep_unlabelled.reset(token)


def manifest_of_records(records: Sequence[Record], table: Path, source: str) -> Manifest:
    """Manifest of the rows of a table; what was inferred is said.

    Args:
        records: rows with their numbers.
        table: the file they stand in; paths are relative to its folder.
        source: name of the source.

    Raises:
        DataError: no row, no column with images, none of the images is there, an image in two rows, or a part or fold that is
            none; with the number of the row.
    """
    if not records:
        raise DataError(_("The table has no rows."), file=table, expected=_("a row an image"))
    columns = list(dict.fromkeys(name for _number, values in records for name in values))
    fields = match_columns(columns)
    if "image" not in fields:
        raise DataError(
            _("The table has no column that names the images."),
            file=table,
            expected=_("a column of this name: {names}").format(names=", ".join(SYNONYMS["image"][:8])),
            found=", ".join(columns),
        )
    taken = {column: field for field, column in fields.items()}
    extras = {
        name: name.strip().lower()
        for name in columns
        if name not in taken and name.strip().lower() not in COLUMNS and not may_name_a_person(name)
    }
    _say_columns(fields, columns, extras)
    rows, records = _sound_rows(records, fields, extras, table)
    _refuse_repeated(rows, records, table)
    rows = _without_unlabelled(rows, records)
    _check_files(rows, table)
    _number_folds(rows)
    classes = order_classes({str(row["label"]) for row in rows} - {""})
    channels = _channels(rows, records, table)
    return Manifest.from_rows(with_hashes(rows, table.parent), table.parent, source, classes, channels)


def may_name_a_person(column: str) -> bool:
    """Whether a column of this name usually holds what leads to a person."""
    return "".join(one for one in plain(column) if one.isalpha()) in IDENTIFYING


def as_text(value: Any) -> str:
    """A cell as text: nothing, NaN and null are empty, whole numbers have no decimals, lists of texts are joined by |."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return SEPARATOR.join(value)
    if isinstance(value, list | dict):
        return json.dumps(_impersonal(value), ensure_ascii=False, sort_keys=True)
    return str(value).strip()


def _impersonal(value: Any) -> Any:
    """Nested values without those whose names say that they lead to a person."""
    if isinstance(value, list):
        return [_impersonal(one) for one in value]
    if isinstance(value, dict):
        return {name: _impersonal(one) for name, one in value.items() if not may_name_a_person(str(name))}
    return value


def _sound_rows(
    records: Sequence[Record], fields: dict[str, str], extras: dict[str, str], table: Path
) -> tuple[list[dict[str, object]], list[Record]]:
    """Rows and the records that they come from, without those that are broken and may be skipped.

    Raises:
        DataError: a row is broken and may not be skipped, or all are broken.
    """
    rows: list[dict[str, object]] = []
    kept: list[Record] = []
    last: DataError | None = None
    seen: set[object] = set()
    for record in records:
        place = _("{file}, row {n}").format(file=table.name, n=record[0])
        try:
            row = _row(*record, fields, extras, table)
        except DataError as error:
            last = error
            if not skip(place, f"{error.what} {error.found or ''}".strip()):
                raise
            continue
        if row["sample"] in seen and skip(place, _("An image stands in two rows of the table.")):
            continue
        seen.add(row["sample"])
        rows.append(row)
        kept.append(record)
    if not rows and last is not None:
        raise last
    return rows, kept


def _row(
    number: int, values: dict[str, Any], fields: dict[str, str], extras: dict[str, str], table: Path
) -> dict[str, object]:
    cells = {field: as_text(values.get(column)) for field, column in fields.items()}
    if not cells["image"]:
        raise DataError(_("A row of the table names no image."), file=table, found=_("row {row}").format(row=number))
    image = _relative(cells["image"], table.parent)
    part = part_named(cells.get("split", ""))
    if cells.get("split") and not part:
        raise DataError(
            _("A row of the table names a part that laudo does not know."),
            file=table,
            found=_("row {row}: {value}").format(row=number, value=cells["split"]),
            expected="train, val, test",
        )
    fold = cells.get("fold") or "0"
    if not fold.isdecimal():
        raise DataError(
            _("A row of the table names a fold that is no number."),
            file=table,
            found=_("row {row}: {value}").format(row=number, value=fold),
            expected=_("whole numbers, the same for all samples that are tested together"),
        )
    more = {name: as_text(values.get(column)) for column, name in extras.items()}
    kept = {field: cells.get(field, "") for field in ("label", "patient", "text")}
    mask = _relative(cells["mask"], table.parent) if cells.get("mask") else ""
    known_fold = int(fold) if cells.get("fold") else -1
    return {**more, **kept, "sample": image, "image": image, "mask": mask, "split": part, "fold": known_fold}


def _relative(paths: str, base: Path) -> str:
    """Paths of a cell, relative to the table and with forward slashes."""
    each = []
    for path in (one.strip() for one in paths.split(SEPARATOR)):
        if os.sep == "/" and "\\" in path and not (base / path).exists():
            path = path.replace("\\", "/")
        if Path(path).is_absolute():
            with suppress(ValueError):  # another drive
                path = os.path.relpath(path, os.path.abspath(base))  # noqa: PTH100
        each.append(Path(os.path.normpath(path)).as_posix())
    return SEPARATOR.join(each)


def _say_columns(fields: dict[str, str], columns: Sequence[str], extras: dict[str, str]) -> None:
    pairs = ", ".join(field if field == column else f"{field} ← {column}" for field, column in fields.items())
    say(_("Columns of the table: {pairs}").format(pairs=pairs))
    if extras:
        say(_("Columns kept as they are: {names}").format(names=", ".join(extras)))
    personal = [name for name in columns if name not in fields.values() and may_name_a_person(name)]
    if personal:
        say(_("Columns left out because they may name a person: {names}").format(names=", ".join(personal)))


def _refuse_repeated(rows: Sequence[dict[str, object]], records: Sequence[Record], table: Path) -> None:
    first: dict[object, int] = {}
    for row, (number, _values) in zip(rows, records, strict=True):
        before = first.setdefault(row["sample"], number)
        if before != number:
            raise DataError(
                _("An image stands in two rows of the table."),
                file=table,
                found=_("rows {first} and {second}: {image}").format(first=before, second=number, image=row["image"]),
                cure=_("Keep one row an image; several masks of one image are joined by | in the column mask."),
            )


def _without_unlabelled(rows: list[dict[str, object]], records: Sequence[Record]) -> list[dict[str, object]]:
    """A table whose samples have classes can not use the rows that have none."""
    bare = [number for row, (number, _values) in zip(rows, records, strict=True) if not row["label"]]
    if not bare or len(bare) == len(rows) or _keep_unlabelled.get():
        return rows
    say(
        _("Rows left out because they have no class: {n} ({rows})").format(
            n=len(bare), rows=some([str(number) for number in bare])
        )
    )
    return [row for row in rows if row["label"]]


def _check_files(rows: Sequence[dict[str, object]], table: Path) -> None:
    """None of the images there: an error. Some missing: said here, and named by the audit."""
    for column, missing_all in (
        ("image", _("None of the images that the table names is there.")),
        ("mask", _("None of the masks that the table names is there.")),
    ):
        named = [path for row in rows if row[column] for path in str(row[column]).split(SEPARATOR)]
        missing = [path for path in named if not exists(table.parent / path)]
        if named and len(missing) == len(named):
            raise DataError(
                missing_all,
                file=table,
                expected=_("paths relative to the table's folder, {folder}").format(folder=table.parent),
                found=some(missing),
                cure=_("Move the table to the folder that its paths start from, or correct the paths."),
            )
        if missing:
            say(_("Files that the table names and that are not there: {n} ({names})").format(
                n=len(missing), names=some(missing)))  # fmt: skip


def exists(path: Path) -> bool:
    """Whether a file is there, or the file or folder that a member (``file#member``) is in."""
    return split_member(path)[0].exists()


def _number_folds(rows: Sequence[dict[str, object]]) -> None:
    """Folds count from 1 in a manifest, and 0 means none: a table that counts from 0 is shifted. -1 stands for none so far."""
    counts = Counter(int(str(row["fold"])) for row in rows)
    shift = 1 if counts.get(0) and len(counts) - (-1 in counts) > 1 else 0
    if shift:
        say(_("Folds that count from 0 are counted from 1"))
    for row in rows:
        fold = int(str(row["fold"]))
        row["fold"] = 0 if fold < 0 else fold + shift


def _channels(rows: Sequence[dict[str, object]], records: Sequence[Record], table: Path) -> tuple[str, ...]:
    """Names of each sample's images when there are several; every sample must have as many."""
    counts = Counter(str(row["image"]).count(SEPARATOR) + 1 for row in rows)
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        odd = next(str(row["image"]) for row in rows if str(row["image"]).count(SEPARATOR) + 1 != usual)
        raise DataError(
            _("The samples do not have the same number of images each."),
            file=table,
            found=odd,
            expected=_("images a sample: {n}").format(n=usual),
        )
    several = max(counts, default=1)
    return tuple(str(number) for number in range(1, several + 1)) if several > 1 else ()
