"""From any number type of a file to the few that the rooms after this one know."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from laudo.read.guard import not_finite

KEPT = (np.uint8, np.uint16, np.int16, np.float32)


def known_numbers(array: np.ndarray, path: Path) -> np.ndarray:
    """The same values as uint8, uint16, int16 or float32, in this machine's byte order.

    Wider integers are narrowed when all their values fit, else they are float32; float64 becomes float32; true and false
    become 255 and 0, as in a one-bit picture.

    Raises:
        UnreadableImageError: complex numbers or text; or a value is NaN, infinite, or too large for float32.
    """
    kind = array.dtype.kind
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        with np.errstate(over="ignore"):
            narrow = array.astype(np.float32, copy=False)
        strange = narrow.size - int(np.count_nonzero(np.isfinite(narrow)))
        if strange:
            raise not_finite(path, strange, narrow.size)
        return narrow
    if kind not in "iu":
        raise TypeError(f"{array.dtype}")
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    if native.dtype in KEPT:
        return native
    lowest, highest = (int(native.min()), int(native.max())) if native.size else (0, 0)
    for wanted in (np.uint16, np.int16) if kind == "u" else (np.int16, np.uint16):
        if np.iinfo(wanted).min <= lowest and highest <= np.iinfo(wanted).max:
            return native.astype(wanted)
    return native.astype(np.float32)
