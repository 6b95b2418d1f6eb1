"""MATLAB files of version 5 and 7.3 (HDF5): plain arrays, and the ``cjdata`` struct of the public figshare set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import one_error
from laudo.read.image import ReadImage
from laudo.read.isolated import ask
from laudo.read.number_types import known_numbers

ENDINGS = (".mat",)
HDF5_START = b"\x89HDF\r\n\x1a\n"


def is_matlab(head: bytes) -> bool:
    """Whether the first 2,056 bytes of a file are those of a MATLAB file of version 5 or 7.3, or of any HDF5 file."""
    if any(head[offset : offset + 8] == HDF5_START for offset in (0, 512, 1024, 2048)):
        return True
    return head[124:128] in {b"\x00\x01IM", b"\x01\x00MI"}


def read_matlab(path: Path, member: str | None = None) -> ReadImage:
    """Read one array of a MATLAB file, as a person sees it in MATLAB. The file says nothing of spacing or orientation.

    Args:
        path: the file.
        member: name of the variable, or of the field of ``cjdata``; default: the image of ``cjdata``, or the variable named like an
            image, or the largest array.

    Raises:
        UnreadableImageError: missing, damaged, no such array, or no array that is a picture, (H, W) or (H, W, 3).
    """
    answer = ask("matlab", path, picture=member or "")
    stored = answer.arrays["picture"]
    name = str(answer.values["name"])
    if stored.ndim not in {2, 3} or (stored.ndim == 3 and stored.shape[2] not in {1, 3}) or not stored.size:
        raise UnreadableImageError(
            _("The MATLAB array is not a picture."),
            file=path,
            expected=_("two axes, or three with the colours last"),
            found=f"{name} {'×'.join(map(str, stored.shape))}",
            cure=_("Save volumes as NIfTI: a MATLAB array says nothing of spacing and orientation."),
        )
    if stored.ndim == 3 and stored.shape[2] == 1:
        stored = stored[..., 0]
    with one_error(path):
        array = known_numbers(stored.astype(bool) if answer.values["logical"] else stored, path)
    facts: dict[str, Any] = {"array": name}
    values = answer.values["values"]
    if isinstance(values.get("label"), float):
        facts["label"] = values["label"]
    if values.get("PID") not in (None, ""):
        facts["patient"] = hashlib.sha256(str(values["PID"]).encode()).hexdigest()[:8]
    notes: tuple[str, ...] = () if path.suffix.lower() in ENDINGS else ("ending",)
    if notes:
        facts["ending"] = path.suffix
    mode = "logical" if answer.values["logical"] else stored.dtype.name
    decoder = str(answer.values["decoder"])
    return ReadImage(np.ascontiguousarray(array), None, "MATLAB", mode, notes, facts, None, decoder)


def read_struct(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Chosen fields of ``cjdata``, or chosen variables of a file without it; the others are not loaded.

    Returns:
        Numbers as float, text as str, arrays as np.ndarray with MATLAB's own axes; names that the file lacks are left out.

    Raises:
        UnreadableImageError: missing, damaged, or not a MATLAB file.
    """
    with one_error(path), path.open("rb") as handle:
        known = is_matlab(handle.read(2056))
    if not known:
        raise UnreadableImageError(_("The file is not a MATLAB file of version 5 or 7.3."), file=path)
    answer = ask("matlab", path, names=list(names))
    return {**answer.values["values"], **answer.arrays}
