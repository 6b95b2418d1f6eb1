"""Letters as texts are compared: small ones, without accents."""

from __future__ import annotations

import unicodedata

_OTHERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
"""Letters that are no letter with an accent to Unicode."""


def plain(text: str) -> str:
    """In small letters and without accents: ``Crânio`` and ``CRANIO`` are the same."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(one for one in apart if not unicodedata.combining(one)).translate(_OTHERS)
