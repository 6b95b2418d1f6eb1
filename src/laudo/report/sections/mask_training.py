"""Training of a network that outlines structures: how loss and Dice went, and which epoch was kept."""

from __future__ import annotations

from functools import partial
from typing import Any

from laudo.report.figures import learning
from laudo.report.figures.sheet import Picture, Words
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.sections.training import Training, epochs_table, find_trainings, training_facts


def build(draft: Draft) -> dict[str, Any]:
    """Curves, the epoch kept, and every epoch's numbers."""
    trainings = find_trainings(draft)
    if not trainings:
        raise AbsentError(draft.voice.gettext("No epoch was trained, so there are no curves."))
    return {
        "facts": training_facts(draft, trainings),
        "figure": _figure(draft, trainings),
        "tables": [epochs_table(training, draft) for training in trainings],
    }


def _figure(draft: Draft, trainings: list[Training]) -> Picture:
    voice = draft.voice
    _ = voice.gettext
    named = any(row.get("val_accuracy") is not None for training in trainings for row in training.epochs)
    spoken = []
    for training in trainings:
        kept = next((row for row in training.epochs if row.get("epoch") == training.kept), training.epochs[-1])
        text = _("at epoch {n}, training loss {a}, validation loss {b} and validation Dice {c}").format(
            n=kept.get("epoch"),
            a=voice.number(kept.get("train_loss")),
            b=voice.number(kept.get("val_loss")),
            c=voice.number(kept.get("val_dice")),
        )
        name = training.name(draft)
        spoken.append(f"{name}: {text}" if name else text)
    words = Words(
        alt=_("Curves of loss and Dice over the epochs.") + " " + "; ".join(spoken) + ".",
        caption=_("Loss and Dice over the epochs"),
        help=_help(draft),
    )
    curves = [(training.epochs, training.kept) for training in trainings]
    quantities = ("dice", "accuracy") if named else ("dice",)
    draw = partial(learning.draw, trainings=curves, quantities=quantities)
    return draft.shelf.add("training", words, draw, 10.0 if named else 7.6, 3.3)


def _help(draft: Draft) -> str:
    _ = draft.voice.gettext
    text = _(
        "Loss should fall in both curves. When training goes on improving while validation stands still or gets worse, the "
        "model is learning the training images by heart. The diamond is the epoch whose weights were kept."
    )
    recipe = draft.evidence.recipe
    if recipe is not None and recipe.prepare.volume is not None:
        return (
            text
            + " "
            + _(
                "Validation looks at one patch of each volume, around the middle of what is marked, and counts the voxels of "
                "all volumes together: this Dice says which epoch is better, and is not that of the results."
            )
        )
    return (
        text
        + " "
        + _(
            "Dice here counts the pixels of all images together: it says which epoch is better, and is not that of the results."
        )
    )
