"""What the header of a DICOM file says, without its pixels, and nothing that names a person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from laudo.read.dicom_file import open_dicom
from laudo.read.guard import one_error

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PATIENT_TAGS: tuple[str, ...] = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientBirthTime",
    "PatientBirthName",
    "PatientMotherBirthName",
    "OtherPatientIDs",
    "OtherPatientNames",
    "OtherPatientIDsSequence",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "PatientInsurancePlanCodeSequence",
    "MedicalRecordLocator",
    "MilitaryRank",
    "ResponsiblePerson",
    "PersonName",
    "PersonAddress",
    "PersonTelephoneNumbers",
    "PatientComments",
    "AccessionNumber",
    "InstitutionName",
    "InstitutionAddress",
    "ReferringPhysicianName",
    "ReferringPhysicianAddress",
    "ReferringPhysicianTelephoneNumbers",
    "ConsultingPhysicianName",
    "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansOfRecord",
    "RequestingPhysician",
    "OperatorsName",
)
"""Elements that identify a person, after the basic profile of PS3.15."""

NO_NAME = frozenset(
    {"", "^", "0", "ANON", "ANONYM", "REMOVED", "DELETED", "UNKNOWN", "NONE", "NA", "PSEUDONYM", "PATIENT"}
)
"""What stands in these elements once a person has been taken out of them."""

SUSPECT = frozenset({"US", "IVUS", "SC", "OT", "XC", "ES"})
"""Modalities whose pixels often hold burned-in text."""

_PICTURE_TAGS = (
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "Modality",
    "BodyPartExamined",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BurnedInAnnotation",
    "SOPClassUID",
    "PatientSex",
    "PatientAge",
    "Manufacturer",
    "ManufacturerModelName",
    "MagneticFieldStrength",
)

OLDEST_TOLD = 89
"""Years; whoever is older is told to be a year older than this: there are too few of them to hide among."""


@dataclass(frozen=True)
class DicomHeader:
    """A DICOM file without its pixels.

    Attributes:
        series: first 8 hex digits of the hash of the series' UID; empty when the file has none.
        study: the same of the study.
        patient: the same of the patient's identifier; empty when it is absent or says no more than that it was removed.
        modality: CT, MR, US …
        body_part: as the file states it, lower case.
        rows: height in pixels; 0 when the file holds no picture.
        columns: width in pixels.
        frames: number of frames.
        burned_in: ``yes`` or ``no`` as the file states; ``unknown`` when it does not, or says no and is of a kind
            that often holds text.
        patient_tags: names, never values, of filled elements that identify a person.
        in_path: whether the patient's identifier or name stands in the names of the file and its folders.
        sex: as the file states it (F, M, O); empty when it does not.
        age: as the file states it (``060Y``), at most a year above :data:`OLDEST_TOLD`.
        manufacturer: of the scanner.
        scanner: its model.
        field_strength: of the magnet in tesla; empty when there is none.
    """

    series: str
    study: str
    patient: str
    modality: str
    body_part: str
    rows: int
    columns: int
    frames: int
    burned_in: str
    patient_tags: tuple[str, ...]
    in_path: bool = False
    sex: str = ""
    age: str = ""
    manufacturer: str = ""
    scanner: str = ""
    field_strength: str = ""


def read_header(path: Path) -> DicomHeader:
    """Read the header of a DICOM file.

    Raises:
        UnreadableImageError: missing, not DICOM, or damaged.
    """
    with one_error(path):
        dataset = open_dicom(path, pixels=False, tags=(*_PICTURE_TAGS, *PATIENT_TAGS))
        return replace(header_of(dataset), in_path=_stands_in(path, dataset))


def header_of(dataset: Dataset) -> DicomHeader:
    """The same of a file that is already open; call inside :func:`laudo.read.guard.one_error`."""
    modality = _text(dataset, "Modality").upper()
    stated = {"YES": "yes", "NO": "no"}.get(_text(dataset, "BurnedInAnnotation").upper(), "")
    suspect = modality in SUSPECT or ".1.1.7" in _text(dataset, "SOPClassUID")[-8:]
    identifier = _text(dataset, "PatientID")
    return DicomHeader(
        series=short_hash(_text(dataset, "SeriesInstanceUID")),
        study=short_hash(_text(dataset, "StudyInstanceUID")),
        patient="" if _says_nothing(identifier) else short_hash(identifier),
        modality=modality,
        body_part=_text(dataset, "BodyPartExamined").lower(),
        rows=max(0, int(dataset.get("Rows") or 0)),
        columns=max(0, int(dataset.get("Columns") or 0)),
        frames=max(1, int(dataset.get("NumberOfFrames") or 1)),
        burned_in="unknown" if not stated or (stated == "no" and suspect) else stated,
        patient_tags=tuple(
            name for name in PATIENT_TAGS if name in dataset and not _says_nothing(_text(dataset, name))
        ),
        sex=_text(dataset, "PatientSex").upper()[:1],
        age=_age(_text(dataset, "PatientAge").upper()),
        manufacturer=_text(dataset, "Manufacturer"),
        scanner=_text(dataset, "ManufacturerModelName"),
        field_strength=_text(dataset, "MagneticFieldStrength"),
    )


def short_hash(value: str) -> str:
    """First 8 hex digits of the SHA-256 of a text; empty for an empty text."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:8] if value else ""


def _age(stated: str) -> str:
    """An age of the form that DICOM gives it, ``060Y`` or ``018M``; nothing for any other, which could be a date."""
    if len(stated) != 4 or not stated[:3].isdigit() or stated[3] not in "YMWD":
        return ""
    return f"{OLDEST_TOLD + 1:03d}Y" if stated[3] == "Y" and int(stated[:3]) > OLDEST_TOLD else stated


def _stands_in(path: Path, dataset: Dataset) -> bool:
    """Whether a part of the path holds the patient's identifier or name; those of up to three letters could be anything."""
    told = [_text(dataset, name) for name in ("PatientID", "PatientName")]
    values = [_letters(value) for value in told if not _says_nothing(value)]
    return any(len(value) > 3 and value in _letters(part) for value in values for part in path.parts)


def _letters(text: str) -> str:
    return "".join(one for one in text.casefold() if one.isalnum())


def _says_nothing(value: str) -> bool:
    """Whether an element's value is empty or one of the constants that stand for a removed name."""
    letters = value.upper().strip(" ^*._-[]<>()")
    return letters in NO_NAME or letters.startswith("ANONYM") or set(letters) <= {"X", "0"}


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip().strip("\0")
