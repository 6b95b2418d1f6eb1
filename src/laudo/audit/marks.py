"""Checks for what was written into or beside the pixels: arrows, callipers, letters, names."""

from __future__ import annotations

import numpy as np

from laudo.audit.finding import Finding
from laudo.audit.inspect import Inspected
from laudo.audit.seen import Seen

COLOURED_PIXELS = 4
"""Coloured pixels from which a grey image carries a mark; fewer are taken for compression."""
COLOUR_SHARE = 0.25
"""Share of coloured pixels from which an image is a colour image, not a grey one with marks."""
MARGIN_PIXELS = 24
"""Bright pixels in the dark margin from which it holds letters or a ruler."""


def coloured_marks(seen: Seen) -> Finding | None:
    """No grey image carries coloured arrows, callipers or letters."""
    pictures = seen.where(lambda image: len(image.size) == 2)
    if not pictures:
        return None
    coloured = seen.where(_is_coloured)
    if len(coloured) > len(pictures) / 2:
        return None  # colour images: photographs of skin, stained slides
    marked = seen.where(lambda image: not _is_coloured(image) and _coloured(image) >= COLOURED_PIXELS)
    by_class = _by_class(seen, marked)
    return seen.about("coloured_marks", "warn", marked, counts=by_class)


def margin_marks(seen: Seen) -> Finding:
    """Nothing bright stands in the dark margin."""
    marked = seen.where(lambda image: any(channel.margin_marks >= MARGIN_PIXELS for channel in image.channels[:1]))
    return seen.about("margin_marks", "warn", marked, counts=_by_class(seen, marked))


def burned_in(seen: Seen) -> Finding | None:
    """No DICOM file says, or makes one suspect, that text is burned into its pixels."""
    if not seen.where(lambda image: any(channel.burned_in for channel in image.channels)):
        return None
    hits = {"yes", "unknown", "suspect"}
    marked = seen.where(lambda image: any(channel.burned_in in hits for channel in image.channels))
    sure = seen.where(lambda image: any(channel.burned_in == "yes" for channel in image.channels))
    return seen.about("burned_in", "warn", marked, sure=len(sure))


def patient_tags(seen: Seen) -> Finding | None:
    """No file names its patient."""
    tags = sorted({tag for image in seen.images for channel in image.channels for tag in channel.patient_tags})
    if not any("DICOM" in channel.format.upper() for image in seen.images for channel in image.channels):
        return None
    named = seen.where(lambda image: any(channel.patient_tags for channel in image.channels))
    return seen.about("patient_tags", "warn", named, tags=", ".join(tags))


def _coloured(image: Inspected) -> int:
    return max((channel.coloured for channel in image.channels), default=0)


def _is_coloured(image: Inspected) -> bool:
    return len(image.size) == 2 and _coloured(image) >= COLOUR_SHARE * image.size[0] * image.size[1]


def _by_class(seen: Seen, rows: list[int]) -> dict[str, int]:
    if not seen.has_classes:
        return {}
    return seen.manifest.rows(np.asarray(rows, dtype=np.int64)).counts
