"""Figures of the results, with the words around them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from laudo.report.figures import confusion, forest, probabilities, ranking, reliability
from laudo.report.figures.sheet import Picture, Words
from laudo.report.names import LOWER_IS_BETTER, in_order, short_name
from laudo.report.sections.draft import Draft


def result_figures(draft: Draft, result: dict[str, Any]) -> list[Picture]:
    """Every figure that the numbers allow, in reading order."""
    makers = (metric_forest, confusion_matrix, roc, precision_recall, score_histogram)
    pictures = [make(draft, result) for make in makers]
    return [picture for picture in pictures if picture is not None]


def metric_forest(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Metrics where more is better, with their intervals."""
    voice = draft.voice
    _ = voice.gettext
    rows = []
    for name in in_order(result["metrics"]):
        metric = result["metrics"][name]
        if name in LOWER_IS_BETTER or metric.get("value") is None:
            continue
        ends = metric.get("ci95")
        known = ends and None not in ends
        text = f"{voice.number(metric['value'])}   {voice.interval(metric)}"
        rows.append(forest.Row(short_name(name, voice), metric["value"], tuple(ends) if known else None, 0, text))
    if not rows:
        return None
    words = Words(
        alt=_("Metrics with 95 % intervals.") + " " + "; ".join(f"{row.label} {row.text}" for row in rows) + ".",
        caption=_("Metrics with their 95 % intervals"),
        help=_(
            "The dot is what was measured; the bar is where the value would plausibly lie if other groups of the same "
            "kind had "
            "been drawn. Two models whose bars overlap widely are not told apart by this test set."
        ),
    )
    return draft.shelf.add("metrics", words, lambda f, v: forest.draw(f, v, rows, []), 7.2, 0.6 + 0.34 * len(rows))


