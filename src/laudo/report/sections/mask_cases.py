"""Errors by case: every case as a row, failures first; some of them slice by slice; all on one sheet, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from laudo.core.mask_scores import MaskScores
from laudo.report.case_picture import jpeg, montage, thumbnail
from laudo.report.mask_verdict import case_dice, failure_sentences
from laudo.report.metrics_of_masks import with_unit
from laudo.report.names import OUTCOMES, short_name
from laudo.report.outlined_case import CaseReader, OutlinedCase
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.sections.mask_data import legend
from laudo.report.slice_viewer import Slices, make_slices

WORST, BEST = 3, 2
"""Cases that can be looked at slice by slice, beside the one in the middle."""

MIDDLE = 50
"""Percentile of the case in the middle."""

SHEET = 120
"""Cases on the contact sheet."""

TABLE = 400
"""Rows of the table."""

OPEN_ROWS = 10
"""Rows up to which the table is not folded."""

STILL_SIDE, SMALL_SIDE = 420, 110


@dataclass(frozen=True)
class Order:
    """The judged cases, worst first.

    Attributes:
        rows: (n,) row numbers of the scores: failures first, then by Dice; cases with nothing to find last.
        dice: (n,) mean Dice of each case in the order of the scores; NaN where nothing was to be found.
        failed: (n,) bool: a structure was missed or invented, in the order of the scores.
    """

    rows: np.ndarray
    dice: np.ndarray
    failed: np.ndarray


def in_order_of_failure(scores: MaskScores) -> Order:
    """Failures first."""
    dice = case_dice(scores)
    failed = (scores.missed | scores.invented).any(axis=1)
    known = np.nan_to_num(dice, nan=2.0)
    return Order(np.lexsort((known, ~failed)), dice, failed)


def build(draft: Draft) -> dict[str, Any]:
    """Table, viewer and contact sheet."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    scores = evidence.scores
    if scores is None or not len(scores):
        raise AbsentError(_("There are no predictions of the part that judges, so no cases can be shown."))
    order = in_order_of_failure(scores)
    reader = CaseReader(evidence, draft.album.unreadable)
    panels = [_panel(row, why, draft, reader) for row, why in chosen(order, draft)]
    sheet = _sheet(order, draft, reader)
    shown = order.rows[:TABLE]
    return {
        "count": _count(scores, order, draft),
        "failures": failure_sentences(scores, voice),
        "legend": legend(draft),
        "panels": [panel for panel in panels if panel is not None],
        "volumes": any(panel["is_volume"] for panel in panels if panel is not None),
        "columns": _columns(scores, draft),
        "named": evidence.predictions is not None,
        "grouped": bool((scores.table["group"].astype(str) != scores.table["sample"].astype(str)).any()),
        "table": [_row(int(row), order, draft) for row in shown],
        "table_left": max(0, len(scores) - TABLE),
        "open": len(scores) <= OPEN_ROWS,
        "sheet": sheet,
        "sheet_left": len(scores) - len(sheet),
        "total": voice.integer(len(scores)),
    }


