"""Messages in English, Portuguese (Brazil) and Spanish, through gettext. English is the source text.

The catalogues are ``locale/<language>/LC_MESSAGES/laudo.po``; the build compiles them.
"""

from __future__ import annotations

import gettext as _gettext
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

LANGUAGES: tuple[str, ...] = ("en", "pt", "es")
"""The languages of messages, reports and pages."""

LOCALE_OF = {"en": "en_US", "pt": "pt_BR", "es": "es"}
"""Locale whose number and date forms belong to each language."""

_LOCALE_DIR = Path(__file__).parent.parent / "locale"
_current = ""


@cache
def translations(language: str) -> _gettext.NullTranslations:
    """Catalogue of a language; English, and a catalogue that was not compiled, give the source text."""
    return _gettext.translation("laudo", _LOCALE_DIR, languages=[language], fallback=True)


def language_from_environment(environment: dict[str, str] | None = None) -> str:
    """Language of ``LAUDO_LANG``, else of the locale variables, in POSIX order; English when none is ours."""
    values = os.environ if environment is None else environment
    for variable in ("LAUDO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = values.get(variable, "")
        if value:
            code = value[:2].lower()
            return code if code in LANGUAGES else "en"
    return "en"


def set_language(language: str) -> None:
    """Choose the language of the messages that follow."""
    global _current
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: choose one of {', '.join(LANGUAGES)}")
    _current = language


def current_language() -> str:
    """Language of messages: the one set, else the environment's."""
    return _current or language_from_environment()


def _(text: str) -> str:
    """Translate into the current language."""
    return translations(current_language()).gettext(text)


def N_(text: str) -> str:  # noqa: N802 (gettext's own name for "translate later")
    """Mark a text of a table for the catalogue; it is translated when it is shown."""
    return text


def ngettext(singular: str, plural: str, n: int) -> str:
    """Translate a text with a number in it, in the right plural form."""
    return translations(current_language()).ngettext(singular, plural, n)


def translator(language: str) -> Callable[[str], str]:
    """``_`` for a given language, whatever the current one is: a report's language is its own."""
    return translations(language).gettext
