"""Paths in the texts of a report: a report is handed on, and the folders above a file may hold the name of a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PATH = re.compile(r"(?<![\w./\\:…~-])(?:/|~/|[A-Za-z]:[\\/]|\\\\)(?:[^\s/\\\"'`<>|]+[\\/]+)+(?=[^\s/\\\"'`<>|])")
"""The folders of an absolute path (POSIX, from home, Windows, network) inside a sentence, up to its last part."""


def without_folders(text: str) -> str:
    """The text with ``…/`` in place of the folders above the last part of every absolute path in it.

    A text that is nothing but a path may hold blanks; inside a sentence a path ends at the first blank, so that the home
    folder is looked for first, as a whole.
    """
    if Path(text).is_absolute() and "\n" not in text and not re.search(r"\s[/~]", text):
        return f"…/{Path(text).name}"
    home = str(Path.home())
    for ending in "/\\":
        text = text.replace(home + ending, "~/")
    return PATH.sub("…/", text)


def impersonal(value: Any) -> Any:
    """The same JSON value, every text in it :func:`without_folders`."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, list):
        return [impersonal(one) for one in value]
    if isinstance(value, dict):
        return {key: impersonal(one) for key, one in value.items()}
    return value
