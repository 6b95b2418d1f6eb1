"""From a manifest to cases and images."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from laudo.catalog.columns import CASE_TEXTS, IMAGE_TEXTS, fields_of
from laudo.catalog.fold import clean
from laudo.catalog.person import age_years_of, sex_of
from laudo.core.manifest import COLUMNS, Manifest
from laudo.core.messages import _
from laudo.sources.broken_rows import BrokenRow

WIDEST = 80
"""Letters of a value that is filtered by: an index holds no long texts. All of it stays in ``extra``."""

FILTERED = ("modality", "modality_detail", "plane", "location", "location_category")

Values = dict[str, Any]


@dataclass
class CaseRows:
    """One case and its images, as columns of the tables.

    Attributes:
        values: of the case, with its fingerprint.
        images: of its images, each with its fingerprint.
    """

    values: Values
    images: list[Values] = field(default_factory=list)


def rows_of(manifest: Manifest) -> tuple[dict[str, CaseRows], list[BrokenRow]]:
    """The cases of a manifest by their names, and the rows that can not be used.

    A case is a patient; where no patient is known, each sample is one. What only some manifests have is left out where it is
    missing, so that a second manifest of the same data does not blank what the first one said. Where the images of a case tell
    different texts, the case has them all, one below the other, and each image keeps its own in ``extra``.
    """
    fields = fields_of(map(str, manifest.table.columns))
    others = [name for name in manifest.table.columns if name not in COLUMNS and name not in fields.values()]
    keys = manifest.file_keys()
    broken: list[BrokenRow] = []
    samples: dict[str, list[tuple[Values, Values]]] = {}
    for record, key in zip(manifest.table.to_dict("records"), keys, strict=True):
        if not record["sha256"]:
            broken.append(BrokenRow(str(record["image"]), _("the image can not be opened")))
            continue
        image = _image(record, fields, others, key)
        own = {name: _text(record[fields[name]]) for name in CASE_TEXTS if name in fields}
        samples.setdefault(clean(str(record["patient"]) or str(record["sample"])), []).append((image, own))
    return {uid: _case(uid, found, fields) for uid, found in samples.items()}, broken


def set_facts(manifest: Manifest) -> dict[str, Any]:
    """What belongs to all samples of a manifest, for the way back to one."""
    return {
        "classes": list(manifest.classes),
        "channels": list(manifest.channels),
        "mask_labels": {str(value): name for value, name in manifest.mask_labels.items()},
        "separator": manifest.separator,
        "columns": [str(name) for name in manifest.table.columns],
        "fields": fields_of(map(str, manifest.table.columns)),
    }


def _image(record: Mapping[Any, Any], fields: Mapping[str, str], others: Sequence[str], key: str) -> Values:
    told = {name: _text(record[fields[name]]) for name in IMAGE_TEXTS if name in fields}
    own = {name: text for name, text in told.items() if name in FILTERED and len(text) > WIDEST}
    values: Values = {name: text[:WIDEST] if name in FILTERED else text for name, text in told.items()}
    if "sex" in told:
        values |= {"sex": sex_of(told["sex"]), "sex_text": told["sex"]}
    if "age" in told:
        values["age_years"] = age_years_of(told["age"])
    return {
        **values,
        **{name: clean(str(record[name])) for name in ("sample", "image", "mask", "label", "patient", "group")},
        **{name: clean(str(record[name])) for name in ("duplicates", "split", "sha256", "mask_sha256")},
        "caption": _text(record["text"]),
        "fold": int(record["fold"]),
        "file_key": key,
        "extra": {"columns": {str(name): _plain(record[name]) for name in others}, "own": own},
    }


def _case(uid: str, samples: Sequence[tuple[Values, Values]], fields: Mapping[str, str]) -> CaseRows:
    values: Values = {"uid": uid}
    for name in CASE_TEXTS:
        if name in fields:
            values[name] = "\n".join(dict.fromkeys(own[name] for _image, own in samples if own[name]))
    for name in ("sex", "age_years", "age"):
        told = {image[name] for image, _own in samples if image.get(name) not in (None, "")}
        if name in samples[0][0]:
            values[name] = told.pop() if len(told) == 1 else None if name == "age_years" else ""
    values["fingerprint"] = _fingerprint(values)
    images = []
    for image, own in samples:
        differing = {name: text for name, text in own.items() if text != values[name]}
        image["extra"] = {**image["extra"], "own": {**image["extra"]["own"], **differing}}
        images.append({**image, "fingerprint": _fingerprint({**image, "uid": uid, **own})})
    return CaseRows(values, images)


def _text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean(str(value)).strip()


def _plain(value: Any) -> Any:
    """A cell as JSON can hold it; NaN is nothing."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value != value:
        return None
    if isinstance(value, bool | int) or (isinstance(value, float) and np.isfinite(value)):
        return value
    return clean(str(value))


def _fingerprint(values: Mapping[str, Any]) -> str:
    """Hash by which a second import knows that nothing has changed."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:32]
