"""The section of a recipe that says which of its keys may be searched over, and by which figure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_prepare import Section

Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "precision",
    "sensitivity",
    "specificity",
    "f1",
    "f1_macro",
    "auc_roc",
    "auc_pr",
    "brier",
    "log_loss",
    "dice",
    "iou",
    "nsd",
    "hd95_mm",
    "assd_mm",
]
MASK_METRICS: frozenset[str] = frozenset({"dice", "iou", "nsd", "hd95_mm", "assd_mm"})
LOWER_IS_BETTER: frozenset[str] = frozenset({"brier", "log_loss", "hd95_mm", "assd_mm"})
"""Metrics of which the search looks for the smallest value."""


class Range(Section):
    """Values that a search may give to a key: all between two ends, or some that are named."""

    low: float | None = None
    """Smallest value."""
    high: float | None = None
    """Largest value."""
    log: bool = False
    """Draw evenly over the magnitudes, as for learning rates, and not over the values."""
    step: float | None = Field(None, gt=0)
    """Only `low` and so many steps from it; keys that take whole numbers have a step of 1."""
    points: int | None = Field(None, ge=2)
    """`--sampler grid`: so many values from `low` to `high`, at even distances, with `log` at even ratios."""
    choices: tuple[Any, ...] = ()
    """Values, in the place of ends; each as it would stand in the recipe, a list too."""

    @model_validator(mode="after")
    def _agree_with_itself(self) -> Range:
        ends = self.low, self.high
        if self.choices:
            if ends != (None, None) or self.log or self.step is not None or self.points is not None:
                raise ValueError(_("choices stand alone: without low, high, log, step and points"))
            if len(self.labels) < 2:
                raise ValueError(_("choices are two or more different values"))
            return self
        if self.low is None or self.high is None:
            raise ValueError(_("a range has low and high, or choices"))
        if not self.low < self.high:
            raise ValueError(_("low is not below high"))
        if self.log and self.low <= 0:
            raise ValueError(_("with log, low is above 0"))
        if self.log and self.step is not None:
            raise ValueError(_("log and step exclude each other"))
        if self.points is not None and self.step is not None:
            raise ValueError(_("points and step exclude each other"))
        if self.step is not None and self.step > self.high - self.low:
            raise ValueError(_("the step is longer than the range"))
        return self

    @property
    def labels(self) -> dict[str, Any]:
        """The choices by their text."""
        return {one if isinstance(one, str) else json.dumps(one, ensure_ascii=False): one for one in self.choices}

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest value that can be reached."""
        assert self.low is not None, "a range, not choices"
        assert self.high is not None, "a range, not choices"
        if self.step is None:
            return self.low, self.high
        return self.low, self.stepped(self.step)[-1]

    def spread(self, points: int) -> list[float]:
        """So many values from `low` to `high`, both among them, those between rounded to four digits."""
        low, high = self.ends
        shares = [number / (points - 1) for number in range(1, points - 1)]
        between = [low * (high / low) ** share if self.log else low + (high - low) * share for share in shares]
        return [low, *(float(f"{value:.4g}") for value in between), high]

    def stepped(self, step: float) -> list[float]:
        """All values from `low` on with this step, in decimal arithmetic: 0.1 + 0.2 is 0.3."""
        low, high, width = (Decimal(str(one)) for one in (self.low, self.high, step))
        return [float(low + number * width) for number in range(int((high - low) / width) + 1)]


class Tune(Section):
    """What `laudo tune` may change and by which figure it chooses; nothing of it changes a single training."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Range] = Field(init=False)

    metric: Metric | None = None
    """Figure of the validation part by which settings are chosen; default: `training.watch`, or, where that is the loss, `auc_roc`
    of classes and `dice` of masks."""
    folds: int | None = Field(None, ge=2)
    """With `--folds inner`: number of folds of training and validation part; default: `split.folds`."""
    pruning: Literal["median", "halving", "none"] = "median"
    """Which trials end early: those whose best epoch so far is below the median of the others at the same epoch, those that are
    not among the best third at each of a few epochs (successive halving), or none."""
    seed: int = Field(0, ge=0)
    """Seed of the search."""

    @model_validator(mode="before")
    @classmethod
    def _by_dotted_key(cls, given: Any) -> Any:
        """Ranges may stand under `training.epochs:` or under `training:`, `epochs:`; None takes one away."""
        if not isinstance(given, Mapping):
            return given
        own = {name: value for name, value in given.items() if name in cls.model_fields}
        ranges: dict[str, Any] = {}
        for key, value in given.items():
            if key not in own:
                _collect(ranges, str(key), value)
        return {**own, **{key: value for key, value in ranges.items() if value is not None}}

    @property
    def ranges(self) -> dict[str, Range]:
        """Range of each dotted key."""
        return dict(self.__pydantic_extra__ or {})


def _collect(ranges: dict[str, Any], key: str, value: Any) -> None:
    """Put what stands at a key into ``ranges``; what comes later changes or replaces what was there."""
    fields = Range.model_fields
    if isinstance(value, Mapping) and value and not any(name in fields for name in value):
        for name, inner in value.items():
            _collect(ranges, f"{key}.{name}", inner)
        return
    before = ranges.get(key)
    whole = not isinstance(value, Mapping) or "choices" in value or {"low", "high"} <= set(value)
    ranges[key] = value if whole or not isinstance(before, Mapping) else {**before, **value}
