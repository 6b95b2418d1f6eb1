"""From images of a catalogue back to a manifest that a training can start from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from laudo.catalog.batches import BATCH, batches
from laudo.catalog.columns import CASE_TEXTS
from laudo.catalog.tables import Case, DataSet, Image
from laudo.core.errors import DataError
from laudo.core.labels import split_labels
from laudo.core.manifest import COLUMNS, SEPARATOR, Manifest
from laudo.core.messages import _

SOURCE = "catalog"
"""Name of the source of a manifest of several data sets."""


def manifest_of(session: Session, numbers: Sequence[int]) -> Manifest:
    """The manifest of some images, in the columns that they came with.

    Of one data set the paths start from its root; of several from the folder that all roots are in, and samples, patients and
    groups begin with the data set's name, so that none of two are taken for one.

    Args:
        session: that reads.
        numbers: of the images.

    Raises:
        DataError: there are none, or data sets that do not belong together: with several labels a sample and without, or of several
            channels.
    """
    if not numbers:
        raise DataError(_("No image answers: there is nothing to export."))
    rows: list[tuple[Image, Case]] = []
    for batch in batches(sorted(numbers), BATCH):
        rows += session.execute(select(Image, Case).join(Image.case).where(Image.id.in_(batch))).all()
    sets = {one.id: one for one in session.execute(select(DataSet)).scalars()}
    used = [sets[number] for number in sorted({image.set_id for image, _case in rows})]
    facts = _common([one.facts for one in used])
    root = Path(used[0].root) if len(used) == 1 else _common_root([Path(one.root) for one in used])
    made = [_row(image, case, sets[image.set_id], root, several=len(used) > 1) for image, case in rows]
    labels = {label for row in made for label in _labels(str(row["label"]), facts["separator"])}
    classes = [name for one in used for name in one.facts["classes"] if name in labels]
    classes += sorted(labels - set(classes))
    return _manifest(made, root, used, tuple(dict.fromkeys(classes)), facts)


def _manifest(
    rows: list[dict[str, Any]], root: Path, used: Sequence[DataSet], classes: tuple[str, ...], facts: Mapping[str, Any]
) -> Manifest:
    columns = dict.fromkeys([*COLUMNS, *(name for one in used for name in one.facts["columns"])])
    table = pd.DataFrame(rows, columns=[*columns])
    for name in table.columns.difference([*COLUMNS]):
        if table[name].isna().any():  # a column that only some data sets have
            table[name] = table[name].where(table[name].notna(), "").map(str)
    table = table.sort_values("sample", kind="stable").reset_index(drop=True)
    return Manifest(
        table,
        root,
        used[0].source if len(used) == 1 else SOURCE,
        classes,
        tuple(facts["channels"]),
        {int(value): name for value, name in facts["mask_labels"].items()},
        separator=facts["separator"],
    )


def _row(image: Image, case: Case, data_set: DataSet, root: Path, several: bool) -> dict[str, Any]:
    fields: Mapping[str, str] = data_set.facts["fields"]
    row: dict[str, Any] = {name: getattr(image, "caption" if name == "text" else name) for name in COLUMNS}
    row |= image.extra["columns"]
    for field, column in fields.items():
        if field in image.extra["own"]:
            row[column] = image.extra["own"][field]
        elif field in CASE_TEXTS:
            row[column] = getattr(case, field)
        else:
            row[column] = image.sex_text if field == "sex" else getattr(image, field)
    if several:
        for name in ("image", "mask"):
            row[name] = _moved(row[name], Path(data_set.root), root)
        for name in ("sample", "patient", "duplicates", "group"):
            row[name] = f"{data_set.name}/{row[name]}" if row[name] else ""
    return row


def _moved(joined: str, old: Path, new: Path) -> str:
    """Paths of one root as seen from another."""
    if not joined:
        return ""
    return SEPARATOR.join(Path(os.path.relpath(old / one, new)).as_posix() for one in joined.split(SEPARATOR))


def _common_root(roots: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath(roots))
    except ValueError as error:  # two drives
        raise DataError(
            _("These data sets lie on different drives."),
            found=", ".join(map(str, roots)),
            cure=_("Export them one by one: --source NAME"),
        ) from error


def _common(facts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """What all data sets must agree on."""
    for name in ("channels", "mask_labels", "separator"):
        if any(one[name] != facts[0][name] for one in facts):
            raise DataError(
                _("These data sets do not fit into one manifest."),
                found=f"{name}: " + " / ".join(str(one[name]) for one in facts),
                cure=_("Export them one by one: --source NAME"),
            )
    return facts[0]


def _labels(label: str, separator: str | None) -> list[str]:
    if separator is None:
        return [label] if label else []
    return split_labels(label, separator)
