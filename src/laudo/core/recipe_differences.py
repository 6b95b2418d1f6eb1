"""In which keys recipes differ, and whether they are one but for their seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from laudo.core.recipe import Recipe

ABOUT = frozenset({"name", "description", "repeats", "published", "mistakes", "tune"})
"""Keys that only tell about a recipe, or about a search over it."""

SEED_KEYS = frozenset({"training.seed", "split.seed"})
"""Keys that only decide what chance does."""

AFTER_TRAINING = frozenset(
    {f"evaluation.{name}" for name in ("bootstrap", "explained_cases", "sanity_cases", "leakage_check")}
)
"""Keys that change neither the model nor its answers."""

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


def recipe_but_for_seeds(recipe: Recipe) -> str:
    """A text that is the same for recipes which make the same models, but for what their seeds do."""
    leaves = dict(_leaves(recipe.model_dump(mode="json", exclude=set(ABOUT))))
    return json.dumps({key: value for key, value in leaves.items() if key not in SEED_KEYS | AFTER_TRAINING})


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
