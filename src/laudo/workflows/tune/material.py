"""What trials learn from: the data set, opened again only when a trial prepares it otherwise, and parts without the test part."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from laudo.core.manifest import Manifest
from laudo.core.recipe import Recipe
from laudo.split.grouped import fold_numbers, split_fold, split_parts
from laudo.workflows.samples import Samples
from laudo.workflows.start_learner import open_data

HELD_OUT = ""
"""What stands for the part of a sample that no trial may look at."""


@dataclass
class Material:
    """See the module.

    Attributes:
        recipe: of the search; its split is that of every trial.
        data: the data set's folder; None: LAUDO_DATA.
    """

    recipe: Recipe
    data: Path | None
    _kept: tuple[str, Samples] | None = field(default=None, repr=False)

    def samples(self, recipe: Recipe) -> Samples:
        """The data set as a trial's recipe prepares it; the last one is kept.

        Raises:
            DataError: the data can not be used, or not be prepared so.
        """
        key = _what_opening_looks_at(recipe)
        if self._kept is None or self._kept[0] != key:
            self._kept = None  # two prepared data sets need not be in memory at once
            self._kept = key, open_data(recipe, self.data)
        return self._kept[1]

    def parts(self, manifest: Manifest) -> Manifest:
        """Training and validation part of the recipe's split; what would be the test part belongs to no part."""
        divided = split_parts(manifest, self.recipe.split, self._may_lack)
        return _with_parts(divided, np.where(divided.table["split"] == "test", HELD_OUT, divided.table["split"]))

    def folds(self, parts: Manifest, number: int) -> list[tuple[Manifest, np.ndarray]]:
        """Training and validation part divided into folds, in groups.

        Args:
            parts: of :meth:`parts`.
            number: of folds.

        Returns:
            Of each fold a manifest whose training and validation part leave the fold out, and the (m,) rows of the fold.
        """
        rows = np.flatnonzero((parts.table["split"] != HELD_OUT).to_numpy())
        inner = parts.rows(rows)
        split = self.recipe.split
        if split.by == "official":  # official folds are for testing, these are laudo's own
            split = split.model_copy(update={"by": "group"})
        # another seed than the split's own: its validation part must not be a fold
        numbers = fold_numbers(inner, number, split, split.seed + 2)
        numbered = inner.with_columns(fold=numbers)
        found = []
        for one in range(1, int(numbers.max()) + 1):
            divided = split_fold(numbered, one, split, self._may_lack).table["split"].to_numpy(dtype=object)
            whole = np.full(len(parts), HELD_OUT, dtype=object)
            whole[rows] = np.where(divided == "test", HELD_OUT, divided)
            found.append((_with_parts(parts, whole), rows[divided == "test"]))
        return found

    @property
    def _may_lack(self) -> bool:
        return self.recipe.data.rare == "keep"


def _with_parts(manifest: Manifest, parts: np.ndarray) -> Manifest:
    return manifest.with_columns(split=parts)


def _what_opening_looks_at(recipe: Recipe) -> str:
    return json.dumps(
        [
            recipe.data.model_dump(mode="json"),
            recipe.prepare.model_dump(mode="json"),
            recipe.needs_mask,
            recipe.training.precision,
        ]
    )
