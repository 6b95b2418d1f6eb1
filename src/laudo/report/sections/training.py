"""Training: how loss and accuracy went, and which epoch was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from laudo.report.figures import learning
from laudo.report.figures.sheet import Picture, Words
from laudo.report.sections.classical import classical_facts, tried_table
from laudo.report.sections.draft import AbsentError, Draft
from laudo.train.phases import kept_epoch, phase_recipes

COLUMNS = (
    "phase",
    "train_loss",
    "train_accuracy",
    "val_loss",
    "val_dice",
    "val_accuracy",
    "val_auc_roc",
    "learning_rate",
)


def build(draft: Draft) -> dict[str, Any]:
    """Curves, the epoch kept, and every epoch's numbers."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if not evidence.logs and evidence.model.get("classical"):
        return {"facts": classical_facts(draft), "figure": None, "tables": [], "tried": tried_table(draft)}
    trainings = find_trainings(draft)
    if not trainings:
        raise AbsentError(_("No epoch was trained, so there are no curves."))
    return {
        "facts": training_facts(draft, trainings),
        "figure": _figure(draft, trainings),
        "tables": [epochs_table(training, draft) for training in trainings],
        "tried": None,
    }


@dataclass(frozen=True)
class Training:
    """One training: of a run, a fold, or a member of an ensemble.

    Attributes:
        fold: its number; 0 for a single run.
        member: its number; 0 where there is no ensemble.
        epochs: lines of the log.
        kept: epoch whose weights were kept.
    """

    fold: int
    member: int
    epochs: list[dict[str, Any]]
    kept: int

    @property
    def diverged(self) -> bool:
        """Whether it ended because the network's answers were no longer numbers."""
        return self.epochs[-1].get("val_loss", 0.0) is None

    def name(self, draft: Draft) -> str:
        """What it is called beside others; empty for a single one."""
        _ = draft.voice.gettext
        parts = [_("fold {n}").format(n=self.fold)] if self.fold else []
        parts += [_("network {n}").format(n=self.member)] if self.member else []
        return ", ".join(parts)


def find_trainings(draft: Draft) -> list[Training]:
    """Every training that the logs tell of, folds and members of ensembles apart."""
    found = []
    for fold, lines in draft.evidence.logs:
        for member in sorted({int(row.get("member") or 0) for row in lines}):
            epochs = [row for row in lines if int(row.get("member") or 0) == member]
            found.append(Training(fold, member, epochs, _kept(fold, member, epochs, draft)))
    return found


def _kept(fold: int, member: int, epochs: list[dict[str, Any]], draft: Draft) -> int:
    """Epoch whose weights became the model: as model.json says, else as the recipe's rule gives it."""
    evidence = draft.evidence
    noted = evidence.model.get("best_epoch")
    if fold == 0 and member == 0 and noted:
        return int(noted)
    judged = [row for row in epochs if row.get("val_loss") is not None and row.get("epoch") is not None]
    last = int(epochs[-1].get("epoch", len(epochs)))
    if not judged or evidence.recipe is None:
        return int(min(judged, key=lambda row: row["val_loss"])["epoch"]) if judged else last
    if evidence.recipe.training.keep == "last":
        return last
    try:
        return kept_epoch(judged, phase_recipes(evidence.recipe)) or last
    except (KeyError, IndexError, TypeError):  # a log without the figure that the recipe watches, or of other phases
        return int(min(judged, key=lambda row: row["val_loss"])["epoch"])


