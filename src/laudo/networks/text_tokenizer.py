"""Texts to numbers of word pieces, as the tokenizer of a checkpoint makes them."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from laudo.networks.optional_package import load_package

Cleaning = Literal["none", "lower", "siglip", "open_clip lower", "open_clip whitespace", "open_clip canonicalize"]
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class TokenRules:
    """What a tokenizer's file does not say.

    Attributes:
        longest: word pieces of the longest text, marks of beginning and end included; what is longer is cut.
        pad: number that fills shorter texts.
        fill: fill to the longest text that can be, rather than to the longest of a batch.
        cleaning: what is done to a text first. ``siglip``: lower case without punctuation, as it was trained.
        erase: pieces that are replaced by 0, as some networks of open_clip were trained.
    """

    longest: int
    pad: int
    fill: bool = False
    cleaning: Cleaning = "none"
    erase: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For text.json."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> TokenRules:
        """From text.json."""
        return cls(**{**value, "erase": tuple(value["erase"])})


class TextTokenizer:
    """A tokenizer.

    Args:
        rules: see there.
        file: contents of its tokenizer.json; None: the tokenizer that open_clip brings itself.

    Raises:
        LaudoError: a package is not installed that it needs.
        ValueError: the file is damaged.
    """

    def __init__(self, rules: TokenRules, file: str | None) -> None:
        self.rules = rules
        self.file = file
        self._clean = _cleaner(rules.cleaning)
        if file is None:
            self._own = load_package("open_clip").tokenizer.SimpleTokenizer(context_length=rules.longest)
        else:
            self._pieces = parse_tokenizer(file)
            self._pieces.no_padding()
            self._pieces.enable_truncation(rules.longest)

    def numbers(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Pieces of each text, not filled up, and how many texts were cut."""
        cleaned = [self._clean(text) for text in texts]
        if self.file is None:
            return self._by_open_clip(cleaned)
        found = self._pieces.encode_batch(cleaned)
        return [self._erased(one.ids) for one in found], sum(bool(one.overflowing) for one in found)

    def filled(self, numbers: Sequence[list[int]]) -> list[list[int]]:
        """All of one length."""
        length = self.rules.longest if self.rules.fill else max(map(len, numbers))
        return [[*one, *[self.rules.pad] * (length - len(one))] for one in numbers]

    def _by_open_clip(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        begin, end = self._own.sot_token_id, self._own.eot_token_id
        found, cut = [], 0
        for text in texts:
            pieces = self._own.encode(text)
            cut += len(pieces) > self.rules.longest - 2
            found.append([begin, *pieces[: self.rules.longest - 2], end])
        return found, cut

    def _erased(self, numbers: list[int]) -> list[int]:
        return [0 if one in self.rules.erase else one for one in numbers] if self.rules.erase else numbers


def parse_tokenizer(file: str) -> Any:
    """The tokenizer of a tokenizer.json.

    Raises:
        ValueError: it is damaged.
    """
    parts = load_package("tokenizers")
    try:
        return parts.Tokenizer.from_str(file)
    except Exception as error:  # the library raises nothing more special
        raise ValueError(str(error)) from error


def _cleaner(name: Cleaning) -> Callable[[str], str]:
    if name.startswith("open_clip "):
        clean: Callable[[str], str] = load_package("open_clip").tokenizer.get_clean_fn(name.removeprefix("open_clip "))
        return clean
    known: dict[str, Callable[[str], str]] = {"none": lambda text: text, "lower": str.lower, "siglip": _canonical}
    return known[name]


def _canonical(text: str) -> str:
    return " ".join(text.lower().translate(NO_PUNCTUATION).split())
