"""Words of a text as the catalogue compares them: without accents, capitals, punctuation; every alphabet spelled in ASCII.

The data bases never cut or fold words themselves, so that both find the same: FTS5's tokenizer and PostgreSQL's parser differ in
what they take for a word, and PostgreSQL's depends on the server's locale too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from laudo.core.letters import plain

LONGEST = 40
"""Characters of a word that count; both data bases have limits, far higher ones."""

_RUN = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPELLED = re.compile(r"_([0-9a-f]+)_")


class Word(NamedTuple):
    """A word of a text: how it is compared, and where it stands."""

    folded: str
    start: int
    end: int


def clean(text: str) -> str:
    """Text that both data bases can hold, and a terminal: composed (NFC), no control characters, no half of a surrogate pair."""
    text = _CONTROLS.sub(" ", text)
    return text if text.isascii() else unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))


def words_of(text: str) -> Iterator[Word]:
    """The words of a text in their order; places are those of ``text``."""
    for run in _RUN.finditer(text):
        folded = fold_word(run.group())
        if folded:
            yield Word(folded, run.start(), run.end())


def fold_word(word: str) -> str:
    """One word in lower case ASCII; a letter of another alphabet becomes its number between underscores, ``β`` is ``_3b2_``."""
    if word.isascii():
        return word.lower()[:LONGEST]
    kept = [one for one in plain(word) if one.isalnum()][:LONGEST]
    return "".join(one if one.isascii() else f"_{ord(one):x}_" for one in kept)


def folded(text: str) -> str:
    """All words of a text with blanks between them."""
    return " ".join(word.folded for word in words_of(text))


def spelled(words: str) -> str:
    """Folded words with their letters again."""
    return _SPELLED.sub(lambda found: chr(int(found[1], 16)), words)
