"""Notes beside the figures: stored as facts, made into sentences in the reader's language when they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from laudo.core.predictions import Predictions
from laudo.evaluate.calibration import ece_of_perfect
from laudo.evaluate.cases import POSITIVE, Cases
from laudo.evaluate.classification import Key
from laudo.evaluate.intervals import Interval
from laudo.evaluate.label_cases import LabelCases
from laudo.evaluate.mask_notes import MASK_SENTENCES, mask_metric_name

Note = dict[str, Any]
"""``{"id": …}`` and facts; the ids are the keys of :data:`SENTENCES`."""

Translate = Callable[[str], str]

Number = Callable[[float, int], str]
"""Writes a number with so many decimals."""

DECIMALS: dict[str, dict[str, int]] = {"thresholds_differ": {"low": 2, "high": 2}, "ece_by_chance": {"expected": 3}}
"""Facts of notes that are shown as decimal numbers, and with how many decimals."""

MANY_DROPPED = 0.05
"""Share of resamples without a value from which a note says so."""


def collect_notes(
    predictions: Predictions,
    cases: Cases | LabelCases,
    values: dict[Key, float],
    found: dict[Key, Interval],
    bootstrap: int,
) -> list[Note]:
    """Everything a reader must know about the figures of one part."""
    if isinstance(cases, LabelCases):
        notes = [{"id": "all_labels"}, *_about_labels(predictions.classes, cases)]
    else:
        notes = [*_about_classes(predictions.classes, cases, values), *_about_threshold(predictions)]
    if cases.unknown_groups:
        notes.append({"id": "groups_unknown", "n": cases.unknown_groups})
    if bootstrap:
        notes += about_intervals(predictions.classes, found, values)
    value, chance = values["ece", None], ece_of_perfect(cases.confidence, cases.bins)
    if value <= 2 * chance:
        notes.append({"id": "ece_by_chance", "n": len(cases), "expected": chance})
    return notes


def _about_classes(classes: tuple[str, ...], cases: Cases, values: dict[Key, float]) -> list[Note]:
    notes: list[Note] = []
    present = set(cases.present.tolist())
    undefined = [name for (name, index), value in values.items() if index is None and not np.isfinite(value)]
    if len(present) == 1:
        notes.append({"id": "one_class", "class": classes[present.pop()], "metrics": undefined})
        return notes
    absent = [name for index, name in enumerate(classes) if index not in present]
    if absent:
        notes.append({"id": "class_absent", "classes": absent})
    never = [classes[index] for index in cases.present if not (cases.decided == index).any()]
    if cases.n_classes == 2 and classes[POSITIVE] in never:
        notes.append({"id": "positive_never_called", "class": classes[POSITIVE]})
    elif cases.n_classes > 2 and never:
        notes.append({"id": "never_called", "classes": never})
    return notes


def _about_labels(classes: tuple[str, ...], cases: LabelCases) -> list[Note]:
    """Labels that no sample has, that every sample has, and those that were never called."""
    having, called = cases.truth.sum(axis=0), cases.decided.sum(axis=0)
    named = {
        "label_absent": [name for name, n in zip(classes, having, strict=True) if n == 0],
        "label_everywhere": [name for name, n in zip(classes, having, strict=True) if n == len(cases)],
        "never_called": [classes[index] for index in cases.present if not called[index]],
    }
    return [{"id": note, "classes": names} for note, names in named.items() if names]


def _about_threshold(predictions: Predictions) -> list[Note]:
    used = predictions.table["threshold"].dropna().unique()
    if len(used) < 2:
        return []
    return [{"id": "thresholds_differ", "low": float(used.min()), "high": float(used.max())}]


def about_intervals(classes: tuple[str, ...], found: dict[Key, Interval], values: dict[Key, float]) -> list[Note]:
    """Intervals that are missing, exact, or made from a part of the resamples."""

    def facts(key: Key) -> Note:
        name, index = key
        return {"metric": name, "class": None if index is None else classes[index]}

    dropped = {key: interval.dropped for key, interval in found.items() if interval.dropped > MANY_DROPPED}
    exact = [{**facts(key), "groups": i.groups} for key, i in found.items() if i.kind == "exact"]
    missing = [facts(key) for key, i in found.items() if i.kind == "none" and np.isfinite(values[key])]
    notes: list[Note] = []
    if dropped:
        notes.append({"id": "resamples_dropped", "of": [facts(key) for key in dropped], "most": max(dropped.values())})
    if exact:
        notes.append({"id": "exact_interval", "of": exact})
    means = [facts(key) for key, i in found.items() if i.kind == "exact_mean"]
    if means:
        notes.append({"id": "exact_mean_interval", "of": means})
    if missing:
        notes.append({"id": "no_interval", "of": missing})
    return notes


def point(value: float, digits: int) -> str:
    """Write a number with a decimal point."""
    return f"{value:.{digits}f}"


def note_sentence(note: Note, _: Translate, number: Number = point) -> str:
    """Put a note into a sentence.

    Args:
        note: from metrics.json.
        _: gettext of the reader's language.
        number: writes numbers as that language does.

    Raises:
        KeyError: no such note.
    """
    written = {fact: number(note[fact], digits) for fact, digits in DECIMALS.get(note["id"], {}).items()}
    return SENTENCES[note["id"]]({**note, **written}, _)


def metric_name(name: str, _: Translate) -> str:
    """Give the name of a metric within a sentence.

    Raises:
        KeyError: no such metric.
    """
    names = {
        "accuracy": _("accuracy"),
        "balanced_accuracy": _("balanced accuracy"),
        "precision": _("precision"),
        "sensitivity": _("sensitivity"),
        "specificity": _("specificity"),
        "f1": _("F1"),
        "f1_macro": _("macro F1"),
        "f1_micro": _("micro F1"),
        "hamming_accuracy": _("accuracy label by label"),
        "auc_roc": _("area under the ROC curve"),
        "auc_pr": _("average precision"),
        "brier": _("Brier score"),
        "log_loss": _("logarithmic loss"),
        "ece": _("calibration error"),
    }
    return names[name] if name in names else mask_metric_name(name, _)


def _listed(entries: list[dict[str, Any]], _: Translate) -> str:
    """'accuracy, sensitivity (glioma; 12 groups)'."""
    texts = []
    for entry in entries:
        inside = [entry["class"]] if entry["class"] is not None else []
        if "groups" in entry:
            inside.append(_("n = {n}").format(n=entry["groups"]))
        name = metric_name(entry["metric"], _)
        texts.append(f"{name} ({'; '.join(inside)})" if inside else name)
    return ", ".join(texts)


def _one_class(note: Note, _: Translate) -> str:
    sentence = _("Every image here is of the class {name}.").format(name=note["class"])
    if not note["metrics"]:
        return sentence
    names = ", ".join(metric_name(name, _) for name in note["metrics"])
    return sentence + " " + _("Not defined for that reason: {names}.").format(names=names)


def _class_absent(note: Note, _: Translate) -> str:
    text = _("No image here is of the class: {names}. Means over classes leave it out; it does not count as zero.")
    return text.format(names=", ".join(note["classes"]))


def _never_called(note: Note, _: Translate) -> str:
    text = _("Never predicted, though present: {names}. Its precision counts as zero in the mean over classes.")
    return text.format(names=", ".join(note["classes"]))


def _all_labels(note: Note, _: Translate) -> str:
    return _(
        "Accuracy is the share of images all of whose labels are right, and no other was called; means over labels count each "
        "label the same."
    )


def _label_absent(note: Note, _: Translate) -> str:
    text = _("No image here has: {names}. Means over labels leave it out; it does not count as zero.")
    return text.format(names=", ".join(note["classes"]))


def _label_everywhere(note: Note, _: Translate) -> str:
    text = _("Every image here has: {names}. Means over labels leave it out, since nothing is without it.")
    return text.format(names=", ".join(note["classes"]))


def _positive_never_called(note: Note, _: Translate) -> str:
    return _("No image was predicted to be {name}, so precision is not defined.").format(name=note["class"])


def _thresholds_differ(note: Note, _: Translate) -> str:
    text = _("The models pooled here have thresholds of their own, from {low} to {high}.")
    return text.format(low=note["low"], high=note["high"])


def _groups_unknown(note: Note, _: Translate) -> str:
    text = _(
        "Images whose group is unknown: {n}. Each counts as independent; if patients repeat, intervals are too narrow."
    )
    return text.format(n=note["n"])


def _resamples_dropped(note: Note, _: Translate) -> str:
    text = _("Up to {percent} % of the resamples had no value, for want of a class, and were left out: {names}.")
    return text.format(percent=round(100 * note["most"]), names=_listed(note["of"], _))


def _exact_interval(note: Note, _: Translate) -> str:
    text = _("At exactly 0 or 1 all resamples agree, so the interval is Clopper-Pearson's, with n groups: {names}.")
    return text.format(names=_listed(note["of"], _))


def _exact_mean_interval(note: Note, _: Translate) -> str:
    text = _(
        "Means over classes that are exactly 1: the interval ends where as many groups of each class would all be right with a "
        "probability of 2.5 % only: {names}."
    )
    return text.format(names=_listed(note["of"], _))


def _no_interval(note: Note, _: Translate) -> str:
    return _(
        "Every resample gave the same value, or there were too few groups, so there is no interval: {names}."
    ).format(names=_listed(note["of"], _))


def _ece_by_chance(note: Note, _: Translate) -> str:
    text = _(
        "By chance alone, a perfectly calibrated model would show a calibration error of about {value} here (n = {n})."
    )
    return text.format(value=note["expected"], n=note["n"])


SENTENCES: dict[str, Callable[[Note, Translate], str]] = {
    "one_class": _one_class,
    "class_absent": _class_absent,
    "all_labels": _all_labels,
    "label_absent": _label_absent,
    "label_everywhere": _label_everywhere,
    "never_called": _never_called,
    "positive_never_called": _positive_never_called,
    "thresholds_differ": _thresholds_differ,
    "groups_unknown": _groups_unknown,
    "resamples_dropped": _resamples_dropped,
    "exact_interval": _exact_interval,
    "exact_mean_interval": _exact_mean_interval,
    "no_interval": _no_interval,
    "ece_by_chance": _ece_by_chance,
    **MASK_SENTENCES,
}
"""Every note's sentence."""
