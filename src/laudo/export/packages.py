"""Packages of the extra ``laudo[onnx]``; they are imported when an export is asked for, never before."""

from __future__ import annotations

import importlib
from typing import Any

from laudo.core.errors import LaudoError
from laudo.core.messages import _

ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
CURE = "pip install 'laudo[onnx]'"


def require_onnx() -> None:
    """Refuse an export for which a package is missing, before anything is computed.

    Raises:
        LaudoError: names the package and the command that installs it.
    """
    for name in ONNX_PACKAGES:
        onnx_package(name)


def onnx_package(name: str) -> Any:
    """One of the packages.

    Raises:
        LaudoError: it is not installed, or something that it needs is not.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LaudoError(
            _("An export to ONNX needs a library that is not installed."), found=str(error), cure=CURE
        ) from error
