"""The part of a recipe that says how texts become numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from laudo.core.messages import _
from laudo.core.recipe_prepare import Section

Length = Annotated[int, Field(ge=1, le=12)]


class Tfidf(Section):
    """Words and pieces of words, weighed by how rare they are, fitted on the training part; accents and stop words of English,
    Portuguese and Spanish are left out.
    """

    words: tuple[Length, Length] | None = (1, 2)
    """Shortest and longest run of words that is counted; none: no words."""
    characters: tuple[Length, Length] | None = (3, 5)
    """Shortest and longest piece within a word that is counted; none: no pieces."""
    at_least: int = Field(2, ge=1)
    """Texts of the training part that a piece occurs in at least."""
    components: int = Field(200, ge=1, le=4096)
    """Numbers that a text becomes, by singular value decomposition; never more than the training part allows."""

    @model_validator(mode="after")
    def _counts_something(self) -> Tfidf:
        for name in ("words", "characters"):
            span = getattr(self, name)
            if span is not None and span[0] > span[1]:
                raise ValueError(_("network.tfidf.{name}: the shorter length comes first").format(name=name))
        if self.words is None and self.characters is None:
            raise ValueError(_("network.tfidf counts words, characters or both"))
        return self
