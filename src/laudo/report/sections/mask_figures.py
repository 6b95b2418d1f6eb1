"""Figures of the results of masks, with the words around them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from laudo.core.mask_scores import MaskScores
from laudo.report.figures import forest, mask_boxes, mask_order, mask_volumes
from laudo.report.figures.sheet import COLOURS, Picture, Words
from laudo.report.mask_verdict import case_dice
from laudo.report.metrics_of_masks import size_unit, unit
from laudo.report.names import short_name
from laudo.report.sections.draft import Draft

OF_FOREST = ("dice", "iou", "nsd", "voxel_sensitivity", "voxel_precision", "lesion_sensitivity")
"""Shares of which more is better."""

MOST_BOXES = 12
"""Structures or folds that are drawn."""


def mask_figures(draft: Draft, result: dict[str, Any]) -> list[Picture]:
    """Every figure that the numbers allow, in reading order."""
    found: list[Picture | None] = [structure_forest(draft, result)]
    scores = draft.evidence.scores
    if scores is not None and len(scores):
        found += [
            metric_boxes(draft, scores, "dice"),
            metric_boxes(draft, scores, "hd95_mm"),
            sorted_dice(draft, scores),
            volumes(draft, scores),
            fold_boxes(draft, scores),
        ]
    return [picture for picture in found if picture is not None]


def structure_forest(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Metrics of each structure with their intervals."""
    voice = draft.voice
    _ = voice.gettext
    found = dict(list((result.get("per_class") or {}).items())[:MOST_BOXES])
    rows: list[forest.Row] = []
    for metric in OF_FOREST:
        named = False
        for kind, one in enumerate(found.values()):
            entry = one.get(metric) or {}
            if entry.get("value") is None:
                continue
            ends = entry.get("ci95")
            text = f"{voice.number(entry['value'])}   {voice.interval(entry)}"
            label = "" if named else short_name(metric, voice)  # one name for all rows of a metric
            rows.append(forest.Row(label, entry["value"], tuple(ends) if ends else None, kind, text))
            named = True
    if not rows:
        return None
    kinds = list(found) if len(found) > 1 else []
    spoken = [
        f"{short_name(metric, voice)}: "
        + ", ".join(f"{name} {voice.number((one.get(metric) or {}).get('value'))}" for name, one in found.items())
        for metric in OF_FOREST
    ]
    words = Words(
        alt=_("Metrics of each structure with 95 % intervals.") + " " + "; ".join(spoken) + ".",
        caption=_("Each structure with its 95 % intervals"),
        help=_(
            "The dot is what was measured, the bar is where the value would plausibly lie if other groups of the same kind had "
            "been drawn. Sensitivity well below precision means that the structure is outlined too small, the other way round "
            "too large."
        ),
    )
    height = 0.7 + 0.26 * len(rows) + (0.25 if kinds else 0)
    return draft.shelf.add("structures", words, lambda f, v: forest.draw(f, v, rows, kinds, chance=False), 7.2, height)


def metric_boxes(draft: Draft, scores: MaskScores, metric: str) -> Picture | None:
    """A box a structure, with the cases."""
    voice = draft.voice
    _ = voice.gettext
    values = scores.matrix(metric)
    failed = scores.missed | scores.invented
    boxes = []
    for index, name in enumerate(scores.structures[:MOST_BOXES]):
        known = np.isfinite(values[:, index])
        boxes.append(mask_boxes.Box(name, values[known, index], failed[known, index], index))
    if not any(len(box.values) for box in boxes):
        return None
    share = metric == "dice"
    digits = 2 if share else 1
    own = unit(metric, draft.evidence.length_unit, voice)
    title = short_name(metric, voice) + (f" ({own})" if own else "")
    spoken = [
        _("{name}: median {median}, half of the cases between {low} and {high}, worst {worst} (n = {n})").format(
            name=box.label,
            **_quartiles(box.values, draft, digits),
            worst=voice.number(float(box.values.min() if share else box.values.max()), digits),
            n=voice.integer(len(box.values)),
        )
        for box in boxes
        if len(box.values)
    ]
    words = Words(
        alt=_("Boxes of {metric} by structure.").format(metric=title) + " " + "; ".join(spoken) + ".",
        caption=_("{metric} of every case, by structure").format(metric=title),
        help=_(
            "Each point is a case. The box holds the middle half of them, the thick line is the median, the whiskers reach to the "
            "last case within one and a half boxes. Crosses are structures that were missed or invented: they count with the worst "
            "value that the rules give."
        ),
    )
    draw = partial(mask_boxes.draw, boxes=boxes, axis=title, share=share)
    return draft.shelf.add(f"boxes-{metric.split('_')[0]}", words, draw, 5.6, 1.15 + 0.6 * len(boxes))


