"""What an image must be like, beside the words in its texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypedDict

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from laudo.catalog.columns import value_words
from laudo.catalog.fold import folded
from laudo.catalog.person import SEXES, read_ages, sex_of
from laudo.catalog.tables import DataSet, Image, Prediction, RunRow, Value
from laudo.core.errors import DataError
from laudo.core.messages import _
from laudo.sources.part_names import PART_NAMES, part_named

Names = str | Sequence[str]
"""One value, or several of which one must be."""


class Conditions(TypedDict, total=False):
    """Filters as keywords; see :class:`Filters`."""

    modality: Names
    plane: Names
    location: Names
    sex: Names
    age: str
    split: Names
    source: Names
    wrong: str
    part: str


@dataclass(frozen=True)
class Filters:
    """What is asked for beside words; empty is no condition, of several values one must be.

    Attributes:
        modality: ``CT``, ``MR`` …, or words of its spelling (``FLAIR``); ``TC`` and ``RM`` are understood.
        plane: ``axial`` …
        location: words of the location or of its category.
        sex: in English, Portuguese or Spanish, or by its letter.
        age: in years: ``60-``, ``-18``, ``40-60``.
        split: train, val or test.
        source: name of an imported data set.
        wrong: a registered run, by its folder or name: images that its model got wrong.
        part: of that run; default: the one that its report quotes.
    """

    modality: tuple[str, ...] = ()
    plane: tuple[str, ...] = ()
    location: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()
    age: str = ""
    split: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    wrong: str = ""
    part: str = ""

    @classmethod
    def of(cls, conditions: Conditions) -> Filters:
        """From keywords, where one value need not be a list."""
        several = {one.name for one in fields(cls) if one.default == ()}
        values: dict[str, object] = {}
        for name, value in conditions.items():
            if name in several:
                values[name] = (value,) if isinstance(value, str) else tuple(value or ())  # type: ignore[arg-type]
            else:
                values[name] = value or ""
        return cls(**values)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """Those that are set, for ``--json``."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items() if value}


def conditions_of(filters: Filters, session: Session) -> dict[str, ColumnElement[bool]]:
    """Name of each filter that is set → its condition on :class:`Image`.

    Raises:
        DataError: a value that no image has; with those that there are.
    """
    made: dict[str, ColumnElement[bool]] = {}
    for name, build in _VALUED.items():
        wanted = [text for text in getattr(filters, name) if text.strip()]
        if wanted:
            made[name] = or_(*[build(session, text) for text in wanted])
    if filters.age.strip():
        ages = read_ages(filters.age)
        bounds = [Image.age_years >= ages.low] if ages.low is not None else []
        bounds += [Image.age_years < ages.below] if ages.below is not None else []
        made["age"] = and_(*bounds)
    if filters.wrong:
        run = find_run(session, filters.wrong)
        chosen = select(Prediction.image_id).where(Prediction.run_id == run.id, Prediction.correct.is_(False))
        made["wrong"] = Image.id.in_(chosen.where(Prediction.part == part_of(session, run, filters.part)))
    return made


def find_run(session: Session, named: str) -> RunRow:
    """A registered run by its folder, or by its name where that is the only one.

    Raises:
        DataError: no run, or several.
    """
    path = str(Path(named).absolute())
    runs = list(session.execute(select(RunRow).order_by(RunRow.path)).scalars())
    found = [run for run in runs if run.path == path] or [run for run in runs if run.name == named]
    if len(found) == 1:
        return found[0]
    raise DataError(
        _("The catalogue knows several runs of this name.") if found else _("The catalogue does not know this run."),
        found=named,
        expected=", ".join(run.path for run in (found or runs)[:10]) or "–",
        cure=None if found else _("Register it: laudo catalog import RUN"),
    )


def part_of(session: Session, run: RunRow, named: str) -> str:
    """The part of a run that is meant.

    Raises:
        DataError: it has no predictions of this part.
    """
    parts = sorted(session.execute(select(Prediction.part).where(Prediction.run_id == run.id).distinct()).scalars())
    part = named or run.headline
    if part not in parts:
        raise DataError(
            _("The run has no predictions of this part in the catalogue."), found=part, expected=", ".join(parts) or "–"
        )
    return part


def _modality(session: Session, text: str) -> ColumnElement[bool]:
    known, words = _known(session, "modality"), value_words(text)
    same = {value for value, _detail in known if value_words(value) == words}
    if same:
        return Image.modality.in_(sorted(same))
    pairs = _holding(known, words, "modality", text)
    return _either(Image.modality, Image.modality_detail, pairs)


def _plane(session: Session, text: str) -> ColumnElement[bool]:
    return Image.plane.in_(
        sorted({value for value, _d in _holding(_known(session, "plane"), value_words(text), "plane", text)})
    )


def _location(session: Session, text: str) -> ColumnElement[bool]:
    pairs = _holding(_known(session, "location"), value_words(text), "location", text)
    return _either(Image.location, Image.location_category, pairs)


def _sex(_session: Session, text: str) -> ColumnElement[bool]:
    if not sex_of(text):
        raise DataError(_("This is no sex that the catalogue knows."), found=text, expected=", ".join(SEXES))
    return Image.sex == sex_of(text)


def _split(_session: Session, text: str) -> ColumnElement[bool]:
    if not part_named(text):
        raise DataError(_("This is no part of a split."), found=text, expected=", ".join(PART_NAMES))
    return Image.split == part_named(text)


def _source(session: Session, text: str) -> ColumnElement[bool]:
    sets = session.execute(select(DataSet.name, DataSet.id).order_by(DataSet.name)).all()
    found = [number for name, number in sets if folded(name) == folded(text)]
    if not found:
        names = ", ".join(name for name, _number in sets)
        raise DataError(_("The catalogue has no data set of this name."), found=text, expected=names or "–")
    return Image.set_id.in_(found)


_VALUED: dict[str, Callable[[Session, str], ColumnElement[bool]]] = {
    "modality": _modality,
    "plane": _plane,
    "location": _location,
    "sex": _sex,
    "split": _split,
    "source": _source,
}


def _known(session: Session, name: str) -> list[tuple[str, str]]:
    """Values of a column, each with the one beside it."""
    rows = select(Value.value, Value.detail).where(Value.name == name).order_by(Value.images.desc(), Value.id)
    return [(value, detail) for value, detail in session.execute(rows)]


def _holding(known: Iterable[tuple[str, str]], words: frozenset[str], name: str, text: str) -> list[tuple[str, str]]:
    """Pairs of which one value holds all of the words.

    Raises:
        DataError: none does.
    """
    pairs = list(known)
    found = [pair for pair in pairs if words and any(words <= value_words(value) for value in pair)]
    if not found:
        values = list(dict.fromkeys(value for value, _detail in pairs if value))
        raise DataError(
            _("No image of the catalogue has this value of {column}.").format(column=name),
            found=text,
            expected=", ".join(values[:20]) + (" …" if len(values) > 20 else "") or "–",
        )
    return found


def _either(first: object, second: object, pairs: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    """Any of the pairs of values; a first value with many second ones is asked for once."""
    by_first: dict[str, list[str]] = {}
    for value, detail in pairs:
        by_first.setdefault(value, []).append(detail)
    return or_(false(), *[and_(first == value, second.in_(details)) for value, details in by_first.items()])  # type: ignore[attr-defined,arg-type]
