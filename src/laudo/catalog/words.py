"""What a user types into the search: words, "phrases", -excluded ones, beginnings*. Every text is a valid question."""

from __future__ import annotations

import re
from dataclasses import dataclass

from laudo.catalog.fold import clean, spelled, words_of
from laudo.core.stop_words import STOP_WORDS

QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
"""Quotation marks of all kinds."""

MOST = 64
"""Terms of a question that count."""

_CHUNK = re.compile(r'(?P<minus>(?<!\S)[-−](?=[^\s\-−]))?(?:"(?P<phrase>[^"]*)"(?P<star>\*?)|(?P<bare>[^\s"]+))')


@dataclass(frozen=True)
class Term:
    """Folded words that must follow each other; the last one may be the beginning of a word."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Words:
    """A question.

    Attributes:
        wanted: all of them must stand in the texts of an image.
        excluded: none of them may.
        dropped: words that were left out, since they stand in every text.
    """

    wanted: tuple[Term, ...] = ()
    excluded: tuple[Term, ...] = ()
    dropped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted or self.excluded)


def read_words(question: str) -> Words:
    """Understand what was typed.

    Words are wanted together. ``"a b"`` is a phrase, in which stop words count too; ``-word`` and ``-"a b"`` must not occur;
    ``word*`` stands for every word that begins so. A word with a hyphen or a slash is a phrase of its parts. Anything else,
    a lone quotation mark among it, is no sign.
    """
    wanted: dict[Term, None] = {}
    excluded: dict[Term, None] = {}
    dropped: dict[str, None] = {}
    for chunk in _CHUNK.finditer(clean(question).translate(QUOTES)):
        quoted = chunk["phrase"] is not None
        text = chunk["phrase"] if quoted else chunk["bare"]
        parts = tuple(word.folded for word in words_of(text))
        if not parts:
            continue
        prefix = chunk["star"] == "*" or text.rstrip().endswith("*")
        if not quoted and not prefix and len(parts) == 1 and parts[0] in STOP_WORDS:
            dropped[text] = None
            continue
        target = excluded if chunk["minus"] else wanted
        if len(wanted) + len(excluded) < MOST:
            target[Term(parts[:MOST], prefix)] = None
    return Words(tuple(wanted), tuple(excluded), tuple(dropped))


def shortened(words: Words) -> Words:
    """The same question with every single word as a beginning: two thirds of it, four letters at least."""

    def wider(term: Term) -> Term:
        if len(term.words) > 1 or term.prefix or not term.words[0].isalpha() or len(term.words[0]) <= 5:
            return term
        (word,) = term.words
        return Term((word[: max(4, 2 * len(word) // 3)],), prefix=True)

    return Words(tuple(wider(term) for term in words.wanted), words.excluded, words.dropped)


def typed(words: Words) -> str:
    """The question as it could be typed again."""

    def one(term: Term) -> str:
        text = spelled(" ".join(term.words))
        quoted = len(term.words) > 1 or term.words[0] in STOP_WORDS
        return (f'"{text}"' if quoted else text) + ("*" if term.prefix else "")

    return " ".join([*map(one, words.wanted), *(f"-{one(term)}" for term in words.excluded)])