def chosen(order: Order, draft: Draft) -> list[tuple[int, str]]:
    """Rows that can be looked at slice by slice, and why: the worst, the middle, the best; each once."""
    _ = draft.voice.gettext
    known = [int(row) for row in order.rows if np.isfinite(order.dice[row])]
    if not known:
        return [(int(row), _("nothing to find")) for row in order.rows[:1]]
    worst = [(row, _("worst {n}").format(n=n)) for n, row in enumerate(known[:WORST], start=1)]
    by_dice = sorted(known, key=lambda row: order.dice[row])
    middle = [(by_dice[(len(by_dice) - 1) * MIDDLE // 100], _("median"))]
    best = [(row, _("best {n}").format(n=n)) for n, row in enumerate(reversed(by_dice[-BEST:]), start=1)]
    found: dict[int, str] = {}
    for row, why in (*worst, *middle, *reversed(best)):
        found.setdefault(row, why)
    return list(found.items())


def _count(scores: MaskScores, order: Order, draft: Draft) -> str:
    voice = draft.voice
    known = order.dice[np.isfinite(order.dice)]
    failed = int(order.failed.sum())
    text = voice.ngettext(
        "In {n} of {m} a structure was missed or invented.",
        "In {n} of {m} a structure was missed or invented.",
        failed,
    ).format(n=voice.integer(failed), m=voice.cases(len(scores)))
    if not len(known):
        return text
    return (
        text
        + " "
        + voice.gettext("The median Dice of a case is {value}.").format(value=voice.number(float(np.median(known)), 2))
    )


def what_failed(scores: MaskScores, row: int, draft: Draft) -> list[dict[str, str]]:
    """Badges of a case: what was missed and what was invented."""
    _ = draft.voice.gettext
    found = []
    for which, kind, text in (
        (scores.missed, "FN", _("missed: {names}")),
        (scores.invented, "FP", _("invented: {names}")),
    ):
        names = [name for name, bad in zip(scores.structures, which[row], strict=True) if bad]
        if names:
            shape, _word = OUTCOMES[kind]
            found.append({"kind": kind, "shape": shape, "word": text.format(names=", ".join(names))})
    return found


def _columns(scores: MaskScores, draft: Draft) -> list[str]:
    """Heads of the numbers in the table."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    hd95 = with_unit(short_name("hd95_mm", voice), "hd95_mm", evidence.length_unit, voice)
    several = len(scores.structures) > 1
    heads = [_("mean Dice")] if several else []
    for name in scores.structures:
        heads += [_("Dice {name}").format(name=name) if several else _("Dice")]
    for name in scores.structures:
        heads += [f"{hd95} {name}" if several else hd95]
    return heads


def _numbers(scores: MaskScores, row: int, order: Order) -> list[tuple[float, int]]:
    """Those of one row, with their decimals."""
    values = [(float(order.dice[row]), 3)] if len(scores.structures) > 1 else []
    values += [(float(value), 3) for value in scores.matrix("dice")[row]]
    return values + [(float(value), 1) for value in scores.matrix("hd95_mm")[row]]


def _row(row: int, order: Order, draft: Draft) -> dict[str, Any]:
    evidence, voice = draft.evidence, draft.voice
    assert evidence.scores is not None
    line = evidence.scores.table.iloc[row]
    found: dict[str, Any] = {
        "sample": str(line["sample"]),
        "group": str(line["group"]),
        "badges": what_failed(evidence.scores, row, draft),
        "cells": [
            {"text": voice.number(value, digits), "value": f"{value:.6g}" if np.isfinite(value) else ""}
            for value, digits in _numbers(evidence.scores, row, order)
        ],
    }
    if evidence.predictions is not None:
        label, predicted = str(line["label"]), str(line["predicted"])
        shape, word = OUTCOMES["right" if label == predicted else "wrong"]
        found |= {
            "label": label,
            "predicted": predicted,
            "outcome": {
                "kind": "right" if label == predicted else "wrong",
                "shape": shape,
                "word": voice.gettext(word),
            },
        }
    return found


def _spoken(row: int, draft: Draft) -> str:
    """``anterior 0.87, posterior 0.85``."""
    scores, voice = draft.evidence.scores, draft.voice
    assert scores is not None
    values = scores.matrix("dice")[row]
    return ", ".join(
        f"{name} {voice.number(float(value), 2)}" for name, value in zip(scores.structures, values, strict=True)
    )


def _panel(row: int, why: str, draft: Draft, reader: CaseReader) -> dict[str, Any] | None:
    """A case for the viewer; None when its files are gone or the page has no room for it."""
    scores, voice = draft.evidence.scores, draft.voice
    _ = voice.gettext
    assert scores is not None
    case = reader.judged(row)
    if case is None:
        return None
    still = draft.album.give(jpeg(montage(case, STILL_SIDE if case.is_volume else 2 * STILL_SIDE)), "image/jpeg")
    slices = make_slices(case, len(scores.structures))
    sheet = draft.album.give(slices.sheet, "image/jpeg") if still is not None else None
    if still is None:
        return None
    dice = _spoken(row, draft)
    return {
        "sample": case.sample,
        "why": why,
        "dice": dice,
        "badges": what_failed(scores, row, draft),
        "still": still,
        "alt": _alt(case, dice, draft),
        "slices": _for_script(slices, sheet) if sheet is not None else None,
        "is_volume": case.is_volume,
        "thinned": max(slices.step) > 1,
    }


def _alt(case: OutlinedCase, dice: str, draft: Draft) -> str:
    _ = draft.voice.gettext
    if not case.is_volume:
        return _("Case {sample} with its true outline and what was predicted; Dice {dice}").format(
            sample=case.sample, dice=dice
        )
    i, j, k = case.places()
    return _(
        "Case {sample}, axial slice {k}, coronal slice {j} and sagittal slice {i}, with its true outline and what was "
        "predicted; Dice {dice}"
    ).format(sample=case.sample, i=i + 1, j=j + 1, k=k + 1, dice=dice)


def _for_script(slices: Slices, sheet: str) -> dict[str, str]:
    """Attributes that the script reads."""

    def spaced(values: tuple[float, ...]) -> str:
        return " ".join(f"{value:.6g}" for value in values)

    return {
        "shape": spaced(slices.shape),
        "spacing": spaced(slices.spacing),
        "columns": str(slices.columns),
        "places": spaced(slices.places),
        "file": " ".join(map(spaced, (slices.start, slices.step, slices.total))),
        "runs": slices.runs,
        "sheet": sheet,
    }


def _sheet(order: Order, draft: Draft, reader: CaseReader) -> list[dict[str, Any]]:
    """A small picture of each case, worst first; as many as may be read."""
    scores, voice = draft.evidence.scores, draft.voice
    _ = voice.gettext
    assert scores is not None
    found = []
    for row in map(int, order.rows[:SHEET]):
        if reader.is_spent:
            break
        case = reader.judged(row)
        dice = voice.number(float(order.dice[row]), 2)
        sample = str(scores.table["sample"].iloc[row])
        found.append(
            {
                "sample": sample,
                "dice": dice,
                "failed": bool(order.failed[row]),
                "mark": OUTCOMES["wrong"][0] if order.failed[row] else "",
                "uri": None if case is None else draft.album.give(jpeg(thumbnail(case, SMALL_SIDE), 78), "image/jpeg"),
                "alt": _("Case {sample}, Dice {dice}").format(sample=sample, dice=dice),
            }
        )
    return found
