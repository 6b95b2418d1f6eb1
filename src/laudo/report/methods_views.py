"""The sentence of the methods paragraph on the views that answers were averaged over."""

from __future__ import annotations

from collections.abc import Sequence

from laudo.core.recipe import View
from laudo.report.voice import Voice


def views_text(views: Sequence[View], voice: Voice) -> list[str]:
    """One sentence; none when each image was looked at as it is."""
    _ = voice.gettext
    if set(views) == {"plain"}:
        return []
    if sorted(views) == ["mirrored", "plain"]:
        return [_("Predictions were averaged over each image and its mirror image.")]
    names = {
        "plain": _("as it is"),
        "mirrored": _("mirrored left and right"),
        "upside_down": _("mirrored up and down"),
        "turned_90": _("turned by 90 degrees"),
        "turned_180": _("turned by 180 degrees"),
        "turned_270": _("turned by 270 degrees"),
        "closer": _("its middle nine tenths enlarged"),
    }
    text = _("Predictions were averaged over views of each image: {views}.")
    return [text.format(views=voice.join([names[view] for view in views]))]
