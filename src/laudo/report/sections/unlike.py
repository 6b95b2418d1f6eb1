"""Unlike the training images: how far each part lies from them, and the cases that lie farthest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from laudo.report.context import Evidence
from laudo.report.figures import distances
from laudo.report.figures.sheet import Picture, Words
from laudo.report.names import part_name
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.voice import Voice

OOD, OOD_DISTANCE = "ood", "ood_distance"
"""Columns of the predictions; see :mod:`laudo.predict.ood_score`."""
SHOWN = 12
SIDE = 160
ENOUGH = 100
"""Validation images from which a 99th percentile is one."""


def build(draft: Draft) -> dict[str, Any]:
    """Sentences, a table of the parts, a figure, and the farthest cases."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    found = evidence.metrics.get("ood")
    if not isinstance(found, dict) or not found.get("parts"):
        raise AbsentError(_("Whether images are unlike the training images was not measured in this run."))
    table = _table(evidence)
    far = np.zeros(0, int)
    if table is not None:
        far = np.flatnonzero((table[OOD] > found["beyond_percentile"]).to_numpy())
        far = far[np.argsort(-table[OOD_DISTANCE].to_numpy(dtype=float)[far], kind="stable")]
    return {
        "sentences": _sentences(found, voice),
        "rows": _rows(found["parts"], voice),
        "figure": _figure(draft, found["parts"]),
        "count": _count(evidence, table, far, voice),
        "cases": [] if table is None else [_case(draft, table.iloc[row]) for row in far[:SHOWN]],
        "left": max(0, len(far) - SHOWN),
    }


def _table(evidence: Evidence) -> pd.DataFrame | None:
    holder = evidence.scores if evidence.scores is not None else evidence.predictions
    return holder.table if holder is not None and OOD in holder.table else None


def _sentences(found: dict[str, Any], voice: Voice) -> list[str]:
    _ = voice.gettext
    sentences = [
        _(
            "A model answers for any image, also for one of a kind that it never saw. How unlike the training images an image is, "
            "is told by its distance to the {k}th nearest of {n} training images in the network's own features; the column “ood” "
            "of the predictions says how many per cent of the validation images are less unlike them."
        ).format(k=voice.integer(found["neighbour"]), n=voice.integer(found["n_reference"])),
        _("A small distance does not mean that the answer is right, and a large one not that it is wrong."),
    ]
    if found["n_validation"] < ENOUGH:
        sentences.append(
            _("With {n} validation images the 99th percentile is little more than the farthest of them.").format(
                n=voice.integer(found["n_validation"])
            )
        )
    return sentences


def _rows(parts: dict[str, Any], voice: Voice) -> list[dict[str, Any]]:
    rows = []
    for name, one in parts.items():
        quantiles, beyond = one["quantiles"], one.get("beyond")
        share = None if beyond is None else {"value": beyond["value"], "ci95": beyond["ci95"]}
        rows.append(
            {
                "name": part_name(name, voice),
                "n": voice.integer(one["n"]),
                "median": voice.number(quantiles[len(quantiles) // 2], 2),
                "largest": voice.number(quantiles[-1], 2),
                "beyond": "–" if beyond is None else voice.integer(beyond["n"]),
                "share": {
                    "value": "–" if share is None else voice.number(share["value"]),
                    "interval": "" if share is None else voice.interval(share),
                },
            }
        )
    return rows


def _figure(draft: Draft, parts: dict[str, Any]) -> Picture:
    voice = draft.voice
    _ = voice.gettext
    lines = {part_name(name, voice): one["quantiles"] for name, one in parts.items()}
    of_validation = parts.get("val")
    limit = None if of_validation is None else of_validation["quantiles"][-2]
    spoken = [
        _("{part}: median {median}, largest {largest}").format(
            part=name, median=voice.number(line[len(line) // 2], 2), largest=voice.number(line[-1], 2)
        )
        for name, line in lines.items()
    ]
    words = Words(
        alt=_("Distances to the training images.") + " " + "; ".join(spoken) + ".",
        caption=_("Distance to the training images, part by part"),
        help=_(
            "Each line says what share of a part's images lies within a distance. Lines of validation and test that run together "
            "say that both are as unlike the training images; a line far to the right is a part of another kind. Training images "
            "lie nearest, because the network has learned them."
        ),
    )
    return draft.shelf.add("distances", words, lambda f, v: distances.draw(f, v, lines, limit), 5.4, 4.0)


def _count(evidence: Evidence, table: pd.DataFrame | None, far: np.ndarray, voice: Voice) -> str:
    _ = voice.gettext
    if table is None:
        return ""
    if not len(far):
        return _("None of the judged images lies beyond the 99th percentile of validation.")
    text = voice.ngettext(
        "{n} judged image of {m} lies beyond the 99th percentile of validation.",
        "{n} judged images of {m} lie beyond the 99th percentile of validation.",
        len(far),
    ).format(n=voice.integer(len(far)), m=voice.integer(len(table)))
    if evidence.predictions is None or evidence.outlines:
        return text
    wrong = ~evidence.predictions.right
    others = np.delete(np.arange(len(table)), far)
    said = _("Wrong answers: {far} of these {n}, {others} of the other {m}.")
    return f"{text} " + said.format(
        far=voice.integer(int(wrong[far].sum())),
        n=voice.integer(len(far)),
        others=voice.integer(int(wrong[others].sum())),
        m=voice.integer(len(others)),
    )


def _case(draft: Draft, line: pd.Series) -> dict[str, Any]:
    voice = draft.voice
    _ = voice.gettext
    sample, distance = str(line["sample"]), voice.number(float(line[OOD_DISTANCE]), 2)
    answer = ""
    if "predicted" in line and isinstance(line["predicted"], str):
        answer = _("truth {label}, answer {predicted}").format(
            label=str(line["label"]) or _("none"), predicted=line["predicted"] or _("none")
        )
    return {
        "sample": sample,
        "distance": _("{distance} times the validation median").format(distance=distance),
        "answer": answer,
        "uri": draft.album.sample(sample, SIDE),
        "alt": _("Image {sample}, {distance} times as far from the training images as the validation median").format(
            sample=sample, distance=distance
        ),
    }
