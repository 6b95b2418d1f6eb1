"""The sentences that a reader takes home of a network that outlines structures."""

from __future__ import annotations

from typing import Any

import numpy as np

from laudo.core.mask_scores import MaskScores
from laudo.report.context import Evidence
from laudo.report.voice import Voice

MOST_NAMES = 6
"""Structures that a sentence names; of more, it says how many."""

ONE_IN_TEN = 10
"""Percentile of the cases that the sentence on bad ones quotes."""

ENOUGH = 10
"""Cases from which it is quoted: fewer have no tenth."""


def mask_verdict(evidence: Evidence, result: dict[str, Any], voice: Voice) -> str:
    """One sentence: on what, how well, how sure."""
    _ = voice.gettext
    where = {
        "cases": voice.cases(int(result.get("n") or 0)),
        "groups": voice.groups(int(result.get("groups") or 0)),
        "structures": named(evidence.structures, voice),
        "estimate": voice.estimate(result["metrics"].get("dice"), 2),
    }
    if evidence.quoted_from_validation:
        text = _(
            "On {cases} of the validation part, which is not an independent test, the model outlined {structures} with a mean "
            "Dice of {estimate}."
        )
    elif evidence.groups_divided:
        text = _(
            "On {cases} whose copies may have been trained on, the model outlined {structures} with a mean Dice of {estimate}."
        )
    elif evidence.headline == "pooled":
        text = _(
            "Judged on {cases} of {groups}, each by a model that had not been trained on its group, the method outlined "
            "{structures} with a mean Dice of {estimate}."
        )
    else:
        text = _(
            "On {cases} of {groups} never seen in training, the model outlined {structures} with a mean Dice of {estimate}."
        )
    told = text.format(**where)
    accuracy = result["metrics"].get("accuracy") if evidence.names_classes else None
    if accuracy:
        told += " " + _("It named the right one of {n} classes with accuracy {estimate}.").format(
            n=len(evidence.classes), estimate=voice.estimate(accuracy, 2)
        )
    return told


def named(structures: tuple[str, ...], voice: Voice) -> str:
    """``anterior and posterior``; of many, how many there are."""
    if 0 < len(structures) <= MOST_NAMES:
        return voice.join([voice.gettext("“{name}”").format(name=name) for name in structures])
    return voice.ngettext("{n} structure", "{n} structures", len(structures)).format(n=voice.integer(len(structures)))


def worst_sentence(evidence: Evidence, voice: Voice) -> str:
    """What the mean hides: the worst tenth of the cases, and structures that were missed or invented. Empty without scores."""
    scores = evidence.scores
    if scores is None or not len(scores):
        return ""
    _ = voice.gettext
    dice = case_dice(scores)
    known = dice[np.isfinite(dice)]
    sentences = []
    if len(known):
        worst = str(scores.table["sample"].iloc[int(np.nanargmin(dice))])
        text = (
            _("One case in ten has a Dice of {tenth} or less; the worst is {sample} with {value}.")
            if len(known) >= ENOUGH
            else _("The worst case is {sample} with a Dice of {value}.")
        )
        tenth = voice.number(float(np.percentile(known, ONE_IN_TEN)), 2)
        sentences.append(text.format(tenth=tenth, sample=worst, value=voice.number(float(known.min()), 2)))
    failures = failure_sentences(scores, voice) or [_("No structure was missed altogether or invented.")]
    return " ".join([*sentences, *failures])


def failure_sentences(scores: MaskScores, voice: Voice) -> list[str]:
    """How often each structure was missed altogether, and how often it was outlined where there is none."""
    _ = voice.gettext
    missed, invented = counted(scores, scores.missed, voice), counted(scores, scores.invented, voice)
    return [
        *([_("Missed altogether: {counts}.").format(counts=missed)] if missed else []),
        *([_("Outlined where there is none: {counts}.").format(counts=invented)] if invented else []),
    ]


def counted(scores: MaskScores, which: np.ndarray, voice: Voice) -> str:
    """``ET (2 of 40 cases)``, for each structure of an (n, S) mask; empty when there is none.

    Of what was missed, out of the cases that have it; of what was invented, out of those that have it not.
    """
    _ = voice.gettext
    missed = bool((which & scores.in_truth).any())
    out_of = scores.in_truth if missed else ~scores.in_truth
    found = [
        _("{name} ({n} of {cases})").format(name=name, n=voice.integer(int(n)), cases=voice.cases(int(total)))
        for name, n, total in zip(scores.structures, which.sum(axis=0), out_of.sum(axis=0), strict=True)
        if n
    ]
    return voice.join(found)


def case_dice(scores: MaskScores) -> np.ndarray:
    """(n,) mean Dice of each case over the structures that have one; NaN where none has."""
    values = scores.matrix("dice")
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0))
