"""Recipes from YAML files, with errors that name the line and the nearest key, and ``--set a.b=c``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from laudo.core.errors import RecipeError
from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.core.recipe_ranges import range_problems
from laudo.core.recipe_tune import Range

SHIPPED = Path(__file__).parent.parent / "recipes"
"""Folder of the recipes that come with laudo."""

_BOOL, _FLOAT, _TIMESTAMP = (f"tag:yaml.org,2002:{kind}" for kind in ("bool", "float", "timestamp"))
_TRUTH = re.compile("^(?:true|True|TRUE|false|False|FALSE)$")
_NUMBER = re.compile(
    r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.inf|\.nan)$"
)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of plain words: ``yes`` and ``no`` are class names, 1e-4 is a number, dates are text."""


class _Dumper(yaml.SafeDumper):
    """Quotes what either YAML 1.1 or :class:`_Loader` would take for something else."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag not in {_BOOL, _FLOAT, _TIMESTAMP}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, _TRUTH, list("tTfF"))
_Loader.add_implicit_resolver(_FLOAT, _NUMBER, list("-+.0123456789"))
_Dumper.add_implicit_resolver(_FLOAT, _NUMBER, list("-+.0123456789"))


def shipped_recipes() -> list[str]:
    """Names of the recipes that come with laudo."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def load_recipe(name_or_path: str | Path, overrides: Sequence[str] = (), search: bool = False) -> Recipe:
    """Read a recipe by shipped name or from a file, and apply ``a.b=c`` overrides.

    Args:
        name_or_path: of the recipe.
        overrides: of single settings.
        search: the ranges of its section ``tune`` are to be searched, so they must fit the overridden settings too.

    Raises:
        RecipeError: no such recipe, not YAML, an unknown key, or a value out of range.
    """
    path = Path(name_or_path)
    if not (path.suffix in {".yaml", ".yml"} or path.is_file()):
        path = SHIPPED / f"{name_or_path}.yaml"
        if not path.is_file():
            names = shipped_recipes()
            near = difflib.get_close_matches(str(name_or_path), names, n=1, cutoff=0.6)
            raise RecipeError(
                _("There is no recipe of this name."),
                found=str(name_or_path),
                expected=", ".join(names),
                cure=_("Did you mean {name}?").format(name=near[0]) if near else None,
            )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(_("The recipe can not be read."), file=path, found=str(error)) from error
    return parse_recipe(text, path, overrides, search)


def parse_recipe(text: str, file: Path, overrides: Sequence[str] = (), search: bool = False) -> Recipe:
    """Validate recipe text; ``file`` is only named in errors. See :func:`load_recipe`."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        values = _read_yaml(text)
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # the last two: "0b_" as a number, brackets without end
        raise RecipeError(_("The recipe is not valid YAML."), file=file, found=str(error)) from error
    if not isinstance(values, dict):
        raise RecipeError(_("The recipe is empty."), file=file, expected=_("sections: data, network, …"))
    lines = _lines(node)
    for override in overrides:
        _override(values, lines, override)
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        raise _explain(error, file, lines) from error
    # who changes a setting for one training is not asked to change what could be searched
    if (search or not overrides) and (problems := range_problems(values, recipe)):
        details = [_placed(lines, tuple(place.split(".")), text) for place, text in problems]
        raise RecipeError(_("The recipe is not valid."), file=file, details=tuple(details))
    return recipe


def dump_recipe(recipe: Recipe) -> str:
    """YAML of a recipe with every default written out."""
    return yaml.dump(recipe.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _lines(node: yaml.Node | None, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Where each key stands: its path → 'line N'."""
    found: dict[tuple[str, ...], str] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*prefix, str(key.value))
            found[path] = _("line {n}").format(n=key.start_mark.line + 1)
            found |= _lines(value, path)
    return found


def _override(values: dict[str, Any], lines: dict[tuple[str, ...], str], text: str) -> None:
    key, equals, value = text.partition("=")
    path = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise RecipeError(_("A setting is not understood."), found=f"--set {text}", expected="--set section.key=value")
    place: Any = values
    for part in path[:-1]:
        if place.get(part) is None:
            place[part] = {}
        place = place[part]
        if not isinstance(place, dict):
            raise RecipeError(_("A setting goes into something that has no keys."), found=f"--set {text}")
    try:
        place[path[-1]] = _read_yaml(value)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RecipeError(_("A setting is not understood."), found=f"--set {text}") from error
    name = ".".join(path)
    for below in [one for one in lines if ".".join(one).startswith(f"{name}.")]:
        del lines[below]  # what stood there is replaced
    lines[path] = f"--set {text}"


def _read_yaml(text: str) -> Any:
    """Plain values only: the loader is a SafeLoader."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506


def _explain(error: ValidationError, file: Path, lines: dict[tuple[str, ...], str]) -> RecipeError:
    details = []
    for problem in error.errors():
        # names of the forms that a value may take have a space in them: they are no keys
        path = tuple(str(part) for part in problem["loc"] if " " not in str(part))
        key = ".".join(path)
        if problem["type"] == "extra_forbidden":
            known = list(_section(path[:-1]).model_fields)
            near = difflib.get_close_matches(path[-1], known, n=1, cutoff=0.5)
            text = _("unknown key {key}").format(key=key)
            if near:
                text += "; " + _("did you mean {name}?").format(name=".".join([*path[:-1], near[0]]))
            else:
                text += "; " + _("known here: {names}").format(names=", ".join(known))
        elif problem["type"] == "missing":
            text = _("missing key {key}").format(key=key)
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            text = f"{key}: {reason}" if key else reason
            if path:
                text += f" ({_('found')}: {problem['input']!r})"
        details.append(_placed(lines, path, text))
    return RecipeError(_("The recipe is not valid."), file=file, details=tuple(details))


def _placed(lines: dict[tuple[str, ...], str], path: tuple[str, ...], text: str) -> str:
    """A text with the line of the key, or of the nearest section around it, before it.

    Keys of `tune` are dotted names of others, which may be written as one word or as sections.
    """
    named = {".".join(place): where for place, where in lines.items()}
    parts = ".".join(path).split(".")
    found = (named.get(".".join(parts[:depth])) for depth in range(len(parts), 0, -1))
    where = next((one for one in found if one), "")
    return f"{where}: {text}" if where else text


def _section(path: tuple[str, ...]) -> type[BaseModel]:
    """Model that holds the keys at a path."""
    section: type[BaseModel] = Recipe
    for part in path:
        if part.isdigit():  # a place in a list, whose entries are of one kind
            continue
        if part not in section.model_fields:  # a key of `tune`
            section = Range
            continue
        annotation = section.model_fields[part].annotation
        forms = getattr(annotation, "__args__", ())
        options = [annotation, *forms, *(inner for form in forms for inner in getattr(form, "__args__", ()))]
        section = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return section
