"""In which keys recipes differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from laudo.core.recipe import Recipe

ABOUT = frozenset({"name", "description", "repeats", "published", "mistakes", "tune"})
"""Keys that only tell about a recipe, or about a search over it."""

ABSENT = None
"""What stands for a key that a recipe does not have: a list that is longer in another one."""


def recipe_differences(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """Keys whose values are not the same in all recipes.

    Returns:
        ``{"key": "training.mask_loss.name", "values": […]}`` of each, in the order of the recipe; values as in its YAML.
    """
    flat = [dict(_leaves(recipe.model_dump(mode="json", exclude=set(ABOUT)))) for recipe in recipes]
    keys = dict.fromkeys(key for one in flat for key in one)
    found = []
    for key in keys:
        values = [one.get(key, ABSENT) for one in flat]
        if any(value != values[0] for value in values[1:]):
            found.append({"key": key, "values": values})
    return found


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted path and value of everything that is no section; of a list of sections, each by its number from 1."""
    parts: list[tuple[str, Any]] | None = None
    if isinstance(value, Mapping) and value:
        parts = [(str(name), one) for name, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        parts = [(str(number), one) for number, one in enumerate(value, start=1)]
    if parts is None:
        yield path, value
        return
    for name, one in parts:
        yield from _leaves(one, f"{path}.{name}" if path else name)
