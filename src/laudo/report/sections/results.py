"""Results: every figure with its n and interval, and what lies behind them."""

from __future__ import annotations

from typing import Any

from laudo.evaluate.notes import note_sentence
from laudo.report.names import METRICS, in_order, metric_help, metric_name, part_name, short_name
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.sections.result_figures import result_figures
from laudo.report.sections.sides import sides_table
from laudo.report.verdict import no_result

OTHER_PARTS = ("external", "test", "val", "train")
PER_CLASS = ("precision", "sensitivity", "specificity", "f1", "auc_roc", "auc_pr", "brier")


def build(draft: Draft) -> dict[str, Any]:
    """Tables and figures of the headline part, then the other parts beside it."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    result = evidence.result
    if result is None:
        raise AbsentError(no_result(evidence, voice))
    return {
        "intro": _("Judged on {images} of {groups} ({part}).").format(
            images=voice.images(int(result.get("n") or 0)),
            groups=voice.groups(int(result.get("groups") or 0)),
            part=part_name(evidence.headline, voice),
        ),
        "threshold": _threshold(draft),
        "interval_words": _("95 % interval"),
        "metrics": [_metric_row(name, result["metrics"][name], draft) for name in in_order(result["metrics"])],
        "n": voice.integer(result.get("n")),
        "help": [
            {
                "name": metric_name(name, voice),
                "help": metric_help(name, len(evidence.classes), voice, evidence.multilabel),
            }
            for name in in_order(result["metrics"])
            if name in METRICS
        ],
        "per_class": _per_class(result, draft),
        "figures": result_figures(draft, result),
        "sides": sides_table(draft),
        "folds": _folds(draft),
        "others": _others(draft),
        "notes": note_sentences(result, draft),
    }


def _metric_row(name: str, metric: dict[str, Any], draft: Draft) -> dict[str, Any]:
    voice = draft.voice
    return {
        "name": metric_name(name, voice),
        "value": voice.number(metric.get("value")),
        "interval": voice.interval(metric) or "–",
    }


def _per_class(result: dict[str, Any], draft: Draft) -> dict[str, Any] | None:
    voice = draft.voice
    found = result.get("per_class") or {}
    names = [name for name in PER_CLASS if any(name in one for one in found.values())]
    if not names:
        return None
    rows = []
    for label, one in found.items():
        cells = [
            {"value": voice.number((one.get(k) or {}).get("value")), "interval": voice.interval(one.get(k))}
            for k in names
        ]
        rows.append({"name": label, "n": voice.integer(one.get("n")), "cells": cells})
    columns = [short_name(name, voice) for name in names]
    if draft.evidence.multilabel:
        return _per_label(result, columns, rows, draft)
    _ = voice.gettext
    return {
        "title": _("By class"),
        "summary": _("Each class against the rest"),
        "head": _("Class"),
        "n": "n",
        "columns": columns,
        "rows": rows,
    }


def _per_label(result: dict[str, Any], columns: list[str], rows: list[dict[str, Any]], draft: Draft) -> dict[str, Any]:
    """The table of labels: with each one's threshold, and the means below."""
    voice = draft.voice
    _ = voice.gettext
    thresholds = result.get("thresholds") or {}
    for row in rows:
        row["cells"].insert(0, {"value": voice.number(thresholds.get(row["name"]), 2), "interval": ""})
    found = result["metrics"]
    keys = ("precision", "sensitivity", "specificity", "f1_macro", "auc_roc", "auc_pr", "brier")
    means = [
        {"value": voice.number((found.get(k) or {}).get("value")), "interval": voice.interval(found.get(k))}
        for k in keys
    ]
    total = {"name": _("mean over labels"), "n": "", "cells": [{"value": "", "interval": ""}, *means]}
    return {
        "title": _("By label"),
        "summary": _("Each label on its own"),
        "head": _("Label"),
        "n": _("images that have it"),
        "columns": [_("Threshold"), *columns],
        "rows": [*rows, total],
    }


