"""Which samples train, choose and judge: drawn as the recipe says, or the very ones of another run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from laudo.core.errors import DataError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.recipe import Recipe
from laudo.core.run import Run
from laudo.split.grouped import fold_numbers, repeat, split_fold, split_parts

KEPT = ("duplicates", "group", "split", "fold")
"""Columns that decide who judges whom, and what the intervals resample."""


class Parts(ABC):
    """Divides the samples of a training."""

    @abstractmethod
    def single(self, manifest: Manifest, recipe: Recipe) -> Manifest:
        """The manifest with ``split`` filled, for one training."""

    @abstractmethod
    def folds(self, root: Run, manifest: Manifest, recipe: Recipe) -> tuple[Manifest, list[Manifest]]:
        """The manifest with ``fold`` filled, and for each fold one with ``split`` filled.

        Args:
            root: folder of this cross-validation, which may be one of several repeats.
            manifest: with groups.
            recipe: of this repeat.
        """


class DrawnParts(Parts):
    """As the recipe says."""

    def single(self, manifest: Manifest, recipe: Recipe) -> Manifest:
        """See :meth:`Parts.single`."""
        return split_parts(manifest, recipe.split, recipe.data.rare == "keep")

    def folds(self, root: Run, manifest: Manifest, recipe: Recipe) -> tuple[Manifest, list[Manifest]]:
        """See :meth:`Parts.folds`."""
        split = repeat(recipe.split, 1)
        numbers = fold_numbers(manifest, split.folds, split, split.seed)
        # parts that a source has filled are not those of a cross-validation
        manifest = manifest.with_columns(fold=numbers, split="").with_seed(split.seed)
        may_lack = recipe.data.rare == "keep"
        total = int(numbers.max())
        return manifest, [split_fold(manifest, number, split, may_lack) for number in range(1, total + 1)]


DRAWN = DrawnParts()


@dataclass(frozen=True)
class KeptParts(Parts):
    """Those of a run that is trained again.

    Attributes:
        first: folder of that run.
        again: folder of the new one.
    """

    first: Path
    again: Path

    def single(self, manifest: Manifest, recipe: Recipe) -> Manifest:
        """See :meth:`Parts.single`."""
        return placed_as(manifest, Run(self.first).manifest())

    def folds(self, root: Run, manifest: Manifest, recipe: Recipe) -> tuple[Manifest, list[Manifest]]:
        """See :meth:`Parts.folds`."""
        old = Run(self.first / root.folder.relative_to(self.again))
        return placed_as(manifest, old.manifest()), [placed_as(manifest, fold.manifest()) for fold in old.folds()]


def placed_as(manifest: Manifest, other: Manifest) -> Manifest:
    """The manifest with groups, parts and folds of another one of the same samples.

    Raises:
        DataError: it has other samples.
    """
    names, known = manifest.table["sample"].tolist(), other.table.set_index("sample")
    strange = sorted(set(names) ^ set(known.index))
    if strange:
        raise DataError(
            _("The samples are not those of the run that is repeated."),
            expected=str(len(known)),
            found=", ".join(map(str, strange[:5])),
        )
    rows = known.loc[names]
    placed = manifest.with_columns(**{column: rows[column].to_numpy() for column in KEPT})
    return placed if other.seed is None else placed.with_seed(other.seed)
