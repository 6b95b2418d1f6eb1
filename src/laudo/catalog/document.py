"""What is searched of an image: the words of its texts, field by field, within what both data bases can hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from laudo.catalog.fold import words_of

FIELDS: tuple[str, ...] = ("title", "diagnosis", "caption", "findings", "history", "discussion")
"""Searched fields in their order; a hit in an earlier one ranks higher. ``topic`` counts as discussion."""

LABELS: dict[str, str] = {
    "title": "A",
    "diagnosis": "A",
    "caption": "B",
    "findings": "B",
    "history": "C",
    "discussion": "D",
}
"""Weight of each field in PostgreSQL."""

WEIGHTS: dict[str, float] = {"A": 8.0, "B": 4.0, "C": 2.0, "D": 1.0}
"""How much a hit counts."""

MOST_WORDS = 16_000
"""Words of a document that are searched: PostgreSQL counts places up to 16,383."""
MOST_TIMES = 255
"""Places of one word in a document that are searched: PostgreSQL keeps no more."""
MOST_LETTERS = 500_000
"""Letters of a document that are searched: a tsvector holds a mebibyte."""

FILLER = "_"
"""Stands for a word that stood there too often; no word is spelled so."""


class Document(NamedTuple):
    """Folded words of each field, in the order of :data:`FIELDS`."""

    fields: tuple[tuple[str, ...], ...]


def make_document(texts: Mapping[str, str]) -> Document:
    """The words of an image's texts.

    Args:
        texts: field → text; ``topic`` follows ``discussion``.
    """
    seen: Counter[str] = Counter()
    left, letters = MOST_WORDS, MOST_LETTERS
    fields = []
    for name in FIELDS:
        kept: list[str] = []
        text = texts.get(name, "")
        if name == "discussion":
            text = f"{text}\n{texts.get('topic', '')}"
        for word in _folded_words(text):
            letters -= len(word)
            if left <= 0 or letters <= 0:
                break
            left -= 1
            seen[word] += 1
            kept.append(word if seen[word] <= MOST_TIMES else FILLER)
        fields.append(tuple(kept))
    return Document(tuple(fields))


@lru_cache(maxsize=64)
def _folded_words(text: str) -> tuple[str, ...]:
    """Words of a text; the images of a case, which follow each other, share most of theirs."""
    return tuple(word.folded for word in words_of(text))
