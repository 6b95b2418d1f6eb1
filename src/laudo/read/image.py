"""What every reader returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from laudo.core.messages import N_

NOTES: dict[str, str] = {
    "ending": N_("the ending of the name is of another format"),
    "alpha": N_("transparent pixels were laid over black"),
    "palette": N_("numbers of a palette were turned into its colours"),
    "rotated": N_("the picture was turned as its EXIF data say"),
    "frames": N_("of several frames the first was taken"),
    "inverted": N_("the picture was stored dark for dense and was inverted"),
    "scaled": N_("stored numbers were scaled as the file says"),
    "axes": N_("axes were reordered or flipped to run to right, front and head"),
    "no-orientation": N_("the file does not say how the volume lies in the patient"),
    "tilt": N_("the gantry was tilted: slices are not at right angles to their stack"),
    "units": N_("the spacing was given in other units than mm"),
    "spacing": N_("the file states an absurd spacing, which was ignored"),
    "detector-spacing": N_("the spacing was measured at the detector, not in the patient"),
    "region-spacing": N_("the spacing is that of the ultrasound region on the screen"),
}
"""What a reader may note of an image, and what each note means (English; shown translated)."""


@dataclass(frozen=True)
class ReadImage:
    """A decoded image and what was noticed on the way.

    Attributes:
        array: a picture, (H, W) or (H, W, 3), uint8, or uint16 when the file holds more than eight bits; int16 or float32 when
            its values are calibrated (Hounsfield units), negative or real; or a volume, (X, Y, Z) of the same types, its axes
            running to the patient's right, front and head (RAS+).
        spacing_mm: distance of neighbouring pixels, per array axis; None when the file does not say.
        format: the file's true format, whatever its ending says.
        mode: how the file stored its pixels (L, RGB, RGBA, P, I;16, int16 …).
        notes: names of what was unusual, of :data:`NOTES`.
        facts: details of the notes, and what the file says of itself; never anything that names a person.
        affine: (4, 4) float64, from voxel indices to millimetres in RAS+; None for pictures.
        decoder: name and version of what turned bytes into pixels; part of every cache key.
    """

    array: np.ndarray
    spacing_mm: tuple[float, ...] | None
    format: str
    mode: str
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    affine: np.ndarray | None = None
    decoder: str = ""

    @property
    def is_volume(self) -> bool:
        """Whether the array has three spatial axes."""
        return self.affine is not None
