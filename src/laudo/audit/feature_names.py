"""What the features of the nuisance probe are called."""

from __future__ import annotations

from collections.abc import Callable


def feature_name(name: str, _: Callable[[str], str]) -> str:
    """Name of a feature in the reader's language; a metadata column keeps its own."""
    names = {
        "height": _("height"),
        "width": _("width"),
        "aspect": _("aspect"),
        "depth": _("number of slices"),
        "file_size": _("file size"),
        "bytes_per_pixel": _("bytes a pixel"),
        "format": _("file format"),
        "mode": _("pixel type"),
        "coloured_marks": _("coloured marks"),
        "margin_marks": _("marks in the margin"),
        "spacing": _("spacing"),
        "levels": _("number of grey levels"),
        "border_top": _("brightness of the upper border"),
        "border_bottom": _("brightness of the lower border"),
        "border_left": _("brightness of the left border"),
        "border_right": _("brightness of the right border"),
        "border_top_spread": _("contrast of the upper border"),
        "border_bottom_spread": _("contrast of the lower border"),
        "border_left_spread": _("contrast of the left border"),
        "border_right_spread": _("contrast of the right border"),
        "corner_top_left": _("brightness of the upper left corner"),
        "corner_top_right": _("brightness of the upper right corner"),
        "corner_bottom_left": _("brightness of the lower left corner"),
        "corner_bottom_right": _("brightness of the lower right corner"),
    }
    return names.get(name, name)
