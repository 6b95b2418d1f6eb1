"""What a comparison of runs says, in the reader's language: its verdict, the notes beside it, its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from laudo.core.messages import N_
from laudo.report.voice import MISSING, Voice

NAMES: dict[str, str] = {
    "accuracy": N_("Accuracy"),
    "precision": N_("Precision"),
    "sensitivity": N_("Sensitivity"),
    "specificity": N_("Specificity"),
    "iou": N_("IoU (Jaccard)"),
    "dice": N_("Dice"),
    "nsd": N_("Surface Dice (NSD)"),
    "hd95_mm": N_("HD95"),
    "assd_mm": N_("Surface distance"),
}
"""Of voxels all but the last three, which are of surfaces."""

DIGITS = {"accuracy": 4, "specificity": 4, "hd95_mm": 2, "assd_mm": 2}
"""Decimals; of the others three. With so much background, the fourth decimal of an accuracy is the first that says something."""


def compared_name(metric: str, voice: Voice, length_unit: str = "mm") -> str:
    """Name of a metric for tables; of a distance with its unit.

    Args:
        metric: of :data:`laudo.evaluate.paired.COMPARED`.
        voice: language.
        length_unit: ``mm``, or ``px`` of pictures that do not say their spacing.
    """
    name = voice.gettext(NAMES[metric])
    if not metric.endswith("_mm"):
        return name
    return f"{name} ({'mm' if length_unit == 'mm' else voice.gettext('pixels')})"


def digits(metric: str) -> int:
    """Decimals of a metric."""
    return DIGITS.get(metric, 3)


def signed(value: float | None, voice: Voice, decimals: int = 3) -> str:
    """A difference with its sign."""
    text = voice.number(value, decimals)
    return f"+{text}" if value is not None and float(f"{value:.{decimals}f}") > 0 else text


def between(bounds: Sequence[float] | None, voice: Voice, decimals: int = 3) -> str:
    """``-0.010 to 0.021``; a dash when there is no interval."""
    if bounds is None:
        return MISSING
    low, high = (voice.number(bound, decimals) for bound in bounds)
    return voice.gettext("{low} to {high}").format(low=low, high=high)


def p_value(p: float | None, voice: Voice) -> str:
    """``0.004``, or ``< 0.001``."""
    if p is None:
        return MISSING
    return f"< {voice.number(0.001)}" if p < 0.001 else voice.number(p)


def p_equals(p: float | None, voice: Voice) -> str:
    """``p = 0.004``, or ``p < 0.001``."""
    text = p_value(p, voice)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def cases_counted(n: int, groups: int, voice: Voice) -> str:
    """``208 cases``, or ``208 cases in 120 groups`` where they are not one a group."""
    cases = voice.ngettext("{n} case", "{n} cases", n).format(n=voice.integer(n))
    if groups == n:
        return cases
    return voice.gettext("{cases} in {groups}").format(cases=cases, groups=voice.groups(groups))


def verdict_sentence(verdict: Mapping[str, Any], a: str, b: str, voice: Voice) -> str:
    """Say what a pair of runs shows.

    Args:
        verdict: as :func:`laudo.evaluate.paired_verdict.verdict` gives it, of run b minus run a.
        a: name of the run given first.
        b: name of the one given second.
        voice: the language.
    """
    _ = voice.gettext
    kind, metric = verdict["kind"], str(verdict["metric"])
    facts = {"a": a, "b": b, "metric": compared_name(metric, voice)}
    if kind == "undefined":
        return _("{a} and {b}: no case has a {metric}, so nothing can be compared.").format(**facts)
    facts["cases"] = cases_counted(verdict["n"], verdict["groups"], voice)
    if kind == "identical":
        return _("{a} and {b} have the same {metric} in each of {cases}.").format(**facts)
    facts |= {
        "difference": signed(verdict["value"], voice),
        "amount": voice.number(abs(verdict["value"])),
        "interval": between(verdict["ci95"], voice),
        "p": p_equals(verdict["p_holm"], voice),
    }
    return " ".join([SENTENCES[kind](verdict, voice).format(**facts), *_beside(verdict, voice)])


def _shown(verdict: Mapping[str, Any], voice: Voice) -> str:
    _ = voice.gettext
    if verdict["value"] > 0:
        return _(
            "The mean {metric} of {b} is {amount} higher than that of {a} (95 % interval {interval}; Wilcoxon {p} over {cases})."
        )
    return _(
        "The mean {metric} of {b} is {amount} lower than that of {a} (95 % interval {interval}; Wilcoxon {p} over {cases})."
    )


def _divided(verdict: Mapping[str, Any], voice: Voice) -> str:
    return voice.gettext(
        "{b} minus {a}, mean {metric}: {difference} (95 % interval {interval}; Wilcoxon {p} over {cases}). The interval and the "
        "test do not agree, so this is not taken for a difference that was shown."
    )


def _not_shown(verdict: Mapping[str, Any], voice: Voice) -> str:
    return voice.gettext(
        "No difference in {metric} could be shown between {a} and {b}: {difference} (95 % interval {interval}; Wilcoxon {p} over "
        "{cases})."
    )


def _too_few(verdict: Mapping[str, Any], voice: Voice) -> str:
    text = voice.gettext(
        "{b} minus {a}, mean {metric}: {difference} (95 % interval {interval}; Wilcoxon {p} over {cases}). With so few, the "
        "smallest p that this test can give is {smallest}: no difference, however large, could have been shown."
    )
    return text.replace("{smallest}", voice.number(verdict["smallest_p"]))


SENTENCES: dict[str, Callable[[Mapping[str, Any], Voice], str]] = {
    "shown": _shown,
    "divided": _divided,
    "not_shown": _not_shown,
    "too_few": _too_few,
}


def _beside(verdict: Mapping[str, Any], voice: Voice) -> list[str]:
    """What else must be said: of the correction, and of what could not have been found."""
    _ = voice.gettext
    found = []
    if verdict["kind"] in {"not_shown", "divided"} and verdict["detectable"] is not None:
        text = _(
            "With these cases a mean difference smaller than about {least} would be missed in more than one of five such studies."
        )
        found.append(text.format(least=voice.number(verdict["detectable"])))
    if verdict["tests"] > 1:
        found.append(_("The p is corrected for {tests} tests (Holm).").format(tests=verdict["tests"]))
    return found


def note_text(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    """Sentence of a note of compare.json."""
    return NOTES[str(note["id"])](note, runs, voice)


def _each(runs: Sequence[str], values: Sequence[Any], voice: Voice) -> str:
    """'run-a: 3, run-b: 0'."""
    return ", ".join(f"{name}: {voice.integer(value)}" for name, value in zip(runs, values, strict=True))


def _one_training(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Trained once: {names}. Another seed would give other masks, and how different ones is in neither the interval nor the p: "
        "they say what would change with other cases, not with another training."
    )
    return text.format(names=", ".join(note["runs"]))


def _folds(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Cross-validated, trained once a fold with one seed: {names}. The cases of a fold were outlined by the same network, and "
        "how much another seed would change is in neither the interval nor the p."
    )
    return text.format(names=", ".join(note["runs"]))


def _same_recipe(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    return voice.gettext(
        "The recipes do not differ, or in seeds only: a difference between these runs is what chance in training makes."
    )


def _few_groups(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "With {n} groups the intervals are narrower than they should be: there is more doubt than they say."
    )
    return text.format(n=voice.integer(note["groups"]))


def _rightly_empty(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Structures that are not there and were not outlined either ({counts}) count here as outlined perfectly, so that a run "
        "which leaves one rightly empty can be compared with one that invents it. Reports of single runs leave such cases out, and "
        "their figures may be lower."
    )
    return text.format(counts=_each(runs, note["n"], voice))


def _structure_absent(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Marked in no case, in the truth or by any run, and left out: {names}.")
    return text.format(names=", ".join(note["classes"]))


def _groups_unknown(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Cases without a group: {n}. Each counts as a group of its own, which makes intervals too narrow if they belong together."
    )
    return text.format(n=voice.integer(note["n"]))


def _groups_differ(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    return voice.gettext("The runs grouped the cases differently: what either keeps together is resampled together.")


def _left_out(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Compared on the {shared} cases that all runs share; left out: {counts}.")
    return text.format(shared=voice.integer(note["shared"]), counts=_each(runs, note["n"], voice))


def _trained_on_others(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    return voice.gettext(
        "The runs did not learn from the same images: their parts or folds differ, and so may their figures for that reason."
    )


def _tolerance(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    return voice.gettext("Surface Dice is left out: the runs measured it with different tolerances.")


def _images_differ(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("The runs looked at other image files of the same cases ({n}); the masks are the same.")
    return text.format(n=voice.integer(note["n"]))


def _unfinished(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Not trained to the end: {names}.")
    return text.format(names=", ".join(note["runs"]))


def _validation_quoted(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Judged on the part that chose the model, which flatters it: {names}.")
    return text.format(names=", ".join(note["runs"]))


def _groups_divided(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Images of one group may stand in training and test, which flatters the figures: {names}.")
    return text.format(names=", ".join(note["runs"]))


def _classes_not_compared(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("These runs name a class too; here only their masks are compared: {names}.")
    return text.format(names=", ".join(note["runs"]))


def _first_repeat(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Of repeated cross-validations the first repeat is compared: {names}.")
    return text.format(names=", ".join(note["runs"]))


NOTES: dict[str, Callable[[Mapping[str, Any], Sequence[str], Voice], str]] = {
    "one_training": _one_training,
    "folds": _folds,
    "same_recipe": _same_recipe,
    "few_groups": _few_groups,
    "rightly_empty": _rightly_empty,
    "structure_absent": _structure_absent,
    "groups_unknown": _groups_unknown,
    "groups_differ": _groups_differ,
    "left_out": _left_out,
    "trained_on_others": _trained_on_others,
    "nsd_tolerance": _tolerance,
    "images_differ": _images_differ,
    "unfinished": _unfinished,
    "validation_quoted": _validation_quoted,
    "groups_divided": _groups_divided,
    "classes_not_compared": _classes_not_compared,
    "first_repeat": _first_repeat,
}
"""Every note's sentence."""

FLATTERED = frozenset({"validation_quoted", "groups_divided", "unfinished"})
"""Notes that make the figures worth less than they look."""
