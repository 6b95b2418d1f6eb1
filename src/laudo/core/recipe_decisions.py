"""Settings of a recipe that turn probabilities into decisions: a rate that is to be reached."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_prepare import Section

Rate = Literal["sensitivity", "specificity"]


class WantedRate(Section):
    """A rate that the validation part is to reach; the other one is then as good as it can be."""

    sensitivity: float | None = Field(None, gt=0.0, le=1.0)
    """Share of the positive cases that are to be called."""
    specificity: float | None = Field(None, gt=0.0, le=1.0)
    """Share of the negative cases that are not to be called."""

    @property
    def rate(self) -> Rate:
        """Which one."""
        return "specificity" if self.sensitivity is None else "sensitivity"

    @property
    def value(self) -> float:
        """How much of it, above 0 and at most 1."""
        found = self.specificity if self.sensitivity is None else self.sensitivity
        assert found is not None, "one of the two is given"
        return found

    @model_validator(mode="after")
    def _one_of_two(self) -> WantedRate:
        if (self.sensitivity is None) == (self.specificity is None):
            raise ValueError(_("evaluation.threshold wants one rate: either sensitivity or specificity"))
        return self
