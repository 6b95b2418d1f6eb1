"""Decodes MATLAB files. Runs in the child process alone: damaged files crash its libraries.

Version 5 is read by SciPy, version 7.3 (HDF5) by h5py; links to other files are not followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import scipy
import scipy.io

from laudo.core.errors import UnreadableImageError
from laudo.core.messages import _
from laudo.read.guard import MAX_BYTES

STRUCT = "cjdata"
"""The struct of the public figshare brain tumour set; its fields stand for variables of the file."""
PICTURE_NAMES = ("image", "img", "im", "i", "picture", "slice", "volume", "vol", "data")
HDF5_START = b"\x89HDF\r\n\x1a\n"

Value = np.ndarray | str
Variables = dict[str, tuple[tuple[int, ...], bool, Callable[[], Value | None]]]
"""Name → shape as MATLAB counts it, whether it is true-or-false, and what reads it (None: text or nested data)."""


def decode(
    path: Path, names: Sequence[str] | None = None, picture: str | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Chosen variables, or the picture of the file with its ``label`` and ``PID``.

    Args:
        path: the file.
        names: variables to read; those that are missing are left out.
        picture: without ``names``, the array to read as ``picture``; empty: the one that is a picture.
    """
    with path.open("rb") as handle:
        hdf5 = any(_starts(handle, offset) for offset in (0, 512, 1024, 2048))
    if hdf5:
        with h5py.File(path, "r") as file:
            return _chosen(_variables_of_hdf5(file), path, names, picture, f"h5py {h5py.__version__}")
    return _chosen(_variables_of_v5(path), path, names, picture, f"scipy {scipy.__version__}")


def _starts(handle: Any, offset: int) -> bool:
    handle.seek(offset)
    return bool(handle.read(8) == HDF5_START)


def _chosen(
    variables: Variables, path: Path, names: Sequence[str] | None, picture: str | None, decoder: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    values: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name in names if names is not None else ("label", "PID"):
        value = variables[name][2]() if name in variables else None
        if isinstance(value, str):
            values[name] = value
        elif value is not None and value.size == 1 and value.dtype.kind in "biuf":
            values[name] = float(value.item())
        elif value is not None and (names is not None or name == "label"):
            arrays[name] = value
    if names is not None:
        return {"values": values}, arrays
    name = picture or _picture_of(variables, path)
    if name not in variables:
        raise UnreadableImageError(
            _("The MATLAB file has no such array."),
            file=path,
            expected=", ".join(variables) or _("an array"),
            found=str(name),
        )
    value = variables[name][2]()
    if not isinstance(value, np.ndarray):
        raise UnreadableImageError(_("The MATLAB variable is not an array of numbers."), file=path, found=name)
    logical = variables[name][1]
    return {"values": values, "name": name, "logical": logical, "decoder": decoder}, {"picture": value}


def _picture_of(variables: Variables, path: Path) -> str:
    """The array that a person would call the picture: named so in the known struct, or the largest one."""

    def is_picture(shape: tuple[int, ...]) -> bool:
        return len(shape) in {2, 3} and min(shape[:2]) > 1

    pictures = {name: entry for name, entry in variables.items() if is_picture(entry[0])}
    if not pictures:
        found = ", ".join(f"{name} {'×'.join(map(str, entry[0]))}" for name, entry in list(variables.items())[:8])
        raise UnreadableImageError(
            _("The MATLAB file holds no picture."),
            file=path,
            expected=_("an array of two or three axes"),
            found=found or _("no variable"),
        )
    for name in pictures:
        if name.lower() in PICTURE_NAMES:
            return name
    grey = {name: entry for name, entry in pictures.items() if not entry[1]} or pictures
    largest = max(math.prod(entry[0]) for entry in grey.values())
    candidates = [name for name, entry in grey.items() if math.prod(entry[0]) == largest]
    if len(candidates) > 1:
        raise UnreadableImageError(
            _("The MATLAB file holds several arrays that could be the picture."),
            file=path,
            found=", ".join(candidates),
            cure=_("Name the one that is meant: {name}").format(name=f"{path.name}#{candidates[0]}"),
        )
    return candidates[0]


def _variables_of_hdf5(file: h5py.File) -> Variables:
    """Datasets at the top and in the known struct; links and storage outside the file are left out."""
    found: Variables = {}
    groups: list[Any] = [file]
    inner = file.get(STRUCT) if isinstance(file.get(STRUCT, getlink=True), h5py.HardLink) else None
    if isinstance(inner, h5py.Group):
        groups.insert(0, inner)
    for group in groups:
        for name in group:
            if name in found or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            dataset = group.get(name)
            if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual or dataset.shape is None:
                continue
            kind = dataset.attrs.get("MATLAB_class", b"")
            kind = kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)
            if dataset.dtype.kind not in "biuf" or dataset.attrs.get("MATLAB_empty", 0):
                continue
            shape = tuple(int(length) for length in dataset.shape[::-1])  # MATLAB writes the last axis first
            found[str(name)] = (() if kind == "char" else shape, kind == "logical", _reader(dataset, kind == "char"))
    return found


def _reader(dataset: h5py.Dataset, text: bool) -> Callable[[], Value | None]:
    def read() -> Value | None:
        if math.prod(int(length) for length in dataset.shape) * dataset.dtype.itemsize > MAX_BYTES:
            raise MemoryError
        values = np.asarray(dataset[()])
        return "".join(map(chr, values.T.ravel(order="C").tolist())).strip() if text else values.T

    return read


def _variables_of_v5(path: Path) -> Variables:
    """Variables at the top, and the fields of the known struct."""
    listed = [(str(name), tuple(int(one) for one in shape), str(kind)) for name, shape, kind in scipy.io.whosmat(path)]
    found: Variables = {}
    if any(name == STRUCT and kind == "struct" for name, _shape, kind in listed):
        struct = scipy.io.loadmat(path, variable_names=[STRUCT], mat_dtype=True)[STRUCT]
        record = struct.flat[0]
        for name in struct.dtype.names or ():
            value = record[name]
            if isinstance(value, np.ndarray) and value.dtype.kind in "biufU":
                shape = () if value.dtype.kind == "U" else value.shape
                found[name] = (shape, value.dtype.kind == "b", partial(_plain, value))
    numeric = {"logical", "char", "single", "double", *(f"{sign}int{n}" for sign in ("", "u") for n in (8, 16, 32, 64))}
    for name, shape, kind in listed:
        if name not in found and kind in numeric:
            found[name] = (() if kind == "char" else shape, kind == "logical", _loader(path, name, kind == "logical"))
    return found


def _loader(path: Path, name: str, logical: bool) -> Callable[[], Value | None]:
    def read() -> Value | None:
        value = scipy.io.loadmat(path, variable_names=[name], mat_dtype=True)[name]
        return _plain(value.astype(bool) if logical else value)

    return read


def _plain(value: np.ndarray) -> Value | None:
    """Text as a string, numbers as they are."""
    if value.dtype.kind == "U":
        return "".join(map(str, value.ravel())).strip()
    return value if value.dtype.kind in "biuf" else None
