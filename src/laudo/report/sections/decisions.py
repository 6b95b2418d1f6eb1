"""Calibration and decisions: whether probabilities can be taken at their word, and what acting on them would be worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from laudo.evaluate.decision_curve import worth_acting
from laudo.report.context import Evidence
from laudo.report.figures import decision
from laudo.report.figures.sheet import Picture, Words
from laudo.report.names import metric_name
from laudo.report.sections.draft import AbsentError, Draft
from laudo.report.sections.mask_results import of_label
from laudo.report.sections.operating_point import operating_table
from laudo.report.sections.result_figures import reliability_diagram
from laudo.report.verdict import no_result
from laudo.report.voice import Voice

SMALL_P = 0.05
MOST_CURVES = 9
"""Labels whose decision curve is drawn; metrics.json has all."""
MOST_RANGES = 3
SCALED = ("ece", "brier", "log_loss")


def build(draft: Draft) -> dict[str, Any]:
    """Sentences, tables and figures of the headline part."""
    if draft.evidence.outlines:
        draft = Draft(of_label(draft.evidence), draft.voice, draft.album, draft.shelf)
    evidence, voice = draft.evidence, draft.voice
    _ = voice.gettext
    result = evidence.result
    if result is None:
        if evidence.outlines:
            raise AbsentError(
                _("The network outlines structures and names no class, so there are no probabilities to judge.")
            )
        raise AbsentError(no_result(evidence, voice))
    return {
        "reliability": reliability_diagram(draft, result),
        "calibration": calibration_sentences(result, voice),
        "scaling": _scaling(result, evidence, voice),
        "operating": operating_table(result, draft),
        "curve": _curve(draft, result),
        "worth": _worth(result, voice),
    }


def calibration_sentences(result: dict[str, Any], voice: Voice) -> list[str]:
    """The calibration error, how much of it may be bias, and whether chance explains it."""
    _ = voice.gettext
    found = result.get("calibration")
    if not found:
        return []
    chance, p = found["by_chance"], found["p_value"]
    text = _(
        "The calibration error is {error}. Even a perfectly calibrated model would show about {chance} on as many images in as "
        "many groups, because gaps in either direction add up: so much of the error, at most, is bias."
    )
    if voice.interval(chance):
        text = _(
            "The calibration error is {error}. Even a perfectly calibrated model would show about {chance} on as many images in as "
            "many groups ({range} in 95 % of {n} simulated ones), because gaps in either direction add up: so much of the error, "
            "at most, is bias."
        )
    sentences = [
        text.format(
            error=voice.estimate(found["ece"]),
            chance=voice.number(chance["value"]),
            range=voice.interval(chance),
            n=voice.integer(chance["simulations"]),
        )
    ]
    if p is not None:
        verdict = (
            _("So large an error is hardly chance (p = {p}): the probabilities should not be taken at their word.")
            if p < SMALL_P
            else _("These images do not contradict probabilities that can be taken at their word (p = {p}).")
        )
        sentences.append(verdict.format(p=voice.number(p)))
    return sentences


def _scaling(result: dict[str, Any], evidence: Evidence, voice: Voice) -> dict[str, Any] | None:
    """The temperature, and what it changed; None where the recipe asks for none."""
    _ = voice.gettext
    found = result.get("calibration") or {}
    temperatures, before, change = found.get("temperatures"), found.get("before"), found.get("change")
    if not temperatures or not before or not change:
        return None
    rows = [
        {
            "name": metric_name(name, voice),
            "cells": [
                {"value": voice.number(one["value"]), "interval": voice.interval(one)}
                for one in (before["metrics"][name], result["metrics"][name], change[name])
            ],
        }
        for name in SCALED
    ]
    return {"sentences": _temperature_sentences(temperatures, evidence, voice), "rows": rows}


def _temperature_sentences(temperatures: list[dict[str, Any]], evidence: Evidence, voice: Voice) -> list[str]:
    _ = voice.gettext
    together = evidence.recipe is not None and evidence.recipe.training.ensemble > 1
    sentences = []
    if len(temperatures) > 1:
        values = [one["temperature"] for one in temperatures]
        text = _(
            "Each fold's answers were scaled by the temperature that fits its own validation part best, from {low} to {high}."
        )
        sentences.append(text.format(low=voice.number(min(values), 2), high=voice.number(max(values), 2)))
    else:
        (one,) = temperatures
        estimate = voice.estimate({"value": one["temperature"], "ci95": one["ci95"]}, 2)
        text = (
            _(
                "The answers were scaled by a temperature of {estimate}, found on {n} out of fold: each image's answer there is "
                "that of the one network which has not seen it. The mean of all networks, which is scaled by it, may be less sure "
                "of itself than one network is."
            )
            if together
            else _("The answers were scaled by a temperature of {estimate}, found on the validation part ({n}).")
        )
        sentences.append(text.format(estimate=estimate, n=voice.images(int(one["n"]))))
    kept = {one["rule"] for one in temperatures} - {"validation"}
    if "no_error" in kept:
        sentences.append(
            _(
                "Where no validation answer was wrong, no temperature would have been low enough; 1 was kept, which changes "
                "nothing."
            )
        )
    if "no_better" in kept:
        sentences.append(
            _("Where the validation answers were no better than chance, 1 was kept, which changes nothing.")
        )
    sentences.append(
        _(
            "Above 1 a temperature makes the answers less sure of themselves, below 1 more; the order of the classes stays."
        )
    )
    return sentences


def _curve(draft: Draft, result: dict[str, Any]) -> Picture | None:
    """Decision curve of the positive class, or of each label."""
    voice = draft.voice
    _ = voice.gettext
    curves = dict(list((result.get("decision_curve") or {}).items())[:MOST_CURVES])
    if not curves:
        return None
    threshold = result.get("threshold")
    spoken = []
    for name, curve in curves.items():
        index = _nearest(curve, threshold)
        text = _("“{name}”: acting from {at} on, the model {model}, every image {everybody}")
        spoken.append(
            text.format(
                name=name,
                at=voice.percent(curve["thresholds"][index]),
                model=voice.number(curve["model"]["value"][index]),
                everybody=voice.number(curve["all"]["value"][index]),
            )
        )
    words = Words(
        alt=_("Decision curves; net benefit an image.") + " " + "; ".join(spoken) + ".",
        caption=_("Decision curve: what acting on the answers would be worth"),
        help=_(
            "Whoever acts from a probability of 20 % on says that one case found is worth four false alarms. The curve counts, for "
            "each such choice, the cases found less the false alarms, paid for at that price. Where it lies above both other "
            "lines, following the model is better than acting on every image and better than acting on none. The intervals hold "
            "point by point. The curve takes the probabilities as they are, and the share of positive images as it is in this set."
        ),
    )
    wide = len(curves) > 1
    rows = -(-len(curves) // decision.COLUMNS)
    size = (7.2, 0.8 + 2.3 * rows) if wide else (5.4, 4.3)
    return draft.shelf.add("decision-curve", words, lambda f, v: decision.draw(f, v, curves, threshold), *size)


def _worth(result: dict[str, Any], voice: Voice) -> list[dict[str, Any]]:
    """Two sentences for each curve: at one threshold in whole cases, and where the model is better than its alternatives."""
    _ = voice.gettext
    found = []
    for name, curve in (result.get("decision_curve") or {}).items():
        index = _nearest(curve, result.get("threshold"))
        text = _(
            "Acting from a probability of {at} on, following the model is worth {model} images of “{name}” found in 100 without a "
            "false alarm; acting on every image would be worth {everybody}."
        )
        one = text.format(
            at=voice.percent(curve["thresholds"][index]),
            model=_per_hundred(curve["model"], index, voice),
            everybody=_per_hundred(curve["all"], index, voice),
            name=name,
        )
        found.append({"name": name, "sentences": [one, _where(curve, voice)]})
    return found


def _where(curve: dict[str, Any], voice: Voice) -> str:
    _ = voice.gettext
    ranges = sorted(worth_acting(curve), key=lambda ends: ends[0] - ends[1])[:MOST_RANGES]
    if not ranges:
        return _(
            "At no threshold is it shown to be better than acting on every image and on none: intervals hold zero."
        )
    written = [
        voice.percent(low)
        if low == high
        else _("{low} to {high}").format(low=voice.percent(low), high=voice.percent(high))
        for low, high in sorted(ranges)
    ]
    text = _("By its interval it is better than acting on every image and better than acting on none from {ranges}.")
    return text.format(ranges=voice.join(written))


def _per_hundred(entry: dict[str, Any], index: int, voice: Voice) -> str:
    ends = entry["ci95"]
    scaled = {
        "value": 100 * entry["value"][index],
        "ci95": None if ends is None else [100 * end for end in ends[index]],
    }
    return voice.estimate(scaled, 1)


def _nearest(curve: dict[str, Any], threshold: float | None) -> int:
    """Index of the threshold that was used, or of one half."""
    return int(np.abs(np.asarray(curve["thresholds"]) - (0.5 if threshold is None else threshold)).argmin())
