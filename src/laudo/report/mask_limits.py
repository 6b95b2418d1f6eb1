"""What the figures of a network that outlines structures do not show."""

from __future__ import annotations

from laudo.report.context import Evidence
from laudo.report.mask_verdict import named
from laudo.report.voice import Voice

FEW_IMAGES = 200
"""Judged images below which the report says that there are few."""

FEW_OF_A_CLASS = 30
"""Judged images of a class, or cases with a structure, below which the report names it."""


def mask_numbers(evidence: Evidence, voice: Voice) -> list[str]:
    """Few cases, rare structures, and what the network knows."""
    _ = voice.gettext
    result = evidence.result
    if result is None:
        return [_("The model was not judged, so nothing can be said about how good it is.")]
    found = []
    n = int(result.get("n") or 0)
    if n < FEW_IMAGES:
        text = _("Only {cases} were judged: look at the intervals rather than at the figures.")
        found.append(text.format(cases=voice.cases(n)))
    per_structure = result.get("per_class") or {}
    rare = [f"{name}: {one.get('n', 0)}" for name, one in per_structure.items() if 0 < one.get("n", 0) < FEW_OF_A_CLASS]
    if rare and n >= FEW_OF_A_CLASS:
        text = _("Structures that few judged cases have: {names}. What is said of them alone is weak.")
        found.append(text.format(names=voice.join(rare)))
    if evidence.structures:
        text = _(
            "The model knows {structures} only. Whatever else an image shows it calls background, or takes for what it knows, "
            "without a warning."
        )
        found.append(text.format(structures=named(evidence.structures, voice)))
    if evidence.names_classes:
        found.append(
            _(
                "Every image that was learned from shows one of the classes: the model was never asked whether there is anything "
                "at all."
            )
        )
    return found


def mask_needs(evidence: Evidence, voice: Voice) -> list[str]:
    """What the truth is worth, and what the metrics do not see."""
    _ = voice.gettext
    found = [
        _(
            "The truth is the outline that the makers of the data set drew. Another reader would draw it differently; how far two "
            "readers agree on these images is not known here, and no model can be shown to be better than that."
        )
    ]
    if evidence.result is None:
        return found
    if evidence.length_unit == "px":
        found.append(
            _(
                "The pictures do not say how large their pixels are: distances are in pixels, so they do not carry over to mm."
            )
        )
    found.append(
        _(
            "Whether an outline is good enough for a purpose, such as measuring a volume or planning a treatment, is not said by "
            "Dice: look at the volumes, at the cases that failed, and at the slices."
        )
    )
    return found
