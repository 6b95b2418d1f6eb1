"""A run as a comparison sees it: its results, its recipe and how it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from laudo.core.errors import RunError
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
from laudo.core.predictions import Predictions
from laudo.core.recipe import Recipe
from laudo.core.run import Run


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
        name: its folder's, with as many folders above it as tell it from the others.
        run: its folder.
        part: whose scores are compared: pooled of a cross-validation, else the part that its report quotes.
        recipe: it was made with.
        manifest: its samples.
        scores: of that part: scores of masks, or predicted classes.
    """

    name: str
    run: Run
    part: str
    recipe: Recipe
    manifest: Manifest
    scores: MaskScores | Predictions

    @property
    def trainings(self) -> list[Run]:
        """The folds; of a single run, itself."""
        return self.run.folds() or [self.run]

    def facts(self) -> dict[str, Any]:
        """For compare.json: what it is and how it was trained."""
        state = self.run.state()
        models = [one.optional_json("model") or {} for one in self.trainings]
        environment = self.run.optional_json("environment") or {}
        return {
            "name": self.name,
            "recipe": self.recipe.name,
            "part": self.part,
            "seeds": {"training": self.recipe.training.seed, "split": self.recipe.split.seed},
            "n": len(self.scores),
            "state": state["state"],
            "seconds": state.get("seconds"),
            "trainings": len(self.trainings),
            "best_epochs": [model.get("best_epoch") for model in models],
            "parameters": models[0].get("parameters"),
            "device": environment.get("device"),
            "precision": environment.get("precision"),
            "laudo": environment.get("laudo"),
            "manifest": self.manifest.content_hash(),
        }

    def hashes(self, samples: Sequence[str], column: str) -> pd.Series:
        """Hash of each sample's files, of a column of the manifest; empty where it has none."""
        table = self.manifest.table
        named = table.assign(sample=table["sample"].astype(str)).set_index("sample")[column]
        return named.astype(str).reindex(list(samples), fill_value="")


def read_compared_run(folder: Path, name: str) -> ComparedRun:
    """Read a run for comparison.

    Raises:
        RunError: there is no run, or it was not judged.
        DataError: a file of it is damaged.
    """
    run = Run(folder)
    recipe = run.recipe()
    part = "pooled" if run.folds() or run.has_predictions("pooled") else recipe.evaluation.headline
    scores = run.mask_scores(part) if recipe.outlines else run.predictions(part)
    return ComparedRun(name, run, part, recipe, run.manifest(), scores)


def of_one_kind(runs: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs with scores of masks all, or with predicted classes all.

    A run that outlines structures and names a class too is compared by its masks with others that outline, and by its
    classes with runs that only name classes.

    Raises:
        RunError: some runs only outline structures, and others only name classes.
    """
    if len({isinstance(run.scores, MaskScores) for run in runs}) == 1:
        return list(runs)
    found = []
    for run in runs:
        named = run.scores.predictions if isinstance(run.scores, MaskScores) else run.scores
        if named is None:
            classes = next(one for one in runs if not isinstance(one.scores, MaskScores))
            raise RunError(
                _("One run outlines structures and another names classes: they have nothing in common."),
                file=run.run.folder,
                expected=f"data.target: {classes.recipe.data.target} ({classes.name})",
                found=f"data.target: {run.recipe.data.target} ({run.name})",
            )
        found.append(replace(run, scores=named))
    return found


def run_names(folders: Sequence[Path]) -> list[str]:
    """A name for each folder: its last part, with as many parts before it as make the names differ.

    Raises:
        RunError: a folder is given twice.
    """
    places = [folder.resolve() for folder in folders]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise RunError(_("A run is given twice: it does not differ from itself."), file=folders[number])
    # a link keeps the name by which it was given
    given = [folder.resolve() if ".." in folder.parts else folder.absolute() for folder in folders]
    deepest = max(len(place.parts) for place in given)
    for depth in range(1, deepest):
        names = ["/".join(place.parts[-depth:]) for place in given]
        if len(set(names)) == len(names):
            break
    return names
