"""The numbers and names of a comparison in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from laudo.core.messages import N_
from laudo.report.names import short_name
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
"""Of masks; in voxels all but the last three, which are of surfaces. Accuracy, precision and rates of classes are called alike."""

DIGITS = {"accuracy": 4, "specificity": 4, "hd95_mm": 2, "assd_mm": 2}
"""Decimals; of the others three. With so much background, the fourth decimal of an accuracy is the first that says something."""


def compared_name(metric: str, voice: Voice, length_unit: str = "mm") -> str:
    """Name of a metric for tables; of a distance with its unit.

    Args:
        metric: of masks or of classes.
        voice: language.
        length_unit: ``mm``, or ``px`` of pictures that do not say their spacing.
    """
    name = voice.gettext(NAMES[metric]) if metric in NAMES else short_name(metric, voice)
    if not metric.endswith("_mm"):
        return name
    return f"{name} ({'mm' if length_unit == 'mm' else voice.gettext('pixels')})"


def digits(metric: str, kind: str = "segmentation") -> int:
    """Decimals of a metric; of shares of images, unlike those of voxels, three are enough."""
    return DIGITS.get(metric, 3) if kind == "segmentation" else 3


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
