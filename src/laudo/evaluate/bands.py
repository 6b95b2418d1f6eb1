"""Values of a column as a few groups of cases: ages and other numbers in bands, words as they are, rare ones together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

AGE_BOUNDS_YEARS: tuple[float, ...] = (18, 40, 60, 80)
MOST_WORDS = 12
"""So many values have a row of their own; the rarer ones are put together."""
FEW_NUMBERS = 6
"""With up to so many different values, numbers are taken as they are."""
QUARTERS = (25, 50, 75)

Kind = Literal["value", "band", "others", "unknown"]


@dataclass(frozen=True)
class Band:
    """Some cases.

    Attributes:
        kind: ``value``: all with one value; ``band``: numbers from ``low`` on, below ``below``; ``others``: rare values together;
            ``unknown``: the column says nothing.
        where: (n,) bool.
        value: text of a ``value``.
        low: lower bound, None: there is none.
        below: upper bound, not included; None: there is none.
    """

    kind: Kind
    where: np.ndarray
    value: str | None = None
    low: float | None = None
    below: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Facts for metrics.json; the words are the report's."""
        return {"kind": self.kind, "value": self.value, "low": self.low, "below": self.below}


@dataclass(frozen=True)
class Column:
    """A column of the manifest, as bands of the cases that are judged.

    Attributes:
        name: of the column.
        meaning: ``sex``, ``age`` (in years), another key of :data:`laudo.workflows.subgroup_columns.MEANINGS`, or empty.
        bands: no two of which share a case, and which hold all of them.
    """

    name: str
    meaning: str
    bands: list[Band]


def number_bands(values: np.ndarray, bounds: tuple[float, ...] | None = None) -> list[Band]:
    """Cases by bands of (n,) numbers, NaN where unknown.

    Args:
        values: of each case.
        bounds: between the bands, rising; None: the quartiles of these cases.
    """
    known = np.isfinite(values)
    if not known.any():
        return _unknown(~known)
    inner = bounds if bounds is not None else tuple(map(float, np.unique(np.percentile(values[known], QUARTERS))))
    edges: list[float | None] = [None, *inner, None]
    bands = []
    for low, below in pairwise(edges):
        with np.errstate(invalid="ignore"):
            where = known.copy()
            where &= True if low is None else values >= low
            where &= True if below is None else values < below
        if where.any():
            bands.append(Band("band", where, low=low, below=below))
    return [*bands, *_unknown(~known)]


def word_bands(values: np.ndarray) -> list[Band]:
    """Cases by (n,) texts, the most frequent first; an empty text is unknown."""
    texts = np.asarray([str(value).strip() for value in values], dtype=object)
    known = texts != ""
    names, counts = np.unique(texts[known].astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")
    own = names[order] if len(names) <= MOST_WORDS else names[order][: MOST_WORDS - 1]
    bands = [Band("value", texts == name, value=str(name)) for name in own]
    rest = known & ~np.isin(texts.astype(str), own)
    return [*bands, *([Band("others", rest)] if rest.any() else []), *_unknown(~known)]


def bands_of(values: np.ndarray) -> list[Band]:
    """Cases by whatever a column holds: numbers in quarters when there are many different ones, else the texts."""
    texts = [str(value).strip() for value in values]
    numbers = np.array([_number(text) for text in texts])
    empty = np.array([text in {"", "nan", "None"} for text in texts])
    if (np.isfinite(numbers) | empty).all() and len(np.unique(numbers[~empty])) > FEW_NUMBERS:
        return number_bands(np.where(empty, np.nan, numbers))
    return word_bands(
        np.array(["" if nothing else text for text, nothing in zip(texts, empty, strict=True)], dtype=object)
    )


def _number(text: str) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return np.nan
    return found if np.isfinite(found) else np.nan


def _unknown(where: np.ndarray) -> list[Band]:
    return [Band("unknown", where)] if where.any() else []
