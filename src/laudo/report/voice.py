"""The report's own language: its sentences, numbers, dates and lists, whatever language the command speaks."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from laudo.core.messages import LANGUAGES, LOCALE_OF, translations

MINUS = "\u2212"
MISSING = "–"


class Voice:
    """Sentences and numbers in one language.

    Args:
        language: one of :data:`laudo.core.messages.LANGUAGES`.

    Raises:
        ValueError: laudo does not speak this language.
    """

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r}: choose one of {', '.join(LANGUAGES)}")
        self.language = language
        self.locale = Locale.parse(LOCALE_OF[language])
        self._catalogue = translations(language)

    @property
    def tag(self) -> str:
        """BCP 47 tag for ``<html lang>``."""
        return LOCALE_OF[self.language].replace("_", "-")

    def gettext(self, text: str) -> str:
        """Translate; the empty text stays empty (gettext would answer with the catalogue's header)."""
        return _no_break(self._catalogue.gettext(text)) if text else ""

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Translate a text with a number in it."""
        return _no_break(self._catalogue.ngettext(singular, plural, n))

    # numbers ------------------------------------------------------------------------------------------------

    def number(self, value: float | None, digits: int = 3) -> str:
        """Write a number with a fixed count of decimals; a dash when it is not defined."""
        if value is None or not math.isfinite(value):
            return MISSING
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return str(format_decimal(value, format=pattern, locale=self.locale)).replace("-", MINUS)

    def integer(self, value: float | None) -> str:
        """Write a whole number with the separators of the language."""
        return self.number(value, 0)

    def short(self, value: float) -> str:
        """Write a setting such as a learning rate, with the decimals that it has."""
        return str(format_decimal(value, format="#,##0.############", locale=self.locale))

    def percent(self, value: float | None) -> str:
        """Write a share as a whole per cent."""
        if value is None or not math.isfinite(value):
            return MISSING
        return str(format_percent(value, locale=self.locale)).replace("-", MINUS)

    def points(self, difference: float) -> str:
        """Write a difference of two shares in percentage points, one decimal."""
        return self.number(100 * difference, 1)

    def interval(self, metric: Mapping[str, Any] | None, digits: int = 3, scale: float = 1.0) -> str:
        """``0.87–0.94`` of ``{"value", "ci95"}``; empty when there is no interval."""
        ends = (metric or {}).get("ci95") or ()
        if len(ends) != 2 or any(end is None or not math.isfinite(end) for end in ends):
            return ""
        low, high = (self.number(end * scale, digits) for end in ends)
        # A dash between signed numbers is read as a minus.
        dash = " … " if MINUS in low + high else "–"
        return f"{low}{dash}{high}"

    def estimate(self, metric: Mapping[str, Any] | None, digits: int = 3) -> str:
        """``0.91 (95 % interval 0.87–0.94)`` of ``{"value", "ci95"}``."""
        value = self.number((metric or {}).get("value"), digits)
        interval = self.interval(metric, digits)
        if not interval:
            return value
        return self.gettext("{value} (95 % interval {interval})").format(value=value, interval=interval)

    # counted things -----------------------------------------------------------------------------------------

    def images(self, n: int) -> str:
        """``1 image``, ``253 images``."""
        return self.ngettext("{n} image", "{n} images", n).format(n=self.integer(n))

    def cases(self, n: int) -> str:
        """``1 case``, ``42 cases``: images or volumes whose structures are outlined."""
        return self.ngettext("{n} case", "{n} cases", n).format(n=self.integer(n))

    def groups(self, n: int) -> str:
        """``1 group``, ``201 groups``."""
        return self.ngettext("{n} group", "{n} groups", n).format(n=self.integer(n))

    def epochs(self, n: int) -> str:
        """``1 epoch``, ``30 epochs``."""
        return self.ngettext("{n} epoch", "{n} epochs", n).format(n=self.integer(n))

    # words --------------------------------------------------------------------------------------------------

    def join(self, items: Sequence[str]) -> str:
        """List as ``a, b and c``."""
        return str(format_list(list(items), locale=self.locale))

    def date(self, iso: str | None) -> str:
        """Date and time of an ISO 8601 text; the text itself when it is none."""
        if not iso:
            return ""
        try:
            moment = datetime.fromisoformat(iso)
        except ValueError:
            return str(iso)
        zone = " UTC" if moment.tzinfo is not None and not moment.utcoffset() else ""
        clock = format_time(moment, "HH:mm", tzinfo=moment.tzinfo, locale=self.locale)
        return f"{format_date(moment, 'long', locale=self.locale)}, {clock}{zone}"

    def duration(self, seconds: float | None) -> str:
        """``3 minutes``."""
        if seconds is None or not math.isfinite(seconds):
            return MISSING
        return str(format_timedelta(max(1, round(seconds)), threshold=1.5, locale=self.locale))


def _no_break(text: str) -> str:
    """Keep a number and its per cent sign on one line."""
    return re.sub(r"(\d) %", "\\1\u00a0%", text)
