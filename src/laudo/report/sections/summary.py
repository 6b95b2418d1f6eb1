"""Summary: the verdict, three figures, the audit's light, and what is wrong with them."""

from __future__ import annotations

from typing import Any

from laudo.report.context import Evidence
from laudo.report.figures import forest
from laudo.report.figures.sheet import Picture, Words
from laudo.report.light import audit_light
from laudo.report.metrics_of_masks import with_unit
from laudo.report.names import METRICS, in_order, metric_name, part_name, short_name
from laudo.report.sections.draft import Draft
from laudo.report.verdict import baseline_sentence, leakage_sentences, verdict, warnings

THREE_OF_TWO_CLASSES = ("auc_roc", "sensitivity", "specificity")
THREE_OF_MORE = ("accuracy", "balanced_accuracy", "f1_macro")
THREE_OF_LABELS = ("auc_roc", "f1_macro", "hamming_accuracy")
THREE_OF_MASKS = ("dice", "hd95_mm", "nsd")
THREE_OF_BOTH = ("dice", "hd95_mm", "accuracy")
OTHER_PARTS = frozenset({"train", "val", "test", "external"})


def build(draft: Draft) -> dict[str, Any]:
    """Content of the first screen."""
    evidence, voice = draft.evidence, draft.voice
    light = audit_light(evidence.audit, voice)
    return {
        "verdict": verdict(evidence, voice),
        "baseline": baseline_sentence(evidence, voice),
        "figures": _three(draft),
        "interval_words": voice.gettext("95 % interval"),
        "light": light,
        "failure": evidence.status if evidence.status.get("state") == "failed" else None,
        "warnings": warnings(evidence, voice),
        "leakage": leakage_sentences(evidence, voice),
        "leakage_figure": _leakage_figure(draft),
        "published": _published(draft),
        "milestones": _milestones(draft),
        "repeats": evidence.recipe.repeats if evidence.recipe else "",
    }


def _three(draft: Draft) -> list[dict[str, str]]:
    evidence, voice = draft.evidence, draft.voice
    result = evidence.result
    if result is None:
        return []
    metrics = result["metrics"]
    names = [
        name for name in (*_wanted(evidence), *in_order(metrics)) if metrics.get(name, {}).get("value") is not None
    ]
    return [
        {
            "name": with_unit(short_name(name, voice), name, evidence.length_unit, voice),
            "value": voice.number(metrics[name]["value"], 2),
            "interval": voice.interval(metrics[name], 2),
        }
        for name in list(dict.fromkeys(names))[:3]
    ]


def _wanted(evidence: Evidence) -> tuple[str, ...]:
    if evidence.outlines:
        return THREE_OF_BOTH if evidence.names_classes else THREE_OF_MASKS
    if evidence.multilabel:
        return THREE_OF_LABELS
    return THREE_OF_TWO_CLASSES if len(evidence.classes) == 2 else THREE_OF_MORE


def _metric_and_part(key: str, headline: str) -> tuple[str, str]:
    """Take ``train_accuracy`` as accuracy of the training part, ``accuracy`` as that of the part that is quoted."""
    part, _underscore, name = key.partition("_")
    return (name, part) if part in OTHER_PARTS and name in METRICS else (key, headline)


def _published(draft: Draft) -> list[dict[str, Any]]:
    """Set published figures beside this run's, with whether they lie in its interval."""
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    rows = []
    published = evidence.recipe.published if evidence.recipe else {}
    for key, value in published.items():
        name, part = _metric_and_part(key, evidence.headline)
        ours = ((evidence.metrics.get(part) or {}).get("metrics") or {}).get(name) or {}
        ends = ours.get("ci95")
        if ours.get("value") is None or not ends or None in ends:
            judged = ""
        elif ends[0] <= value <= ends[1]:
            judged = _("within the interval")
        else:
            judged = _("above the interval") if value > ends[1] else _("below the interval")
        rows.append(
            {
                "name": metric_name(name, voice)
                + (f" ({part_name(part, voice)})" if part != evidence.headline else ""),
                "published": voice.number(value),
                "ours": _cell(ours, draft) if ours else {"value": _("not measured"), "interval": ""},
                "judged": judged,
            }
        )
    return rows


def _milestones(draft: Draft) -> dict[str, Any] | None:
    """Set validation figures at the epochs that the recipe asks for beside each other."""
    voice = draft.voice
    found = [one for one in draft.evidence.metrics.get("milestones") or [] if one.get("metrics")]
    if not found:
        return None
    names = in_order({name for one in found for name in one["metrics"]})[:5]
    return {
        "names": [short_name(name, voice) for name in names],
        "rows": [
            {
                "epoch": voice.integer(one.get("epoch")),
                "part": part_name(str(one.get("part", "")), voice),
                "n": voice.integer(one.get("n")),
                "cells": [_cell(one["metrics"].get(name), draft) for name in names],
            }
            for one in found
        ],
    }


def _cell(metric: dict[str, Any] | None, draft: Draft) -> dict[str, str]:
    return {"value": draft.voice.number((metric or {}).get("value")), "interval": draft.voice.interval(metric)}


def _leakage_figure(draft: Draft) -> Picture | None:
    voice = draft.voice
    _ = voice.gettext
    found = draft.evidence.leakage or {}
    kinds = [_("random split, copies leak"), _("grouped split, copies do not leak")]
    rows: list[forest.Row] = []
    for name in ("accuracy", "auc_roc"):
        for index, kind in enumerate(("random", "grouped")):
            metric = (found.get(kind) or {}).get(name) or {}
            if metric.get("value") is not None:
                ends = metric.get("ci95")
                text = f"{voice.number(metric['value'])}   {voice.interval(metric)}"
                label = short_name(name, voice) if index == 0 else ""
                rows.append(
                    forest.Row(label or " " * len(rows), metric["value"], tuple(ends) if ends else None, index, text)
                )
    if not rows:
        return None
    words = Words(
        alt=" ".join(leakage_sentences(draft.evidence, voice)),
        caption=_("What copies in training and test were worth"),
        help=_(
            "Each dot is the same procedure under one way of dividing the images, the bar is its 95 % interval. The "
            "distance "
            "between the two dots is what leakage adds. Bars may overlap although the paired difference is clear, "
            "because "
            "both are measured on the same images."
        ),
    )
    return draft.shelf.add("leakage", words, lambda f, v: forest.draw(f, v, rows, kinds), 7.2, 0.9 + 0.42 * len(rows))
