"""A run as a comparison sees it: its scores, its recipe and how it was trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from laudo.core.errors import RunError
from laudo.core.manifest import Manifest
from laudo.core.mask_scores import MaskScores
from laudo.core.messages import _
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
        scores: of that part.
    """

    name: str
    run: Run
    part: str
    recipe: Recipe
    manifest: Manifest
    scores: MaskScores

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


def read_compared_run(folder: Path, name: str) -> ComparedRun:
    """Read a run for comparison.

    Raises:
        RunError: there is no run, it is not finished, or it names classes.
        DataError: a file of it is damaged.
    """
    run = Run(folder)
    recipe = run.recipe()
    if not recipe.outlines:
        raise RunError(
            _("This run names classes. So far runs can be compared that outline structures."),
            file=folder,
            expected="data.target: mask",
            found=f"data.target: {recipe.data.target}",
        )
    part = "pooled" if run.folds() or run.has_predictions("pooled") else recipe.evaluation.headline
    return ComparedRun(name, run, part, recipe, run.manifest(), run.mask_scores(part))


def run_names(folders: Sequence[Path]) -> list[str]:
    """A name for each folder: its last part, with as many parts before it as make the names differ.

    Raises:
        RunError: a folder is given twice.
    """
    places = [folder.resolve() for folder in folders]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise RunError(_("A run is given twice: it does not differ from itself."), file=folders[number])
    deepest = max(len(place.parts) for place in places)
    for depth in range(1, deepest):
        names = ["/".join(place.parts[-depth:]) for place in places]
        if len(set(names)) == len(names):
            break
    return names
