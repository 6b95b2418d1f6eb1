"""Whether the ranges of a recipe's section ``tune`` fit its own keys: found out before anything is trained."""

from __future__ import annotations

import copy
import difflib
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.core.recipe_tune import Range

Problem = tuple[str, str]
"""Dotted place in the recipe, and what is wrong there."""

JUDGED_BY = (
    "data",
    "split",
    "training.seed",
    "training.report_at_epochs",
    "evaluation.headline",
    "evaluation.threshold",
    "evaluation.nsd_tolerance_mm",
    "evaluation.bootstrap",
    "evaluation.leakage_check",
    "evaluation.explained_cases",
    "evaluation.sanity_cases",
)
"""Keys, and sections, that decide on what and how a training is judged: a search over them would choose its own examiner."""

ABOUT = ("name", "description", "repeats", "published", "mistakes", "tune")


def range_problems(values: dict[str, Any], recipe: Recipe) -> list[Problem]:
    """Everything that is wrong with the ranges.

    Args:
        values: of the recipe's file, with settings.
        recipe: that they make.
    """
    problems: list[Problem] = []
    for key, given in recipe.tune.ranges.items():
        place = f"tune.{key}"
        found = _annotation(key)
        if found is None:
            problems.append((place, _unknown(key)))
        elif reason := _refused(key, found):
            problems.append((place, reason))
        elif given.low is not None and not {int, float} & _kinds(found):
            problems.append((place, _("{key} takes no numbers: give choices").format(key=key)))
        elif given.low is not None and is_whole(key) and not _all_whole(given):
            problems.append((place, _("{key} takes whole numbers: low, high and step too").format(key=key)))
        else:
            problems += _impossible(key, given, values, recipe)
    return problems


def is_whole(key: str) -> bool:
    """Whether a key takes whole numbers and no others."""
    kinds = _kinds(_annotation(key))
    return int in kinds and float not in kinds


def with_value(values: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A copy of a recipe's values in which a dotted key has another one; sections that are not there are made."""
    changed = copy.deepcopy(values)
    place = changed
    *sections, last = key.split(".")
    for name in sections:
        if not isinstance(place.get(name), dict):
            place[name] = {}
        place = place[name]
    place[last] = value
    return changed


def tunable_keys() -> list[str]:
    """Every dotted key that a search may change."""
    return [key for key in _leaves(Recipe) if not _is_of(key, (*JUDGED_BY, *ABOUT))]


def _impossible(key: str, given: Range, values: dict[str, Any], recipe: Recipe) -> Iterator[Problem]:
    """Ends and choices that the recipe does not take, whatever the other keys with choices are."""
    bare = {name: value for name, value in values.items() if name != "tune"}
    others = [
        (other, choice)
        for other, one in recipe.tune.ranges.items()
        if other != key and _annotation(other) is not None
        for choice in one.choices
    ]
    tried = list(given.choices) or [int(end) if is_whole(key) else end for end in given.ends]
    for value in tried:
        changed = with_value(bare, key, value)
        reason = _refusal(changed)
        # a value may need another one, which the search gives it now and then
        if reason and all(_refusal(with_value(changed, *other)) for other in others):
            name = "choices" if given.choices else "low" if value == tried[0] else "high"
            yield f"tune.{key}.{name}", f"{key}: {reason} ({_('found')}: {value!r})"


def _refusal(values: dict[str, Any]) -> str:
    """Why these values are no recipe; empty when they are."""
    try:
        Recipe.model_validate(values)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def _refused(key: str, annotation: Any) -> str:
    """Why a key is none to be searched over; empty when it is one."""
    if _is_of(key, ABOUT):
        return _("{key} changes nothing in a training").format(key=key)
    if _is_of(key, JUDGED_BY):
        return _("{key} decides what a training is judged by: a search must not choose that").format(key=key)
    section = _section_of(annotation)
    if section is not None and section is annotation:
        names = ", ".join(section.model_fields)
        return _("{key} is a section: name one of its keys ({names})").format(key=key, names=names)
    return ""


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(key, tunable_keys(), n=1, cutoff=0.5)
    text = _("unknown key {key}").format(key=key)
    return text + ("; " + _("did you mean {name}?").format(name=near[0]) if near else "")


def _all_whole(given: Range) -> bool:
    return all(one is None or float(one).is_integer() for one in (given.low, given.high, given.step))


def _is_of(key: str, names: tuple[str, ...]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in names)


def _annotation(key: str) -> Any:
    """Type of what stands at a dotted key; None when there is no such key."""
    section: type[BaseModel] | None = Recipe
    annotation: Any = None
    for part in key.split("."):
        if section is None or part not in section.model_fields:
            return None
        annotation = section.model_fields[part].annotation
        section = _section_of(annotation)
    return annotation


def _leaves(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = _section_of(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            yield from _leaves(inner, f"{prefix}{name}.")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a key holds, where it holds one."""
    options = [annotation, *(get_args(annotation) if _is_union(annotation) else ())]
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _kinds(annotation: Any) -> set[Any]:
    """Plain types that a key takes."""
    if _is_union(annotation):
        return set().union(*(_kinds(one) for one in get_args(annotation)))
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return {type(one) for one in get_args(annotation)} - {int, float}
    return {annotation}


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)
