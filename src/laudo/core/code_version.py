"""Which commit of laudo's own source is running, where it runs from a git checkout."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import laudo

PATIENCE_S = 10.0
"""A git that takes longer has no answer."""


@cache
def code_commit() -> str | None:
    """Hash of the commit, with ``+changes`` where files of the package differ from it; None outside a checkout of laudo."""
    return commit_of(Path(laudo.__file__).parent)


def commit_of(package: Path) -> str | None:
    """The same of a package folder; None where git is missing, or the folder only lies in a repository that does not track it."""
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return None if commit is None else commit + ("+changes" if changes else "")


def _git(folder: Path, *words: str) -> str | None:
    """What git says; None when it can not be asked, or says no."""
    try:
        done = subprocess.run(  # noqa: S603 (fixed words)
            ["git", "-C", str(folder), *words],  # noqa: S607 (whichever git the user has)
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
