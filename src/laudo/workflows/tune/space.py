"""What a search may choose from: a recipe's ranges as Optuna's distributions, and what was drawn as a recipe again."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from laudo.core.errors import RecipeError
from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.core.recipe_ranges import is_whole, with_value
from laudo.core.recipe_tune import Range, Tune

LARGEST_GRID = 100_000

Values = dict[str, Any]
"""Value of each dotted key, as it stands in a recipe."""


@dataclass(frozen=True)
class Space:
    """The ranges of a recipe.

    Attributes:
        recipe: whose keys they are.
        ranges: of each dotted key, in the order of the recipe.
    """

    recipe: Recipe
    ranges: dict[str, Range]

    @classmethod
    def of(cls, recipe: Recipe) -> Space:
        """The ranges of a recipe.

        Raises:
            RecipeError: it declares none.
        """
        if not recipe.tune.ranges:
            raise RecipeError(
                _("The recipe does not say which of its keys may be searched over."),
                file=recipe.name,
                expected="tune: {training.learning_rate: {low: 1.0e-5, high: 1.0e-2, log: true}}",
                cure=_(
                    "Write ranges into its section tune, or give them: --range training.learning_rate=1e-5:1e-2:log"
                ),
            )
        return cls(recipe, recipe.tune.ranges)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """Of each key; choices are named by their text."""
        return {key: _distribution(key, one) for key, one in self.ranges.items()}

    def grid(self) -> dict[str, list[Any]]:
        """Every value of every key.

        Raises:
            RecipeError: a key has infinitely many.
        """
        endless = [
            key
            for key, one in self.ranges.items()
            if not one.choices and one.step is None and one.points is None and not is_whole(key)
        ]
        if endless:
            finite = prod(len(_points(key, one)) for key, one in self.ranges.items() if key not in endless)
            raise RecipeError(
                _("A grid needs a step, points or choices for every key: these have infinitely many values."),
                file=self.recipe.name,
                found=", ".join(endless),
                cure=_(
                    "Give them some, as in --set tune.{key}.points={n}: with {n} values each the grid has "
                    "{trials} trials. Or use --sampler tpe."
                ).format(key=endless[0], n=3, trials=finite * 3 ** len(endless)),
            )
        points = {key: _points(key, one) for key, one in self.ranges.items()}
        if (size := prod(len(one) for one in points.values())) > LARGEST_GRID:
            raise RecipeError(
                _("The grid has more combinations than anybody can try."),
                file=self.recipe.name,
                found=str(size),
                expected=_("{n} at most").format(n=LARGEST_GRID),
                cure=_("Take fewer keys or values, or use --sampler tpe."),
            )
        return points

    def grid_size(self) -> int:
        """Number of combinations."""
        return prod(len(points) for points in self.grid().values())

    def suggest(self, trial: optuna.Trial) -> None:
        """Draw what the trial does not have yet; every value is kept in the data base as soon as it is drawn."""
        for key, one in self.distributions.items():
            if isinstance(one, CategoricalDistribution):
                trial.suggest_categorical(key, one.choices)
            elif isinstance(one, IntDistribution):
                trial.suggest_int(key, one.low, one.high, step=one.step, log=one.log)
            elif isinstance(one, FloatDistribution):
                trial.suggest_float(key, one.low, one.high, step=one.step, log=one.log)

    def values(self, params: dict[str, Any]) -> Values:
        """What a trial has drawn, as it stands in a recipe."""
        found = {}
        for key, one in self.ranges.items():
            drawn = params[key]
            found[key] = one.labels[drawn] if one.choices else drawn
        return found

    def recipe_with(self, values: Values) -> Recipe:
        """The recipe of a trial: with these values, and without ranges.

        Raises:
            pydantic.ValidationError: they do not go together.
        """
        changed = self.recipe.model_copy(update={"tune": Tune()}).model_dump(mode="json")
        for key, value in values.items():
            changed = with_value(changed, key, value)
        return Recipe.model_validate(changed)

    def own(self) -> dict[str, Any] | None:
        """The recipe's own values as parameters of a trial; None when one of them lies outside its range."""
        given = self.recipe.model_dump(mode="json")
        params: dict[str, Any] = {}
        for key, one in self.ranges.items():
            value: Any = given
            for part in key.split("."):
                value = value.get(part) if isinstance(value, dict) else None
            if one.choices:
                value = next((name for name, choice in one.labels.items() if choice == value), None)
            if value is None or not _holds(key, one, value):
                return None
            params[key] = value
        return params

    def facts(self) -> dict[str, Any]:
        """For tune.json, and to tell one search from another."""
        return {key: one.model_dump(mode="json", exclude_defaults=True) for key, one in self.ranges.items()}


def _distribution(key: str, one: Range) -> BaseDistribution:
    if one.choices:
        return CategoricalDistribution(tuple(one.labels))
    low, high = one.ends
    if is_whole(key):
        return IntDistribution(int(low), int(high), log=one.log, step=int(one.step or 1))
    return FloatDistribution(low, high, log=one.log, step=one.step)


def _points(key: str, one: Range) -> list[Any]:
    if one.choices:
        return list(one.labels)
    if one.points is not None:
        spread = one.spread(one.points)
        return list(dict.fromkeys(round(value) for value in spread)) if is_whole(key) else spread
    if is_whole(key):
        return [int(value) for value in one.stepped(one.step or 1)]
    assert one.step is not None, "refused by now"
    return one.stepped(one.step)


def _holds(key: str, one: Range, value: Any) -> bool:
    if one.choices:
        return True
    low, high = one.ends
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        return False
    return one.step is None or any(abs(value - point) < 1e-9 * max(1.0, abs(value)) for point in _points(key, one))
