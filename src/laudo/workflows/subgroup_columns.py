"""Columns of a manifest by which figures are shown in subgroups, as bands of the cases that were judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from laudo.catalog.person import age_years_of, sex_of
from laudo.core.errors import RecipeError
from laudo.core.letters import plain
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.evaluate.bands import AGE_BOUNDS_YEARS, Band, Column, bands_of, number_bands, word_bands

MEANINGS: dict[str, tuple[str, ...]] = {
    "sex": ("sex", "gender", "patientsex", "sexo", "genero"),
    "age": ("age", "patientage", "ageyears", "ageinyears", "idade", "edad"),
    "modality": ("modality", "modalidade", "modalidad"),
    "manufacturer": ("manufacturer", "vendor", "fabricante"),
    "scanner": ("scanner", "scannermodel", "manufacturermodelname", "device", "equipment", "equipamento", "equipo"),
    "field_strength": ("fieldstrength", "fieldstrengtht", "magneticfieldstrength"),
    "site": ("site", "hospital", "center", "centre", "institution", "centro", "instituicao", "institucion"),
}
"""What is looked for when the recipe names no column → how such a column is called; only letters count."""

MANY_READ = 0.5
"""Share of the texts of a column that must be ages or sexes for the column to be one."""


def check_subgroups(recipe: Recipe, manifest: Manifest) -> None:
    """Refuse a recipe that names a column which the data do not have, before anything is trained.

    Raises:
        RecipeError: names it.
    """
    strange = [name for name in recipe.evaluation.subgroups or () if name not in manifest.table]
    if strange:
        raise RecipeError(
            _("evaluation.subgroups names a column that the data do not have."),
            found=", ".join(strange),
            expected=", ".join(map(str, manifest.table.columns)),
        )


def subgroup_columns(recipe: Recipe, manifest: Manifest, samples: Sequence[str]) -> list[Column]:
    """The recipe's columns, or those that are known, with the bands of the judged cases.

    A column that says the same as the class is none: it would only repeat the figures of each class.

    Args:
        recipe: says which.
        manifest: with the judged cases among its samples.
        samples: the judged cases, in their order.
    """
    names = recipe.evaluation.subgroups
    table = manifest.table.set_index("sample").reindex(list(samples))
    if names is None:
        names = tuple(name for name in map(str, table) if meaning_of(name) and not _is_the_class(table, name, recipe))
    columns = [
        Column(name, meaning_of(name), _bands(_texts(table[name]), meaning_of(name))) for name in names if name in table
    ]
    return [column for column in columns if any(band.kind != "unknown" for band in column.bands)]


def meaning_of(column: str) -> str:
    """Key of :data:`MEANINGS` that a column is called by; empty for any other."""
    letters = "".join(one for one in plain(column) if one.isalnum())
    return next((meaning for meaning, names in MEANINGS.items() if letters in names), "")


def _is_the_class(table: pd.DataFrame, column: str, recipe: Recipe) -> bool:
    return column == recipe.data.label or bool((_texts(table[column]) == _texts(table["label"])).all())


def _texts(column: pd.Series) -> np.ndarray:
    """(n,) texts, empty where nothing is said."""
    return np.array(["" if pd.isna(value) else str(value).strip() for value in column], dtype=object)


def _bands(texts: np.ndarray, meaning: str) -> list[Band]:
    said = texts != ""
    if meaning == "age":
        years = np.array([found if (found := age_years_of(text)) is not None else np.nan for text in texts])
        if np.isfinite(years).sum() > MANY_READ * said.sum():
            return number_bands(years, AGE_BOUNDS_YEARS)
    if meaning == "sex":
        sexes = np.array([sex_of(text) for text in texts], dtype=object)
        if (sexes != "").sum() > MANY_READ * said.sum():
            return word_bands(sexes)
    return bands_of(texts)
