"""What the runs of a comparison themselves make a reader careful about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from laudo.core.mask_scores import MaskScores
from laudo.core.recipe_differences import AFTER_TRAINING, SEED_KEYS
from laudo.evaluate.sides import Side, are_paired, common_seeds
from laudo.report.compared_run import ComparedRun
from laudo.workflows.compared_sides import Encounter


def notes_of_runs(met: Encounter, samples: Sequence[str], result: dict[str, Any]) -> list[dict[str, Any]]:
    """Notes as ``{"id", …}``.

    Args:
        met: the runs and their sides.
        samples: that are compared.
        result: what compare.json holds so far.
    """
    runs, sides = met.runs, met.judge.sides
    alone = {side.runs[0] for side in sides if not side.several}
    single = [runs[number] for number in sorted(alone)]
    notes = [
        *_of_some(
            runs,
            {
                "unfinished": lambda run: run.run.state()["state"] != "finished",
                "validation_quoted": lambda run: run.part in {"val", "train"},
                "groups_divided": lambda run: run.recipe.split.by == "sample",
                "classes_not_compared": lambda run: (
                    isinstance(run.scores, MaskScores) and run.scores.predictions is not None
                ),
                "masks_not_compared": lambda run: run.recipe.outlines and not isinstance(run.scores, MaskScores),
                "first_repeat": lambda run: run.recipe.split.repeats > 1 and run.part == "pooled",
            },
        ),
        *_of_some(
            single, {"one_training": lambda run: not run.run.folds(), "folds": lambda run: bool(run.run.folds())}
        ),
    ]
    if len(sides) > 1 and {one["key"] for one in result["recipes"]} <= SEED_KEYS | AFTER_TRAINING:
        notes.append({"id": "same_recipe"})
    notes += _of_sides(sides)
    if met.left_out:
        notes.append({"id": "seeds_left_out", "runs": met.left_out})
    if _learnt_from_others(runs, sides):
        notes.append({"id": "trained_on_others"})
    if result["kind"] == "segmentation" and "nsd" not in result["values"]:
        notes.append({"id": "nsd_tolerance"})
    hashes = pd.concat([run.hashes(samples, "sha256") for run in runs], axis=1)
    other = int(hashes.replace("", None).nunique(axis=1, dropna=True).gt(1).sum())
    if other:
        notes.append({"id": "images_differ", "n": other})
    return notes


def _of_some(runs: Sequence[ComparedRun], kinds: dict[str, Callable[[ComparedRun], bool]]) -> list[dict[str, Any]]:
    """Notes of those runs to which they apply."""
    found = [(name, [run.name for run in runs if applies(run)]) for name, applies in kinds.items()]
    return [{"id": name, "runs": names} for name, names in found if names]


def _of_sides(sides: Sequence[Side]) -> list[dict[str, Any]]:
    """Seeds that do not stand in pairs, and recipes trained once beside others trained often."""
    notes: list[dict[str, Any]] = []
    pairs = [(a, b) for a, b in combinations(sides, 2) if a.several or b.several]
    once = {side.name for a, b in pairs for side in (a, b) if not side.several}
    apart = [(a.name, b.name) for a, b in pairs if a.several and b.several and not are_paired(a, b)]
    if once:
        notes.append({"id": "spread_borrowed", "runs": sorted(once)})
    if apart:
        notes.append({"id": "seeds_apart", "pairs": [list(names) for names in apart]})
    return notes


def _learnt_from_others(runs: Sequence[ComparedRun], sides: Sequence[Side]) -> bool:
    """Whether sides that are compared divided the images differently, where they have the same seed or one run each."""
    for a, b in combinations(sides, 2):
        met = [(a.run_of(one), b.run_of(one)) for one in common_seeds(a, b)]
        if not (a.several or b.several):
            met = [(a.runs[0], b.runs[0])]
        if any(_parts(runs[one]) != _parts(runs[other]) for one, other in met):
            return True
    return False


def _parts(run: ComparedRun) -> str:
    """Which samples were in which part or fold."""
    columns = run.manifest.table[["sample", "split", "fold"]].astype(str).sort_values("sample")
    return str(columns.to_csv(index=False))
