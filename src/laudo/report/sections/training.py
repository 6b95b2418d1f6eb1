"""Training: how loss and accuracy went, and which epoch was kept."""

from __future__ import annotations

from typing import Any

from laudo.report.figures import learning
from laudo.report.figures.sheet import Picture, Words
from laudo.report.sections.draft import AbsentError, Draft

COLUMNS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auc_roc", "learning_rate")


def build(draft: Draft) -> dict[str, Any]:
    """Curves, the epoch kept, and every epoch's numbers."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if not evidence.logs:
        raise AbsentError(_("No epoch was trained, so there are no curves."))
    best = {number: _best_epoch(number, epochs, draft) for number, epochs in evidence.logs}
    return {
        "facts": _facts(draft, best),
        "figure": _figure(draft, best),
        "tables": [_table(number, epochs, best[number], draft) for number, epochs in evidence.logs],
    }


def _best_epoch(number: int, epochs: list[dict[str, Any]], draft: Draft) -> int:
    """Epoch whose weights became the model: as model.json says, else as the recipe's rule gives it."""
    evidence = draft.evidence
    noted = evidence.model.get("best_epoch")
    if number == 0 and noted:
        return int(noted)
    losses = [(row["val_loss"], row["epoch"]) for row in epochs if row.get("val_loss") is not None]
    if not losses or (evidence.recipe is not None and evidence.recipe.training.keep == "last"):
        return int(epochs[-1].get("epoch", len(epochs)))
    return int(min(losses)[1])


def _facts(draft: Draft, best: dict[int, int]) -> list[str]:
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    facts = []
    status = evidence.status
    reasons = {
        "all_epochs": _("all epochs of the recipe were trained"),
        "early_stopping": _("validation loss stood still, so it stopped early"),
        "max_minutes": _("the time allowed was used up, so it stopped early"),
        "interrupted": _("the user stopped it"),
    }
    if len(evidence.logs) == 1:
        trained = voice.epochs(len(evidence.logs[0][1]))
        reason = reasons.get(str(status.get("reason")))
        facts.append(
            _("{epochs} trained: {reason}.").format(epochs=trained, reason=reason)
            if reason
            else _("{epochs} trained.").format(epochs=trained)
        )
        facts.append(_("The model has the weights of epoch {n}.").format(n=next(iter(best.values()))))
    else:
        facts.append(_("{n} folds, each trained on its own.").format(n=len(evidence.logs)))
    seconds = [row.get("seconds") or 0.0 for _number, epochs in evidence.logs for row in epochs]
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
            _("The backbone stayed as pretrained, so it ran once an image, and the head learned from its features.")
        )
    return facts


def _figure(draft: Draft, best: dict[int, int]) -> Picture:
    voice, logs = draft.voice, draft.evidence.logs
    _ = voice.gettext
    spoken = []
    for number, epochs in logs:
        kept = next((row for row in epochs if row.get("epoch") == best[number]), epochs[-1])
        text = _(
            "at epoch {n}, training loss {a} and validation loss {b}, training accuracy {c} and validation accuracy {d}"
        ).format(
            n=kept.get("epoch"),
            a=voice.number(kept.get("train_loss")),
            b=voice.number(kept.get("val_loss")),
            c=voice.number(kept.get("train_accuracy")),
            d=voice.number(kept.get("val_accuracy")),
        )
        spoken.append((_("fold {n}").format(n=number) + ": " if number else "") + text)
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
    return draft.shelf.add("training", words, lambda figure, v: learning.draw(figure, v, logs, best), 7.6, 3.3)


def _table(number: int, epochs: list[dict[str, Any]], best: int, draft: Draft) -> dict[str, Any]:
    voice = draft.voice
    _ = voice.gettext
    names = {
        "train_loss": _("training loss"),
        "train_accuracy": _("training accuracy"),
        "val_loss": _("validation loss"),
        "val_accuracy": _("validation accuracy"),
        "val_auc_roc": _("validation AUC"),
        "learning_rate": _("learning rate"),
    }
    shown = [name for name in COLUMNS if any(row.get(name) is not None for row in epochs)]
    rows = []
    for row in epochs:
        cells = [
            (voice.short(row[name]) if name == "learning_rate" else voice.number(row[name]))
            if row.get(name) is not None
            else "–"
            for name in shown
        ]
        rows.append({"epoch": row.get("epoch"), "cells": cells, "best": row.get("epoch") == best})
    name = _("Fold {n}: every epoch").format(n=number) if number else _("Every epoch")
    return {"name": name, "columns": [names[name] for name in shown], "rows": rows}
