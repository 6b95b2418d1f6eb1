"""Which column of a manifest says what about a case or an image, whatever it is called, and how its values are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

from laudo.catalog.fold import folded

CASE_TEXTS: tuple[str, ...] = (
    "title", "history", "exam", "findings", "differential", "diagnosis", "diagnosis_by", "treatment", "discussion", "topic",
    "keywords", "category",
)  # fmt: skip
"""Texts of a case."""

IMAGE_TEXTS: tuple[str, ...] = ("modality", "modality_detail", "plane", "location", "location_category", "sex", "age")
"""What is known of an image beside its caption."""

NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title", "case_title", "titulo"),
    "history": (
        "history", "clinical_history", "indication", "clinical_information", "anamnesis", "historia", "historia_clinica",
        "historico", "anamnese", "indicacao", "indicacion", "antecedentes",
    ),
    "exam": ("exam", "physical_exam", "examination", "exame_fisico", "examen_fisico"),
    "findings": ("findings", "finding", "achados", "hallazgos"),
    "differential": ("differential", "differential_diagnosis", "diagnostico_diferencial"),
    "diagnosis": ("diagnosis", "case_diagnosis", "final_diagnosis", "diagnostico", "diagnostico_final"),
    "diagnosis_by": ("diagnosis_by", "confirmed_by"),
    "treatment": ("treatment", "treatment_follow_up", "treatment_and_follow_up", "tratamento", "tratamiento"),
    "discussion": ("discussion", "impression", "conclusion", "discussao", "discusion", "impressao", "conclusao", "impresion"),
    "topic": ("topic", "disease_discussion"),
    "keywords": ("keywords", "palavras_chave", "palabras_clave"),
    "category": ("category", "disease_category"),
    "modality": ("modality", "modalidade", "modalidad"),
    "modality_detail": ("modality_detail", "sequence", "series_description", "protocol", "sequencia", "secuencia"),
    "plane": ("plane", "view", "view_position", "viewposition", "orientation", "projection", "plano", "incidencia", "proyeccion"),
    "location": (
        "location", "body_part", "bodypart", "body_part_examined", "bodypartexamined", "anatomy", "region", "organ",
        "site_of_lesion", "localizacao", "localizacion", "regiao", "orgao", "organo",
    ),
    "location_category": ("location_category", "body_region"),
    "sex": ("sex", "gender", "patient_sex", "patientsex", "sexo", "genero"),
    "age": ("age", "age_years", "patient_age", "patientage", "idade", "edad"),
}  # fmt: skip
"""Field → names of a manifest's column in use, the likeliest first; capitals, accents, blanks and hyphens do not count."""

SAME: dict[str, str] = {
    **dict.fromkeys(("tc", "tac", "computed", "tomografia", "tomography"), "ct"),
    **dict.fromkeys(("mri", "rm", "rmn", "mrt", "irm"), "mr"),
    **dict.fromkeys(("ultrasound", "ultrassom", "ultrasonido", "ecografia", "ultrassonografia", "eco"), "us"),
    **dict.fromkeys(("rx", "xray", "radiograph", "radiografia"), "xr"),
    **dict.fromkeys(("sagital",), "sagittal"),
}
"""Other words for a modality or plane."""


def fields_of(columns: Iterable[str]) -> dict[str, str]:
    """Field of the catalogue → column of a manifest that holds it; what every manifest has keeps its meaning."""
    from laudo.core.manifest import COLUMNS  # a search asks for no columns, and need not wait for pandas

    plain: dict[str, str] = {}
    for column in columns:
        if column not in COLUMNS:
            plain.setdefault(re.sub(r"\W+", "_", folded(column.replace("_", " "))), column)
    return {
        field: plain[known[0]] for field, names in NAMES.items() if (known := [name for name in names if name in plain])
    }


def value_words(text: str) -> frozenset[str]:
    """The words of a modality, plane or location by which two spellings are compared."""
    return frozenset(SAME.get(word, word) for word in folded(text).split())
