"""The phases of a training: the recipe of each, and which epochs of the log belong to it. Pure functions of recipe and log."""

from __future__ import annotations

from typing import Any

from laudo.core.recipe import Phase, Recipe
from laudo.train.history import Epochs, best_epoch, should_stop


def phase_recipes(recipe: Recipe) -> list[Recipe]:
    """The recipe of each phase: what it says in the place of what the sections say; without phases, the recipe itself."""
    return [_laid_over(recipe, phase) for phase in recipe.training.phases] or [recipe]


def _laid_over(recipe: Recipe, phase: Phase) -> Recipe:
    given = {name: value for name, value in phase.model_dump().items() if value is not None}
    network = {"trainable": given.pop("trainable")} if "trainable" in given else {}
    if "learning_rate" in given:  # the backbone's is this one too, unless the phase says otherwise
        given.setdefault("backbone_learning_rate", None)
    return recipe.model_copy(
        update={
            "network": recipe.network.model_copy(update=network),
            "training": recipe.training.model_copy(update={**given, "phases": ()}),
        }
    )


def phase_lines(epochs: Epochs, number: int) -> list[dict[str, Any]]:
    """Lines of the log that belong to a phase, counted from 1."""
    return [line for line in epochs if line.get("phase", 1) == number]


def is_over(epochs: Epochs, number: int, recipe: Recipe) -> bool:
    """Whether a phase has had all its epochs, or has stopped early."""
    lines = phase_lines(epochs, number)
    training = recipe.training
    return len(lines) >= training.epochs or should_stop(lines, training.early_stopping, training.watch)


def kept_in_phase(epochs: Epochs, number: int, recipe: Recipe) -> int:
    """Epoch whose weights the next phase begins with; 0 when the phase has none yet."""
    lines = phase_lines(epochs, number)
    if recipe.training.keep == "last":
        return int(lines[-1]["epoch"]) if lines else 0
    return best_epoch(_averaged(lines), recipe.training.watch)


def kept_epoch(epochs: Epochs, plan: list[Recipe]) -> int:
    """Epoch whose weights become the model: the last, or the best of all.

    Where the loss decides and the phases have different ones, their values say nothing about each other: then it is the best
    epoch of the last phase that was begun. An epoch in which the training diverged is never the best one.
    """
    training = plan[-1].training
    if training.keep == "best":
        epochs = [line for line in epochs if line["val_loss"] is not None] or epochs
    last = max(line.get("phase", 1) for line in epochs)
    differ = len({recipe.training.loss for recipe in plan}) > 1
    if training.keep == "last" or (differ and training.watch == "loss"):
        return kept_in_phase(epochs, last, plan[last - 1])
    return best_epoch(_averaged(epochs), training.watch)


def _averaged(epochs: Epochs) -> Epochs:
    """Epochs that were judged by averaged weights; all, as long as there are none."""
    return [line for line in epochs if line.get("averaged")] or epochs
