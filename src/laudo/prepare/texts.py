"""The texts of samples, and the same without the words that name the class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from laudo.core.errors import RecipeError
from laudo.core.letters import plain
from laudo.core.messages import _
from laudo.core.stop_words import STOP_WORDS

WORD = re.compile(r"\w+")
SHORTEST = 2
"""Letters that a word of a class's name has at least: one letter alone names nothing."""
PLURALS = "(?:e?s)?"


def sample_texts(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The text of each row: these columns, one below the other, empty ones left out.

    Raises:
        RecipeError: there is no such column.
    """
    strange = [name for name in columns if name not in table]
    if strange:
        raise RecipeError(
            _("The data have no such column of texts."),
            found=f"data.text={','.join(strange)}",
            expected=", ".join(str(name) for name in table.columns),
        )
    rows = table[list(columns)].fillna("").astype(str).to_numpy()
    return ["\n".join(part.strip() for part in row if part.strip()) for row in rows]


def naming_words(classes: Sequence[str], further: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Words and phrases that name one of the classes, without accents, in small letters, the longest first.

    Args:
        classes: of whose names each word counts, but for those that say nothing by themselves.
        further: words and phrases by class, as `data.label_words` has them.
    """
    own = [word for name in classes for word in WORD.findall(plain(name)) if _says_something(word)]
    given = [plain(phrase).strip() for phrases in further.values() for phrase in phrases]
    return tuple(sorted({word for word in [*own, *given] if word}, key=lambda word: (-len(word), word)))


def without_words(texts: Sequence[str], words: Sequence[str]) -> list[str]:
    """The texts in small letters and without accents, these words and their plurals taken out.

    Args:
        texts: of samples.
        words: as :func:`naming_words` gives them; one that ends with ``*`` takes every word with it that begins so.
    """
    if not words:
        return [plain(text) for text in texts]
    pattern = re.compile("|".join(rf"(?<!\w){_form(word)}(?!\w)" for word in words))
    return [" ".join(pattern.sub(" ", plain(text)).split()) for text in texts]


def _form(word: str) -> str:
    """Pattern of a word, with white space of any length between the words of a phrase."""
    begins = word.endswith("*")
    body = r"\s+".join(re.escape(part) for part in word.rstrip("*").split())
    return body + (r"\w*" if begins else PLURALS)


def _says_something(word: str) -> bool:
    return len(word) >= SHORTEST and word not in STOP_WORDS and not word.isdigit()
