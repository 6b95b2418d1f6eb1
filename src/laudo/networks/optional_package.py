"""Packages that only some networks need; they are imported when one is asked for, never before."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from huggingface_hub import constants

from laudo.core.errors import LaudoError
from laudo.core.messages import _

PackageName = Literal["transformers", "open_clip", "tokenizers"]


def load_package(name: PackageName) -> Any:
    """The package, which tells nobody that it is used.

    Raises:
        LaudoError: it is not installed, or something that it needs is not.
    """
    constants.HF_HUB_DISABLE_TELEMETRY = True  # whoever imported huggingface_hub before us
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise LaudoError(
            _("Networks that were trained on images and texts need a library that is not installed."),
            found=str(error),
            cure="pip install 'laudo[clip]'",
        ) from error
