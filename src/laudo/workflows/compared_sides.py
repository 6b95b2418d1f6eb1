"""How runs are set against each other: which are one recipe with several seeds, and on which cases they meet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from laudo.core.errors import DataError
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.recipe_differences import recipe_but_for_seeds
from laudo.evaluate.aligned import align
from laudo.evaluate.answer_table import AnswerTable
from laudo.evaluate.compared_table import ComparedTable
from laudo.evaluate.judges import Judge, OneTable, TableOfEachSeed
from laudo.evaluate.mask_table import COMPARED, MaskTable
from laudo.evaluate.same_answers import same_answers
from laudo.evaluate.same_cases import same_cases
from laudo.evaluate.sides import Seeds, Side, sides_of, single_sides
from laudo.report.compared_run import ComparedRun


@dataclass(frozen=True)
class Encounter:
    """Runs and what judges them.

    Attributes:
        runs: those that are compared.
        judge: with their sides.
        left_out: names of runs that have no partner of their seed.
        one_recipe: the runs are all of one recipe, and were trained more than once.
    """

    runs: list[ComparedRun]
    judge: Judge
    left_out: list[str]
    one_recipe: bool


def encounter(runs: Sequence[ComparedRun], shared: bool) -> Encounter:
    """Group runs by their recipes and bring them to the same cases: all runs, or the runs of each seed.

    Args:
        runs: of one kind.
        shared: leave out cases that a run does not have; else that is an error.

    Raises:
        DataError: the runs have not the same cases, classes, structures or truth.
    """
    seeds = [(run.recipe.training.seed, run.recipe.split.seed) for run in runs]
    names = [run.name for run in runs]
    sides = sides_of(names, [_recipe_and_data(run) for run in runs], seeds)
    alike = len({frozenset(map(str, run.scores.table["sample"])) for run in runs}) == 1
    one_recipe = len(sides) == 1
    if not alike and _drew_their_cases(runs, sides):
        return _of_each_seed(runs, sides, shared)
    if one_recipe and len(runs) == 2:
        sides = single_sides(names, seeds)
    return Encounter(list(runs), OneTable(_table(runs, shared), sides), [], one_recipe)


def _recipe_and_data(run: ComparedRun) -> tuple[str, str, bool]:
    """What is the same for trainings of one recipe on the same images, whatever their seeds."""
    columns = run.manifest.table[["sample", "label", "sha256"]].astype(str).sort_values("sample")
    images = hashlib.sha256(columns.to_csv(index=False).encode()).hexdigest()
    return recipe_but_for_seeds(run.recipe), images, bool(run.run.folds())


def _drew_their_cases(runs: Sequence[ComparedRun], sides: Sequence[Side]) -> bool:
    """Whether the seed of the split decided which cases judge a run."""
    several = any(len({split for _training, split in side.seeds}) > 1 for side in sides)
    return several and any(run.part != "pooled" for run in runs)


def _of_each_seed(runs: Sequence[ComparedRun], sides: Sequence[Side], shared: bool) -> Encounter:
    """Runs in pairs of one seed, which share their cases."""
    common = [one for one in sides[0].seeds if all(side.seeds.count(one) == 1 for side in sides)]
    if len(common) < 2:
        _refuse(runs, sides)
    kept = sorted(side.run_of(seeds) for side in sides for seeds in common)
    place = {run: number for number, run in enumerate(kept)}
    left = [run.name for number, run in enumerate(runs) if number not in place]
    sides = [
        replace(side, runs=tuple(place[side.run_of(one)] for one in common), seeds=tuple(common)) for side in sides
    ]
    chosen = [runs[run] for run in kept]
    tables: dict[Seeds, ComparedTable] = {
        seeds: _table([chosen[side.run_of(seeds)] for side in sides], shared) for seeds in common
    }
    judged = {sample for table in tables.values() for sample in table.aligned.samples}
    ratios = [len(run.scores) / max(1, int((run.manifest.table["split"] == "train").sum())) for run in chosen]
    size = (len(judged), _groups(chosen, judged))
    judge = TableOfEachSeed(tables, sides, size, float(np.mean(ratios)))
    return Encounter(chosen, judge, left, one_recipe=len(sides) == 1)


def _groups(runs: Sequence[ComparedRun], samples: set[str]) -> int:
    """Groups that the samples are in; one without a group is its own."""
    found: dict[str, str] = {}
    for run in runs:
        table = run.scores.table
        for sample, group in zip(table["sample"].astype(str), table["group"].fillna("").astype(str), strict=True):
            if sample in samples:
                found[sample] = group or f"\n{sample}"
    return len(set(found.values()))


def _refuse(runs: Sequence[ComparedRun], sides: Sequence[Side]) -> None:
    """Say that other splits need the same seeds on both sides.

    Raises:
        DataError: always.
    """
    try:
        align([run.name for run in runs], [run.scores.table for run in runs])
    except DataError as error:
        listed = (", ".join(f"{training}/{split}" for training, split in side.seeds) for side in sides)
        raise DataError(
            error.what,
            expected=error.expected,
            found=error.found,
            details=(
                *error.details,
                _(
                    "Each seed of the split drew other cases. Recipes can then be compared only by seeds that all of them have."
                ),
                *(
                    _("{name}: seeds of training and split {seeds}").format(name=side.name, seeds=seeds)
                    for side, seeds in zip(sides, listed, strict=True)
                ),
            ),
            cure=_("Train the recipes with the same seeds, two or more, or all folds of each (--folds all)."),
        ) from None


def _table(runs: Sequence[ComparedRun], shared: bool) -> ComparedTable:
    """What runs on the same cases say."""
    names, recipe = [run.name for run in runs], runs[0].recipe
    bootstrap, seed = recipe.evaluation.bootstrap, recipe.split.seed
    masks = [run.scores for run in runs if isinstance(run.scores, MaskScores)]
    if masks:
        tolerances = {run.recipe.evaluation.nsd_tolerance_mm for run in runs}
        metrics = [name for name in COMPARED if name != "nsd" or len(tolerances) == 1]
        return MaskTable(same_cases(names, masks, shared), metrics, bootstrap, seed)
    named = [run.scores for run in runs if isinstance(run.scores, Predictions)]
    return AnswerTable(same_answers(names, named, shared), bootstrap, seed)
