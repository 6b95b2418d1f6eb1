"""Notes beside the figures of masks: by which rules empty, missed and invented structures count, and how many there were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from laudo.core.mask_scores import MaskScores

Note = dict[str, Any]
"""``{"id": …}`` and facts, as in :mod:`laudo.evaluate.notes`, which makes sentences of these too."""

Translate = Callable[[str], str]


def mask_notes(scores: MaskScores, unknown_groups: int) -> list[Note]:
    """Everything a reader must know about the figures of predicted masks.

    Args:
        scores: one part's.
        unknown_groups: cases that had no group and count as one of their own.
    """
    notes: list[Note] = [{"id": "mask_rules"}, {"id": "surface_rules"}]
    if scores.matrix("lesions").max(initial=0.0) > 1:
        notes.append({"id": "lesion_rules"})
    nowhere = np.atleast_1d(scores.both_empty.all(axis=0))
    absent = [name for name, one in zip(scores.structures, nowhere, strict=True) if one]
    if absent:
        notes.append({"id": "structure_absent", "classes": absent})
    counts = {
        "structure_empty": np.where(nowhere, 0, scores.both_empty.sum(axis=0)),
        "structure_missed": scores.missed.sum(axis=0),
        "structure_invented": scores.invented.sum(axis=0),
    }
    for note, numbers in counts.items():
        of = [{"class": name, "n": int(n)} for name, n in zip(scores.structures, numbers, strict=True) if n]
        if of:
            notes.append({"id": note, "of": of, "cases": len(scores)})
    unknown = int((~scores.in_mm).sum())
    if 0 < unknown < len(scores):
        notes.append({"id": "spacing_unknown", "n": unknown, "cases": len(scores)})
    if unknown_groups:
        notes.append({"id": "groups_unknown", "n": unknown_groups})
    return notes


def mask_metric_name(name: str, _: Translate) -> str:
    """Give the name of a metric of masks within a sentence, without its unit: that may be pixels.

    Raises:
        KeyError: no such metric.
    """
    names = {
        "dice": _("Dice"),
        "iou": _("IoU"),
        "hd95_mm": _("Hausdorff distance (95 %)"),
        "assd_mm": _("average surface distance"),
        "nsd": _("surface Dice"),
        "voxel_sensitivity": _("sensitivity by voxel"),
        "voxel_specificity": _("specificity by voxel"),
        "voxel_precision": _("precision by voxel"),
        "voxel_accuracy": _("accuracy by voxel"),
        "volume_mm3": _("predicted volume"),
        "true_volume_mm3": _("true volume"),
        "volume_error": _("signed volume error"),
        "absolute_volume_error": _("absolute volume error"),
        "lesion_sensitivity": _("share of lesions found"),
        "lesion_false_positives": _("false lesions a case"),
    }
    return names[name]


def _counted(note: Note, _: Translate) -> str:
    """'WT (n = 2), ET (n = 5)'."""
    return ", ".join(f"{entry['class']} ({_('n = {n}').format(n=entry['n'])})" for entry in note["of"])


def _mask_rules(note: Note, _: Translate) -> str:
    return _(
        "Each figure is the mean over the structures of the mean over the cases. The volume error is the predicted volume "
        "minus the true one, over the mean of both: −2 where all was missed, 2 where something was outlined that is not there."
    )


def _surface_rules(note: Note, _: Translate) -> str:
    return _(
        "Surface distances lie between the centres of the voxels at the border of each mask. The Hausdorff distance is "
        "the larger of both directions' 95th percentiles; the average surface distance and the surface Dice count the "
        "voxels of both surfaces alike."
    )


def _lesion_rules(note: Note, _: Translate) -> str:
    return _(
        "Lesions are connected regions. A true one is found when at least a tenth of it was predicted; a predicted one "
        "is false when less than a tenth of it lies on the truth."
    )


def _structure_absent(note: Note, _: Translate) -> str:
    text = _("Marked in no case, in the truth or in the prediction: {names}. Means over structures leave it out.")
    return text.format(names=", ".join(note["classes"]))


def _structure_empty(note: Note, _: Translate) -> str:
    text = _(
        "Marked neither in the truth nor in the prediction: {names}. Such a case says nothing about overlap or "
        "surfaces and is left out of their means; it does not count as 1."
    )
    return text.format(names=_counted(note, _))


def _structure_missed(note: Note, _: Translate) -> str:
    text = _(
        "Missed altogether: {names}. Such a case counts with Dice, IoU, sensitivity, precision and surface Dice 0, and "
        "with the diagonal of the image as its distances."
    )
    return text.format(names=_counted(note, _))


def _structure_invented(note: Note, _: Translate) -> str:
    text = _(
        "Predicted where the truth has none: {names}. Such a case counts with Dice, IoU, precision and surface Dice 0, "
        "and with the diagonal of the image as its distances; it has no sensitivity."
    )
    return text.format(names=_counted(note, _))


def _spacing_unknown(note: Note, _: Translate) -> str:
    text = _(
        "Images that do not say how large their pixels are: {n} of {m}. Their distances are in pixels and those of the others in "
        "mm, so that means of distances mix both."
    )
    return text.format(n=note["n"], m=note["cases"])


MASK_SENTENCES: dict[str, Callable[[Note, Translate], str]] = {
    "mask_rules": _mask_rules,
    "surface_rules": _surface_rules,
    "lesion_rules": _lesion_rules,
    "structure_absent": _structure_absent,
    "structure_empty": _structure_empty,
    "structure_missed": _structure_missed,
    "structure_invented": _structure_invented,
    "spacing_unknown": _spacing_unknown,
}
"""Every note's sentence."""
