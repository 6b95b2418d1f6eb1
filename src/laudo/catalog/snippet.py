"""The piece of a text in which the words of a search stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from laudo.catalog.document import FIELDS
from laudo.catalog.fold import Word, words_of
from laudo.catalog.result import Snippet
from laudo.catalog.words import Term

LENGTH = 24
"""Words that are shown."""

BEFORE = 6
"""Of them, before the first one that was found."""


def make_snippet(texts: Mapping[str, str], wanted: Sequence[Term]) -> Snippet:
    """The text that holds most of the terms, cut around them; of no term, the beginning of the caption or of the title.

    Args:
        texts: field → text.
        wanted: what was found.
    """
    best, most = None, 0
    for name in (*FIELDS, "topic"):
        words = list(words_of(texts.get(name, "")))
        found = [term for term in wanted if _places(words, term)]
        if len(found) > most:
            best, most = (name, words, found), len(found)
    if best is None:
        name = next((one for one in ("caption", "title", "diagnosis", "findings") if texts.get(one)), "caption")
        return _cut(name, texts.get(name, ""), list(words_of(texts.get(name, ""))), [])
    name, words, found = best
    return _cut(name, texts[name], words, sorted({place for term in found for place in _places(words, term)}))


def _places(words: Sequence[Word], term: Term) -> list[int]:
    """Numbers of the words that belong to a term wherever it stands."""
    size = len(term.words)
    places: list[int] = []
    for start in range(len(words) - size + 1):
        *first, last = [word.folded for word in words[start : start + size]]
        ends = last.startswith(term.words[-1]) if term.prefix else last == term.words[-1]
        if ends and tuple(first) == term.words[:-1]:
            places += range(start, start + size)
    return places


def _cut(name: str, text: str, words: Sequence[Word], places: Sequence[int]) -> Snippet:
    if not words:
        return Snippet(name, "")
    start = _densest(places, len(words)) if places else 0
    stop = min(start + LENGTH, len(words))
    low = words[start].start if start else 0
    high = words[stop - 1].end if stop < len(words) else len(text.rstrip())
    shown = " ".join(text[low:high].split())
    left = "… " if start else ""
    marks = _marks(text[low:high], [(words[n].start - low, words[n].end - low) for n in places if start <= n < stop])
    right = " …" if stop < len(words) else ""
    return Snippet(name, left + shown + right, tuple((a + len(left), b + len(left)) for a, b in marks))


def _densest(places: Sequence[int], count: int) -> int:
    """Where a window begins that holds most of the places."""
    first = max(places, key=lambda one: (sum(one <= other < one + LENGTH - BEFORE for other in places), -one))
    return max(0, min(first - BEFORE, count - LENGTH))


def _marks(raw: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of a text as they are after runs of blanks have become one."""
    place, after, blank = [], 0, True
    for letter in raw:
        place.append(after)
        if letter.isspace():
            after += 0 if blank else 1
            blank = True
        else:
            after, blank = after + 1, False
    return [(place[start], place[end - 1] + 1) for start, end in spans]
