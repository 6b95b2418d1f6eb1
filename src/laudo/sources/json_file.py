"""One JSON file of a data set: its list of cases, its dataset.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from laudo.core.errors import DataError
from laudo.core.messages import _

T = TypeVar("T", dict[str, Any], list[Any])


def read_json(path: Path, kind: type[T]) -> T:
    """Contents of a JSON file that must be an object (``dict``) or a list.

    Raises:
        DataError: it can not be read, is no JSON, or is the other of the two.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            _("The file can not be read as JSON."), file=path, found=f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(value, kind):
        expected, found = ("{…}", "[…]") if kind is dict else ("[…]", "{…}")
        raise DataError(_("The file can not be read as JSON."), file=path, expected=expected, found=found)
    return value
