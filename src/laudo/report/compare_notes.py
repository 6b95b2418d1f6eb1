"""What a reader of a comparison must know beside its figures, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from laudo.report.voice import Voice


def note_text(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    """Sentence of a note of compare.json."""
    return NOTES[str(note["id"])](note, runs, voice)


def _each(runs: Sequence[str], values: Sequence[Any], voice: Voice) -> str:
    """'run-a: 3, run-b: 0'."""
    return ", ".join(f"{name}: {voice.integer(value)}" for name, value in zip(runs, values, strict=True))


def _one_training(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Trained once: {names}. Another seed would give another model, and how different a one is in neither the interval nor "
        "the p: they say what would change with other cases, not with another training."
    )
    return text.format(names=", ".join(note["runs"]))


def _folds(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Cross-validated, trained once a fold with one seed: {names}. The cases of a fold were judged by the same model, and "
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
        "which leaves one rightly empty can be compared with one that invents it. Reports of single runs leave such cases out, "
        "and their figures may be lower."
    )
    return text.format(counts=_each(runs, note["n"], voice))


def _structure_absent(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Marked in no case, in the truth or by any run, and left out: {names}.")
    return text.format(names=", ".join(note["classes"]))


def _groups_unknown(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Cases without a group: {n}. Each counts as a group of its own, which makes intervals too narrow if they belong "
        "together."
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


def _masks_not_compared(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "These runs outline structures too; here only the classes that they name are compared: {names}."
    )
    return text.format(names=", ".join(note["runs"]))


def _groups_of_images(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "{images} stand in {groups}, and images of one group are no independent evidence: every p that is quoted counts groups."
    )
    return text.format(images=voice.images(note["n"]), groups=voice.groups(note["groups"]))


def _classes_absent(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "No image here is of the class: {names}. Means over classes leave it out; it does not count as zero."
    )
    return text.format(names=", ".join(note["classes"]))


def _labels_absent(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext("Every image here has these labels, or none has: {names}. Means over labels leave them out.")
    return text.format(names=", ".join(note["classes"]))


def _all_labels(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    return voice.gettext(
        "Accuracy is the share of images all of whose labels are right, and no other was called; means over labels count each "
        "label the same."
    )


def _spread_borrowed(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Trained once, beside a recipe that was trained with several seeds: {names}. How much its own seeds differ is not "
        "known and is taken to be as much as the other's do."
    )
    return text.format(names=", ".join(note["runs"]))


def _seeds_apart(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Not trained with the same seeds, and so compared without pairs of seeds: {names}. The same seeds on both sides would "
        "tell smaller differences from chance."
    )
    return text.format(names="; ".join(" · ".join(pair) for pair in note["pairs"]))


def _seeds_left_out(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Left out, because not every recipe has a run of that seed and each seed drew its own cases: {names}."
    )
    return text.format(names=", ".join(note["runs"]))


def _own_splits(note: Mapping[str, Any], runs: Sequence[str], voice: Voice) -> str:
    text = voice.gettext(
        "Each seed drew the cases that judge it, so runs are compared seed by seed. The draws overlap, in what judges and in "
        "what trains, and seeds are no independent repetitions: the variance is raised for that (Nadeau and Bengio), by "
        "{ratio} cases that judge for each one that trains."
    )
    return text.format(ratio=voice.number(note["ratio"], 2))


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
    "masks_not_compared": _masks_not_compared,
    "groups_of_images": _groups_of_images,
    "classes_absent": _classes_absent,
    "labels_absent": _labels_absent,
    "all_labels": _all_labels,
    "spread_borrowed": _spread_borrowed,
    "seeds_apart": _seeds_apart,
    "seeds_left_out": _seeds_left_out,
    "own_splits": _own_splits,
}
"""Every note's sentence."""

FLATTERED = frozenset({"validation_quoted", "groups_divided", "unfinished"})
"""Notes that make the figures worth less than they look."""
