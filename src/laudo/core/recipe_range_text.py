"""A range as it is written on the command line, ``a.b=1e-5:1e-2:log``, as a setting of the recipe."""

from __future__ import annotations

from laudo.core.errors import RecipeError
from laudo.core.messages import _

FORMS = "key=LOW:HIGH, key=LOW:HIGH:log, key=LOW:HIGH:STEP, key=A,B,C"


def range_setting(text: str) -> str:
    """``tune.a.b={low: …, high: …}`` of ``a.b=LOW:HIGH[:log|:STEP]``, or ``tune.a.b={choices: […]}`` of ``a.b=A,B,C``.

    Raises:
        RecipeError: it is none of these.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not key or not equals or not value:
        raise _misfit(text)
    if value.startswith("{"):
        raise _misfit(text)
    if value.startswith("[") or ":" not in value:
        return f"tune.{key}={{choices: [{value}]}}"
    parts = [part.strip() for part in value.split(":")]
    if len(parts) not in (2, 3) or not all(parts):
        raise _misfit(text)
    more = "" if len(parts) == 2 else ", log: true" if parts[2] == "log" else f", step: {parts[2]}"
    return f"tune.{key}={{low: {parts[0]}, high: {parts[1]}{more}}}"


def _misfit(text: str) -> RecipeError:
    return RecipeError(_("A range is not understood."), found=f"--range {text}", expected=FORMS)
