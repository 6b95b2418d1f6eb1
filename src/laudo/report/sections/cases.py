"""Errors by case: every wrong answer with its image, and all judged cases on one sheet, worst first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.predictions import PROBABILITY, Predictions
from laudo.report.context import Evidence
from laudo.report.names import OUTCOMES
from laudo.report.sections.draft import AbsentError, Draft

LARGE = 24
"""Wrong answers that are drawn large; the others are in the table and on the sheet."""

SHEET = 600
"""Cases on the contact sheet."""

TABLE = 400
"""Rows of the table of wrong answers."""

SIDE = 200
SMALL_SIDE = 72


def build(draft: Draft) -> dict[str, Any]:
    """Wrong answers, most confident first, and the contact sheet."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if evidence.predictions is None:
        raise AbsentError(_("There are no predictions of the part that judges, so no cases can be shown."))
    table = evidence.predictions.table
    confidence, of_truth = _confidence(evidence.predictions)
    right = evidence.predictions.right
    wrong = [int(row) for row in np.argsort(-confidence, kind="stable") if not right[row]]
    worst_first = [int(row) for row in np.argsort(of_truth, kind="stable")]
    overlays = overlay_files(evidence)
    large = [_case(row, draft, SIDE, overlays) for row in wrong[:LARGE]]
    return {
        "count": _counted(len(wrong), len(table), draft),
        "kinds": _kinds(evidence, wrong, draft),
        "large": large,
        "table": [_case(row, draft, 0, {}) for row in wrong[:TABLE]],
        "table_left": max(0, len(wrong) - TABLE),
        "sheet": [_case(row, draft, SMALL_SIDE, {}) for row in worst_first[:SHEET]],
        "sheet_left": max(0, len(table) - SHEET),
        "total": voice.integer(len(table)),
    }


def _confidence(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """How sure each answer is, (n,), and the probability that it gave to the truth, (n,).

    Of several labels, the worst one decides both: how sure the wrong answer is that is surest (of right images, the least sure
    answer), and the least probability that a label's truth was given.
    """
    probabilities, truth, decided = predictions.probabilities, predictions.truth, predictions.decided
    if not predictions.multilabel:
        rows = np.arange(len(predictions))
        return probabilities[rows, decided], probabilities[rows, truth]
    given = np.where(decided == 1, probabilities, 1 - probabilities)
    of_truth = np.where(truth == 1, probabilities, 1 - probabilities)
    surest_wrong = np.where(truth != decided, given, 0.0).max(axis=1)
    return np.where(predictions.right, given.min(axis=1), surest_wrong), of_truth.min(axis=1)


def outcome(label: str, predicted: str, positive: str | None) -> str:
    """FP, FN, TP or TN where there is a positive class; right or wrong where there is none."""
    if positive is None:
        return "right" if label == predicted else "wrong"
    if label == predicted:
        return "TP" if label == positive else "TN"
    return "FP" if predicted == positive else "FN"


def overlay_files(evidence: Evidence) -> dict[str, tuple[Path, str, str]]:
    """Sample → folder, image and overlay of its class-activation map, where one was drawn."""
    return {
        str(case["sample"]): (one.folder, str(case.get("image") or ""), str(case["overlay"]))
        for one in evidence.explained
        for case in one.data.get("cases") or []
        if case.get("overlay")
    }


def _counted(wrong: int, total: int, draft: Draft) -> str:
    voice = draft.voice
    if not wrong:
        return voice.gettext(
            "No answer was wrong, among {images}. With so few images that does not mean that none ever will be."
        ).format(images=voice.images(total))
    return voice.ngettext("{n} answer of {m} was wrong.", "{n} answers of {m} were wrong.", wrong).format(
        n=voice.integer(wrong), m=voice.integer(total)
    )


def _kinds(evidence: Evidence, wrong: list[int], draft: Draft) -> str:
    """How many false positives and false negatives."""
    if evidence.positive is None or evidence.predictions is None:
        return ""
    voice = draft.voice
    _ = voice.gettext
    called = (evidence.predictions.table["predicted"] == evidence.positive).to_numpy()
    positives = sum(1 for row in wrong if called[row])
    return _(
        "▲ false positives (called “{name}”, but are not): {fp}. ▼ false negatives (are “{name}”, but were missed): "
        "{fn}."
    ).format(name=evidence.positive, fp=voice.integer(positives), fn=voice.integer(len(wrong) - positives))


def _case(row: int, draft: Draft, side: int, overlays: dict[str, tuple[Path, str, str]]) -> dict[str, Any]:
    """One case; ``side`` 0 is without a picture."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    assert evidence.predictions is not None
    line = evidence.predictions.table.iloc[row]
    sample, label, predicted = str(line["sample"]), str(line["label"]), str(line["predicted"])
    kind = outcome(label, predicted, evidence.positive)
    shape, word = OUTCOMES[kind]
    if evidence.predictions.multilabel:
        confidence = voice.percent(float(_confidence(evidence.predictions)[0][row]))
        label, predicted = label or _("none"), predicted or _("none")
    else:
        confidence = voice.percent(float(line[PROBABILITY + predicted]))
    folder, _image, overlay = overlays.get(sample, (None, "", ""))
    alt = _("{outcome}: image {sample} is “{label}”, the model answered “{predicted}” with {confidence}").format(
        outcome=_(word), sample=sample, label=label, predicted=predicted, confidence=confidence
    )
    return {
        "sample": sample,
        "label": label,
        "predicted": predicted,
        "confidence": confidence,
        "group": str(line["group"]),
        "kind": kind,
        "shape": shape,
        "word": _(word),
        "right": label == predicted,
        "alt": alt,
        "uri": draft.album.sample(sample, side) if side else None,
        "overlay": draft.album.inside(folder, overlay, side) if folder is not None and side else None,
        "overlay_alt": _("Class-activation map over image {sample}").format(sample=sample),
    }