def confusion_matrix(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Draw counts of every truth and answer."""
    voice = draft.voice
    _ = voice.gettext
    found = result.get("confusion") or {}
    classes, matrix = found.get("classes") or [], np.asarray(found.get("matrix") or [], dtype=float)
    if not len(classes) or matrix.shape != (len(classes), len(classes)):
        return None
    spoken = [
        _("of {n} images of “{name}”, {answers}").format(
            n=voice.integer(float(row.sum())),
            name=name,
            answers=", ".join(
                _("{n} called “{name}”").format(n=voice.integer(float(count)), name=answer)
                for answer, count in zip(classes, row, strict=True)
            ),
        )
        for name, row in zip(classes, matrix, strict=True)
    ]
    words = Words(
        alt=_("Confusion matrix:") + " " + "; ".join(spoken[:12]) + ".",
        caption=_("Confusion matrix"),
        help=_(
            "Rows are the truth, columns what the model answered; right answers are on the diagonal. The percentages "
            "are of each "
            "row: of all images of a class, the share that got that answer."
        ),
    )
    side = 3.6 if len(classes) <= 3 else min(8.0, 2.4 + 0.5 * len(classes))
    return draft.shelf.add("confusion", words, lambda f, v: confusion.draw(f, v, classes, matrix), side, side)


def _drawn_classes(draft: Draft, curves: dict[str, Any]) -> list[str]:
    """Choose the positive class alone where there are two: the other one's curve says the same."""
    positive = draft.evidence.positive
    return [positive] if positive in curves else list(curves)[:8]


def roc(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """ROC curve of the positive class, or of each class against the rest."""
    voice = draft.voice
    _ = voice.gettext
    found = (result.get("curves") or {}).get("roc") or {}
    curves = []
    for name in _drawn_classes(draft, found):
        one = found[name]
        area = (result["metrics"] if draft.evidence.positive else result["per_class"].get(name, {})).get("auc_roc")
        label = _("AUC {value}").format(value=voice.number((area or {}).get("value")))
        curves.append(ranking.Curve(f"{name}: {label}", one["fpr"], one["tpr"]))
    if not curves:
        return None
    positive = draft.evidence.positive
    metrics = result["metrics"]
    specificity, sensitivity = ((metrics.get(name) or {}).get("value") for name in ("specificity", "sensitivity"))
    point = None
    if positive and result.get("threshold") is not None and specificity is not None and sensitivity is not None:
        point = (1 - specificity, sensitivity)
    spoken = _("AUC {value}").format(value=voice.estimate(metrics.get("auc_roc")))
    read = _(
        "Each point is one threshold: upwards, more of the finding is found; to the right, more false alarms. A curve "
        "in the upper left corner is good, the dotted diagonal is guessing."
    )
    if point is not None:
        read += " " + _("The diamond is the threshold that was used.")
    words = Words(
        alt=_("ROC curve.") + " " + spoken + ". " + "; ".join(curve.label for curve in curves) + ".",
        caption=_("ROC curve: {area}").format(area=spoken),
        help=read,
    )
    return draft.shelf.add("roc", words, lambda f, v: ranking.draw_roc(f, v, curves, point), 4.3, 4.3)


def precision_recall(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Precision against recall."""
    voice = draft.voice
    _ = voice.gettext
    found = (result.get("curves") or {}).get("pr") or {}
    curves = [
        ranking.Curve(name, found[name]["recall"], found[name]["precision"]) for name in _drawn_classes(draft, found)
    ]
    if not curves:
        return None
    positive = draft.evidence.positive
    share = None
    if positive and result.get("n"):
        count = ((result.get("per_class") or {}).get(positive) or {}).get("n")
        share = None if count is None else count / result["n"]
    read = [_("To the right, more of the finding is found; upwards, more of the alarms are true.")]
    if share is not None:
        read.append(
            _("The dotted line is what calling everything positive gives: the share of positive images."),
        )
    read.append(_("Where the finding is rarer, the whole curve is lower."))
    area = voice.estimate((result["metrics"] or {}).get("auc_pr"))
    words = Words(
        alt=_("Curve of precision against recall for: {names}. Area {area}.").format(
            names=", ".join(curve.label for curve in curves), area=area
        ),
        caption=_("Precision and recall: area {area}").format(area=area),
        help=" ".join(read),
    )
    return draft.shelf.add(
        "precision-recall", words, lambda f, v: ranking.draw_precision_recall(f, v, curves, share), 4.3, 4.3
    )


def reliability_diagram(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Observed share against predicted probability; before a temperature scaled it too, where one did."""
    voice = draft.voice
    _ = voice.gettext
    bins = (result.get("curves") or {}).get("reliability") or []
    if not bins:
        return None
    positive = draft.evidence.positive
    axis = _("Predicted probability of {name}").format(name=positive) if positive else _("Confidence of the answer")
    if draft.evidence.multilabel:
        axis = _("Predicted probability of a label")
    spoken = [
        _("predicted {predicted}, observed {observed} (n = {n})").format(
            predicted=voice.number(one["confidence"], 2),
            observed=voice.number(one["observed"], 2),
            n=voice.integer(one["n"]),
        )
        for one in bins
    ]
    words = Words(
        alt=_("Reliability diagram:") + " " + "; ".join(spoken) + ".",
        caption=_("Reliability: calibration error {value}").format(
            value=voice.estimate((result["metrics"] or {}).get("ece"))
        ),
        help=_(
            "Images are put in bins by predicted probability; each dot says how often it came true. On the diagonal, "
            "probabilities "
            "can be taken at their word; below it the model is too sure. The bars below are how many images a bin "
            "holds: a bin "
            "with few has a wide interval."
        ),
    )
    before = ((result.get("calibration") or {}).get("before") or {}).get("reliability")
    width = 5.4 if before else 4.3
    return draft.shelf.add("reliability", words, lambda f, v: reliability.draw(f, v, bins, axis, before), width, 4.6)


def score_histogram(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Scores of the two classes around the threshold."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    predictions = evidence.predictions
    if predictions is None or len(predictions.classes) != 2 or predictions.multilabel:
        return None
    scores, truth = predictions.probabilities[:, 1], predictions.truth
    threshold = result.get("threshold")
    medians = [
        _("median {value} in images of “{name}”").format(
            value=voice.number(float(np.median(scores[truth == k])), 2), name=name
        )
        for k, name in enumerate(predictions.classes)
        if (truth == k).any()
    ]
    words = Words(
        alt=_("Histograms of the predicted probability of “{name}”").format(name=predictions.classes[1])
        + ": "
        + "; ".join(medians)
        + ".",
        caption=_("Predicted probabilities by true class"),
        help=_(
            "The upper half holds images that have the finding: what lies left of the dashed line was missed. The "
            "lower half holds those without it: what lies right of the line is a false alarm. Two heaps far apart "
            "make the threshold easy."
        )
        if threshold is not None
        else _(
            "The upper half holds images that have the finding, the lower half those without it. No line is drawn, "
            "because there is no one threshold. Two heaps far apart make any threshold easy."
        ),
    )
    draw = partial(probabilities.draw, classes=predictions.classes, positive=scores, truth=truth, threshold=threshold)
    return draft.shelf.add("probabilities", words, draw, 4.3, 4.6)
