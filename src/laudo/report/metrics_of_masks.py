"""What the metrics of predicted masks are called, how each is read, and in which unit and with how many decimals it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from laudo.core.messages import N_
from laudo.report.metric_name import MetricName
from laudo.report.voice import Voice

if TYPE_CHECKING:
    from laudo.report.context import Evidence

METRICS_OF_MASKS: dict[str, MetricName] = {
    "dice": MetricName(
        N_("Dice"),
        N_(
            "Twice the voxels that truth and prediction share, over the voxels of both: 1 is the same mask, 0 is none in common. A "
            "small structure loses more by the same error at its border than a large one."
        ),
    ),
    "iou": MetricName(
        N_("IoU (Jaccard)"),
        N_("Voxels in both masks over voxels in either. It orders cases as Dice does, and is never above it."),
    ),
    "hd95_mm": MetricName(
        N_("Hausdorff distance, 95 % (lower is better)"),
        N_(
            "95 % of the voxels of each surface lie at most this far from the other surface, in the worse of the two directions. A "
            "spot far away shows here once it makes up more than a twentieth of a surface, although Dice may hardly notice it."
        ),
    ),
    "assd_mm": MetricName(
        N_("Average surface distance (lower is better)"),
        N_("Mean distance from each surface to the other, over the voxels of both."),
    ),
    "nsd": MetricName(
        N_("Surface Dice (NSD)"),
        N_(
            "Share of both surfaces that lies within the tolerance of the other: how much of the outline needs no correction. The "
            "tolerance is in the methods."
        ),
    ),
    "voxel_sensitivity": MetricName(
        N_("Sensitivity by voxel"), N_("Of the voxels of the structure, the share that was outlined.")
    ),
    "voxel_precision": MetricName(
        N_("Precision by voxel"), N_("Of the voxels that were outlined, the share that belongs to the structure.")
    ),
    "voxel_specificity": MetricName(
        N_("Specificity by voxel"),
        N_(
            "Of all other voxels, the share that was left out. Most of an image is background, so this is always near 1."
        ),
    ),
    "voxel_accuracy": MetricName(
        N_("Accuracy by voxel"),
        N_(
            "Share of all voxels that were called rightly. An empty mask reaches nearly 1 where the structure is small."
        ),
    ),
    "volume_error": MetricName(
        N_("Volume error, predicted minus true (best is 0)"),
        N_(
            "Predicted minus true volume, over the mean of both: below 0 the structure is outlined too small, above 0 too large. "
            "Errors of both signs cancel out in the mean, so 0 may hide them: see the absolute error."
        ),
    ),
    "absolute_volume_error": MetricName(
        N_("Absolute volume error (lower is better)"),
        N_("The volume error without its sign, so that errors of both signs do not cancel out."),
    ),
    "lesion_sensitivity": MetricName(
        N_("Share of lesions found"),
        N_("Of all connected regions of the truth, the share of which at least a tenth was outlined."),
    ),
    "lesion_false_positives": MetricName(
        N_("False lesions a case (lower is better)"),
        N_("Connected regions that were outlined and of which less than a tenth lies on the truth, for each case."),
    ),
}
"""In the order in which the report shows them."""

SHORT_OF_MASKS: dict[str, str] = {
    "iou": N_("IoU"),
    "hd95_mm": N_("HD95"),
    "assd_mm": N_("Surface distance"),
    "nsd": N_("NSD"),
    "voxel_sensitivity": N_("Sensitivity"),
    "voxel_precision": N_("Precision"),
    "voxel_specificity": N_("Specificity"),
    "voxel_accuracy": N_("Accuracy"),
    "volume_error": N_("Volume error (signed)"),
    "absolute_volume_error": N_("Absolute volume error"),
    "lesion_sensitivity": N_("Lesions found"),
    "lesion_false_positives": N_("False lesions"),
}

LOWER_MASK = frozenset({"hd95_mm", "assd_mm", "absolute_volume_error", "lesion_false_positives"})
"""Metrics of masks of which more is not better."""

FILLED_BY_BACKGROUND = frozenset({"voxel_accuracy", "voxel_specificity"})
OF_LENGTH = frozenset({"hd95_mm", "assd_mm"})
OF_VOLUME = frozenset({"volume_mm3", "true_volume_mm3"})


def digits(name: str) -> int:
    """Decimals that a metric is written with; four where background fills the figure, so that the fourth is the first to tell."""
    if name in FILLED_BY_BACKGROUND:
        return 4
    return 2 if name in OF_LENGTH or name == "lesion_false_positives" else 0 if name in OF_VOLUME else 3


def unit(name: str, length_unit: str, voice: Voice) -> str:
    """Unit of a metric; empty where it has none.

    Args:
        name: of the metric.
        length_unit: ``mm``, or ``px`` of pictures that do not say their spacing.
        voice: language.
    """
    if name in OF_LENGTH:
        return "mm" if length_unit == "mm" else voice.gettext("pixels")
    return ""


def with_unit(text: str, name: str, length_unit: str, voice: Voice) -> str:
    """``HD95 (mm)``: a metric's name with its unit behind it."""
    found = unit(name, length_unit, voice)
    return f"{text} ({found})" if found else text


def size_unit(evidence: Evidence, voice: Voice) -> str:
    """Unit of volumes; of pictures that of their areas."""
    if evidence.recipe is not None and evidence.recipe.prepare.volume is None:
        return "mm²" if evidence.length_unit == "mm" else voice.gettext("pixels")
    return "mm³"
