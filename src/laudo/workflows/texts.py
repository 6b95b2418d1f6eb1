"""The texts of a data set as numbers, read with what a split's training part says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from laudo.core.errors import DataError, RecipeError
from laudo.core.manifest import Manifest
from laudo.core.messages import _
from laudo.core.progress import say
from laudo.core.recipe import Recipe
from laudo.networks.text_encoder import PretrainedTextEncoder, TextEncoder
from laudo.networks.text_encoders import pretrained_text_encoder
from laudo.networks.tfidf_text import KIND as TFIDF
from laudo.networks.tfidf_text import TfidfText
from laudo.prepare.texts import naming_words, sample_texts, without_words
from laudo.workflows.dataset import Dataset
from laudo.workflows.text_cache import cached_vectors

ANSWER = 0.9
"""Share of the samples whose text is their class from which on a column is the answer and no text."""


@dataclass(frozen=True)
class ReadTexts:
    """Texts as numbers.

    Attributes:
        encoder: that read them.
        vectors: (n, D) float32 of every sample.
    """

    encoder: TextEncoder
    vectors: np.ndarray


@dataclass(frozen=True)
class Texts:
    """The texts of every sample of a data set.

    Attributes:
        recipe: says what reads them.
        plain: as they are written.
        masked: the same without the words that name the class.
        words: those words.
        pretrained: what reads them, where that is not fitted; else None.
    """

    recipe: Recipe
    plain: tuple[str, ...]
    masked: tuple[str, ...]
    words: tuple[str, ...]
    pretrained: PretrainedTextEncoder | None

    @classmethod
    def of(cls, recipe: Recipe, dataset: Dataset) -> Self:
        """Collect the texts, and bring what reads them.

        Raises:
            RecipeError: there is no such column.
            DataError: no sample has a text.
            WeightsError: what is to read them is nowhere.
        """
        manifest, network = dataset.manifest, recipe.network
        assert network.text is not None, "the recipe reads texts"
        plain = sample_texts(manifest.table, recipe.data.text)
        said = sum(bool(text) for text in plain)
        if not said:
            raise DataError(
                _("No sample of the data has a text."),
                file=manifest.root,
                found=f"data.text={','.join(recipe.data.text)}",
                cure=_("Name the columns that hold them with --set data.text, or leave network.text away."),
            )
        say(_("Texts: {n} of {total} samples have one").format(n=said, total=len(plain)))
        _refuse_the_answer(manifest, recipe)
        words = naming_words(manifest.classes, recipe.data.label_words)
        encoder = None
        if network.text != TFIDF:
            encoder = pretrained_text_encoder(network.text, network.weights, dataset.device)
        return cls(recipe, tuple(plain), tuple(without_words(plain, words)), words, encoder)

    def read(self, rows: np.ndarray, masked: bool = False) -> ReadTexts:
        """All texts as numbers.

        Args:
            rows: of the training part, on which what is not pretrained is fitted.
            masked: without the words that name the class, in training too.
        """
        texts = self.masked if masked else self.plain
        if self.pretrained is not None:
            return ReadTexts(self.pretrained, cached_vectors(self.pretrained, texts))
        fitted = TfidfText.fit([texts[row] for row in rows], self.recipe.network.tfidf)
        return ReadTexts(fitted, fitted.encode(texts))

    def changed_by_masking(self, rows: np.ndarray) -> int:
        """How many of these samples' texts name a class."""
        unmasked = without_words([self.plain[row] for row in rows], ())
        return sum(before.split() != self.masked[row].split() for row, before in zip(rows, unmasked, strict=True))


def _refuse_the_answer(manifest: Manifest, recipe: Recipe) -> None:
    """Refuse a column that says nothing but the class.

    Raises:
        RecipeError: names it.
    """
    for name in recipe.data.text:
        if (manifest.table[name].astype(str) == manifest.table["label"].astype(str)).mean() > ANSWER:
            raise RecipeError(
                _("The text is the class itself: nothing would be learned from it."),
                found=f"data.text={name}",
                cure=_("Leave this column out of data.text."),
            )
