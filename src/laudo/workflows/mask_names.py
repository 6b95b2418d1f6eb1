"""Names of the files that masks are written to."""

from __future__ import annotations

import re
from collections.abc import Sequence

ENDING = re.compile(r"\.(nii\.gz|nii|png|jpe?g|tiff?|bmp|gif|webp|mat|dcm)$", re.IGNORECASE)


def mask_names(samples: Sequence[str]) -> list[str]:
    """A file name for each sample, without an ending: letters, digits, dots and dashes of its path, each name once.

    Nothing of a path is left that could lead out of the folder.
    """
    found: dict[str, None] = {}
    for sample in samples:
        name = re.sub(r"[^\w.-]+", "_", ENDING.sub("", sample)).strip("._") or "sample"
        number, free = 2, name
        while free in found:
            number, free = number + 1, f"{name}_{number}"
        found[free] = None
    return list(found)