def _quartiles(values: np.ndarray, draft: Draft, digits: int) -> dict[str, str]:
    low, median, high = np.percentile(values, [25, 50, 75])
    numbers = {"low": low, "median": median, "high": high}
    return {name: draft.voice.number(float(value), digits) for name, value in numbers.items()}


def sorted_dice(draft: Draft, scores: MaskScores) -> Picture | None:
    """Every case by its Dice."""
    voice = draft.voice
    _ = voice.gettext
    values = scores.matrix("dice")
    curves = [
        (name, values[np.isfinite(values[:, index]), index])
        for index, name in enumerate(scores.structures[:MOST_BOXES])
        if np.isfinite(values[:, index]).any()
    ]
    mean = case_dice(scores)
    mean = mean[np.isfinite(mean)]
    if not curves:
        return None
    levels = (0.9, 0.8, 0.5)
    spoken = [
        _("{n} of {m} cases reach {level}").format(
            n=voice.integer(int((mean >= level).sum())), m=voice.integer(len(mean)), level=voice.number(level, 1)
        )
        for level in levels
    ]
    words = Words(
        alt=_("Curve of Dice over the cases, the worst first.") + " " + "; ".join(spoken) + ".",
        caption=_("Dice of every case, the worst first") + ": " + "; ".join(spoken),
        help=_(
            "Cases from left to right by their Dice; each structure is sorted on its own. A steep start shows that a few cases "
            "fail badly, which a mean hides; a flat curve that all are alike. The dotted line is the median."
        ),
    )
    draw = partial(mask_order.draw, curves=curves, mean=mean)
    return draft.shelf.add("sorted", words, draw, 5.6, 3.4)


def volumes(draft: Draft, scores: MaskScores) -> Picture | None:
    """Predicted against true volume, and Bland and Altman's plot."""
    voice = draft.voice
    _ = voice.gettext
    true, predicted = scores.matrix("true_volume_mm3"), scores.matrix("volume_mm3")
    of = []
    for index, name in enumerate(scores.structures[: len(COLOURS)]):
        there = true[:, index] > 0
        if there.any():
            of.append(mask_volumes.Volumes(name, true[there, index], predicted[there, index]))
    if not of:
        return None
    of, own = mask_volumes.in_millilitres(of, size_unit(draft.evidence, voice))
    digits = 1 if max(float(one.true.max()) for one in of) >= 20 else 2
    spoken = []
    for one in of:
        found = mask_volumes.agreement(one)
        if found is not None:
            spoken.append(
                _("{name}: mean difference {bias} {unit}, limits of agreement {low} to {high}").format(
                    name=one.name,
                    bias=voice.number(found.bias, digits),
                    unit=own,
                    low=voice.number(found.low, digits),
                    high=voice.number(found.high, digits),
                )
            )
    agreed = "; ".join(spoken)
    words = Words(
        alt=_("Predicted against true size, and the difference of both over their mean.")
        + (f" {agreed}." if agreed else ""),
        caption=_("Predicted and true size") + (f": {agreed}" if agreed else ""),
        help=_(
            "Left: on the dotted line both are equal, below it the structure is outlined too small. Right: a full line is the mean "
            "difference of a structure, 95 % of its cases should lie between the dashed lines. A slope shows that large "
            "structures are judged otherwise than small ones. Only cases that have the structure are drawn."
        ),
    )
    return draft.shelf.add("volumes", words, partial(mask_volumes.draw, of=of, unit=own), 8.6, 3.7)


def fold_boxes(draft: Draft, scores: MaskScores) -> Picture | None:
    """A box a fold, of a cross-validation."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if not evidence.is_cross_validation or evidence.manifest is None:
        return None
    folds = dict(zip(evidence.manifest.table["sample"].astype(str), evidence.manifest.table["fold"], strict=True))
    own = np.array([int(folds.get(str(sample), 0)) for sample in scores.table["sample"]])
    dice = case_dice(scores)
    failed = (scores.missed | scores.invented).any(axis=1)
    boxes = []
    for number in sorted(set(own[own > 0].tolist()))[:MOST_BOXES]:
        which = (own == number) & np.isfinite(dice)
        boxes.append(mask_boxes.Box(_("fold {n}").format(n=number), dice[which], failed[which], 0))
    if len(boxes) < 2:
        return None
    spoken = [
        f"{box.label}: {voice.number(float(np.median(box.values)), 2)} (n = {voice.integer(len(box.values))})"
        for box in boxes
        if len(box.values)
    ]
    words = Words(
        alt=_("Boxes of Dice by fold; medians:") + " " + "; ".join(spoken) + ".",
        caption=_("Dice of every case, by fold"),
        help=_(
            "Each point is a case, judged by the model of its fold. Boxes that lie far apart show that the figures depend on which "
            "cases a model was trained on."
        ),
    )
    draw = partial(mask_boxes.draw, boxes=boxes, axis=_("Dice"), share=True)
    return draft.shelf.add("folds", words, draw, 5.6, 1.15 + 0.5 * len(boxes))