def training_facts(draft: Draft, trainings: list[Training]) -> list[str]:
    """How many epochs, why no more, which one was kept, and how long it took."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    facts = []
    status = evidence.status
    reasons = {
        "all_epochs": _("all epochs of the recipe were trained"),
        "early_stopping": _("validation stood still, so it stopped early"),
        "max_minutes": _("the time allowed was used up, so it stopped early"),
        "diverged": _("the network's answers were no longer numbers, so it stopped"),
        "interrupted": _("the user stopped it"),
    }
    if len(trainings) == 1:
        trained = voice.epochs(len(trainings[0].epochs))
        reason = reasons.get(str(status.get("reason")))
        facts.append(
            _("{epochs} trained: {reason}.").format(epochs=trained, reason=reason)
            if reason
            else _("{epochs} trained.").format(epochs=trained)
        )
        facts.append(_("The model has the weights of epoch {n}.").format(n=trainings[0].kept))
    else:
        text = _(
            "{training}: the network's answers were no longer numbers, so it stopped; the weights are of epoch {n}."
        )
        facts += [text.format(training=one.name(draft), n=one.kept) for one in trainings if one.diverged]
    if len(evidence.logs) > 1:
        facts.append(_("{n} folds, each trained on its own.").format(n=len(evidence.logs)))
    members = max(training.member for training in trainings)
    if members:
        facts.append(
            _("{n} networks, each stopped by another part of the images; they answer together.").format(n=members)
        )
    phases = max(int(row.get("phase") or 1) for training in trainings for row in training.epochs)
    if phases > 1:
        facts.append(_("{n} phases, each from the weights that the one before it had kept.").format(n=phases))
    seconds = [row.get("seconds") or 0.0 for training in trainings for row in training.epochs]
    total = status.get("seconds") or sum(seconds)
    if total:
        facts.append(_("Time taken: {time}.").format(time=voice.duration(float(total))))
    model = evidence.model
    if model.get("parameters"):
        facts.append(
            _("{all} parameters, {trained} of them trained.").format(
                all=voice.integer(model["parameters"]), trained=voice.integer(model.get("trainable_parameters") or 0)
            )
        )
    if model.get("frozen_features"):
        facts.append(
            _("The backbone was left as it was, so it ran once an image, and the head learned from its features.")
        )
    return facts


def _figure(draft: Draft, trainings: list[Training]) -> Picture:
    voice = draft.voice
    _ = voice.gettext
    spoken = []
    for training in trainings:
        kept = next((row for row in training.epochs if row.get("epoch") == training.kept), training.epochs[-1])
        text = _(
            "at epoch {n}, training loss {a} and validation loss {b}, training accuracy {c} and validation accuracy {d}"
        ).format(
            n=kept.get("epoch"),
            a=voice.number(kept.get("train_loss")),
            b=voice.number(kept.get("val_loss")),
            c=voice.number(kept.get("train_accuracy")),
            d=voice.number(kept.get("val_accuracy")),
        )
        name = training.name(draft)
        spoken.append(f"{name}: {text}" if name else text)
    words = Words(
        alt=_("Curves of loss and accuracy over the epochs, for training and validation.")
        + " "
        + "; ".join(spoken)
        + ".",
        caption=_("Loss and accuracy over the epochs"),
        help=_(
            "Loss should fall in both curves. When training goes on improving while validation stands still or gets "
            "worse, the "
            "model is learning the training images by heart. The diamond is the epoch whose weights were kept."
        ),
    )
    curves = [(training.epochs, training.kept) for training in trainings]
    return draft.shelf.add("training", words, lambda figure, v: learning.draw(figure, v, curves), 7.6, 3.3)


def epochs_table(training: Training, draft: Draft) -> dict[str, Any]:
    """Every line of the log."""
    voice, epochs = draft.voice, training.epochs
    _ = voice.gettext
    names = {
        "phase": _("phase"),
        "train_loss": _("training loss"),
        "train_accuracy": _("training accuracy"),
        "val_loss": _("validation loss"),
        "val_dice": _("validation Dice"),
        "val_accuracy": _("validation accuracy"),
        "val_auc_roc": _("validation AUC"),
        "learning_rate": _("learning rate"),
    }
    shown = [name for name in COLUMNS if any(row.get(name) is not None for row in epochs)]
    rows = []
    for row in epochs:
        cells = [
            (voice.short(row[name]) if name in {"learning_rate", "phase"} else voice.number(row[name]))
            if row.get(name) is not None
            else "–"
            for name in shown
        ]
        rows.append({"epoch": row.get("epoch"), "cells": cells, "best": row.get("epoch") == training.kept})
    which = training.name(draft)
    name = _("Every epoch: {which}").format(which=which) if which else _("Every epoch")
    return {"name": name, "columns": [names[name] for name in shown], "rows": rows}