def _threshold(draft: Draft) -> str:
    """Where the cut between the two classes is, and how it was chosen."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    if evidence.multilabel:
        return _("Each label has a threshold of its own; an image may be called by several, or by none.")
    if evidence.positive is None:
        return _("The class with the largest probability is the model's answer.") if evidence.classes else ""
    threshold = (evidence.result or {}).get("threshold")
    rule = evidence.threshold_rule
    reasons = {
        "validation": _("it was chosen on the validation part, where it gave the best balanced accuracy"),
        "half": _("it is the usual one half, and was not tuned"),
        "sensitivity": _("it was chosen on the validation part, where it reached the sensitivity that was wanted"),
        "specificity": _("it was chosen on the validation part, where it reached the specificity that was wanted"),
        "fallback": _("it is one half, because no cut on the validation part was better than chance"),
    }
    if evidence.recipe is not None and evidence.recipe.training.ensemble > 1:
        reasons["validation"] = _(
            "it was chosen on the answers out of fold of the images trained on, where it gave the best balanced accuracy"
        )
    if threshold is None:
        if evidence.predictions is None:
            return ""
        used = evidence.predictions.table["threshold"].dropna().unique()
        if len(used) < 2:
            return ""
        text = (
            _(
                "Each fold has a threshold of its own, from {low} to {high}, chosen on its validation part, or one half "
                "where no cut was better than chance."
            )
            if rule == "mixed"
            else _("Each fold has a threshold of its own, from {low} to {high}, chosen on its validation part.")
        )
        return text.format(low=voice.number(float(min(used))), high=voice.number(float(max(used))))
    text = _("“{positive}” is called from a probability of {threshold} on").format(
        positive=evidence.positive, threshold=voice.number(threshold)
    )
    return f"{text}; {reasons[rule]}." if rule is not None and rule in reasons else f"{text}."


def _folds(draft: Draft) -> dict[str, Any] | None:
    """Each fold's figures with mean and spread."""
    voice = draft.voice
    found = draft.evidence.metrics.get("folds")
    if not isinstance(found, dict) or not found:
        return None
    names = in_order(found)
    count = max(len(found[name].get("values") or []) for name in names)
    rows = [
        {
            "name": metric_name(name, voice),
            "mean": voice.number(found[name].get("mean")),
            "std": voice.number(found[name].get("std")),
            "values": [voice.number(value) for value in found[name].get("values") or []],
        }
        for name in names
    ]
    return {"rows": rows, "count": count}


def _others(draft: Draft) -> dict[str, Any] | None:
    """Set the same figures of the other parts beside them: a wide gap to training is over-fitting."""
    evidence, voice = draft.evidence, draft.voice
    shown = [evidence.headline, *[part for part in OTHER_PARTS if part != evidence.headline]]
    parts = [(part, evidence.metrics[part]) for part in shown if (evidence.metrics.get(part) or {}).get("metrics")]
    if len(parts) < 2:
        return None
    names = in_order({name for _part, one in parts for name in one["metrics"]})
    return {
        "columns": [f"{part_name(part, voice)} (n = {voice.integer(one.get('n'))})" for part, one in parts],
        "rows": [
            {
                "name": metric_name(name, voice),
                "cells": [
                    {
                        "value": voice.number(one["metrics"].get(name, {}).get("value")),
                        "interval": voice.interval(one["metrics"].get(name)),
                    }
                    for _part, one in parts
                ],
            }
            for name in names
        ],
    }


def note_sentences(result: dict[str, Any], draft: Draft) -> list[str]:
    """The notes beside the figures, as sentences."""
    sentences = []
    for note in result.get("notes") or []:
        if isinstance(note, dict) and note.get("id") in {"thresholds_differ", "ece_by_chance"}:
            continue  # the sentences on the threshold, and on calibration, say it already
        try:
            sentences.append(note_sentence(note, draft.voice.gettext, draft.voice.number))
        except (KeyError, TypeError):
            # A note of another version of laudo: shown as it stands rather than kept from the reader.
            sentences.append(str(note))
    return sentences
