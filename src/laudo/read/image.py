"""What every reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ReadImage:
    """A decoded image and what was noticed on the way.

    Attributes:
        array: (H, W) or (H, W, 3); uint8, or uint16 when the file holds more than eight bits.
        spacing_mm: distance of neighbouring pixels, per array axis; None when the format does not say.
        format: the file's true format, whatever its ending says.
        mode: how the file stored its pixels (L, RGB, RGBA, P, I;16 …).
        notes: names of what was unusual: ``ending``, ``alpha``, ``palette``, ``rotated``, ``frames``.
        facts: details of the notes.
    """

    array: np.ndarray
    spacing_mm: tuple[float, ...] | None
    format: str
    mode: str
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
