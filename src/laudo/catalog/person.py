"""Sex and age of a patient, however they are written, in three languages and in DICOM's form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from laudo.catalog.fold import folded
from laudo.core.errors import DataError
from laudo.core.messages import _

SEXES: dict[str, tuple[str, ...]] = {
    "female": (
        "female", "f", "woman", "women", "girl", "feminino", "feminina", "femenino", "femenina", "mulher", "mujer", "nina",
        "menina",
    ),
    "male": ("male", "m", "man", "men", "boy", "masculino", "masculina", "homem", "hombre", "nino", "menino", "varon"),
    "other": ("other", "o", "intersex", "outro", "outra", "otro", "otra", "nonbinary"),
}  # fmt: skip
"""Sex as the catalogue stores it → how it is written; accents and capitals do not count."""

_SEX_OF = {word: sex for sex, words in SEXES.items() for word in words}

UNITS: dict[str, float] = {
    **dict.fromkeys(("y", "yr", "yrs", "yo", "year", "years", "a", "ano", "anos"), 1.0),
    **dict.fromkeys(("m", "mo", "mos", "month", "months", "mes", "meses"), 1 / 12),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "semana", "semanas"), 7 / 365.25),
    **dict.fromkeys(("d", "day", "days", "dia", "dias"), 1 / 365.25),
}
"""Unit of an age → years."""

OLDEST_YEARS = 150.0

_AGE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*[-/]?\s*([^\W\d_]*)")
_NUMBER = r"\d{1,3}(?:[.,]\d+)?"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})?\s*(?P<dash>[-–—])\s*(?P<high>{_NUMBER})?|(?P<sign>>=|<=|>|<|≥|≤)\s*(?P<bound>{_NUMBER})"
    rf"|(?P<only>{_NUMBER})(?P<plus>\+)?"
)


def sex_of(text: str) -> str:
    """``female``, ``male`` or ``other``; empty when it is none of them."""
    return _SEX_OF.get(folded(text), "")


def age_years_of(text: str) -> float | None:
    """Age in years: "60", "060Y", "6 months", "3 semanas", "60 años"; None when it is no age."""
    found = _AGE.match(text.strip())
    if found is None:
        return None
    unit = folded(found[2])
    if unit and unit not in UNITS:
        return None
    years = float(found[1].replace(",", ".")) * UNITS.get(unit, 1.0)
    return years if years <= OLDEST_YEARS else None


@dataclass(frozen=True)
class Ages:
    """From ``low`` years on, below ``below``; None is no bound."""

    low: float | None = None
    below: float | None = None


def read_ages(text: str) -> Ages:
    """Understand ``60-`` (60 and older), ``-18`` (18 and younger), ``40-60``, ``60``, ``60+``, ``>60``, ``<=18``.

    Somebody is 18 until the day of 19: whole numbers as upper bounds include the year that follows them.

    Raises:
        DataError: it is none of these, or the bounds are in the wrong order.
    """
    found = _RANGE.fullmatch(text.strip())
    ages = _bounds(found) if found else None
    if ages is None or (ages.low is not None and ages.below is not None and ages.low >= ages.below):
        raise DataError(
            _("This is no range of ages."), found=text, expected="60-  -18  40-60  60", cure=_("Ages are in years.")
        )
    return ages


def _bounds(found: re.Match[str]) -> Ages | None:
    if found["dash"]:
        low, high = _years(found["low"]), _years(found["high"])
        return None if low is None and high is None else Ages(low, _end(high))
    if found["sign"]:
        bound = _years(found["bound"])
        assert bound is not None
        return {
            ">": Ages(low=_end(bound)),
            "<": Ages(below=bound),
            "≤": Ages(below=_end(bound)),
            "<=": Ages(below=_end(bound)),
        }.get(found["sign"], Ages(low=bound))
    low = _years(found["only"])
    return Ages(low) if found["plus"] else Ages(low, _end(low))


def _years(text: str | None) -> float | None:
    return None if text is None else float(text.replace(",", "."))


def _end(years: float | None) -> float | None:
    """The first age that is above an upper bound: whole years last until the next birthday."""
    if years is None:
        return None
    return years + 1 if years == int(years) else years + 1e-9
