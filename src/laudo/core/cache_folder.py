"""Where laudo keeps what it can work out again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``LAUDO_CACHE``, else the user's cache folder."""
    if os.environ.get("LAUDO_CACHE"):
        return Path(os.environ["LAUDO_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    return Path(base) / "laudo" if base else Path.home() / ".cache" / "laudo"
