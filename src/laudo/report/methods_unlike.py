"""How it was told which images are unlike the training images, for the methods paragraph."""

from __future__ import annotations

from laudo.report.context import Evidence
from laudo.report.voice import Voice


def unlike_text(evidence: Evidence, voice: Voice) -> list[str]:
    """A sentence; none where it was not told."""
    found = evidence.metrics.get("ood")
    if not isinstance(found, dict):
        return []
    text = voice.gettext(
        "How unlike the training images an image is was measured as the distance of its features to the {k}th "
        "nearest of {n} training images [sun2022], and compared with the validation images."
    )
    return [text.format(k=voice.integer(found["neighbour"]), n=voice.integer(found["n_reference"]))]
