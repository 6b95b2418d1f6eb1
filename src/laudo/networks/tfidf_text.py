"""Texts as weighed words and pieces of words (TF-IDF), brought to few numbers by singular value decomposition.

Deerwester S, Dumais S T, Furnas G W et al. Indexing by latent semantic analysis. J. Am. Soc. Inf. Sci. 41, 1990.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from laudo.core.atomic import atomic_path, write_json
from laudo.core.errors import DataError, RunError
from laudo.core.messages import _
from laudo.core.recipe import Tfidf
from laudo.core.stop_words import STOP_WORDS

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

KIND = "tfidf"
FEWEST_TEXTS = 2
TURNS = 7
"""Power iterations of the decomposition: with fewer its last components are not yet those of the exact one."""


@dataclass(frozen=True)
class TfidfText:
    """A fitted encoder of texts; see :class:`laudo.networks.text_encoder.TextEncoder`.

    Attributes:
        settings: what is counted.
        pieces: of words, then of characters: what is counted, in the order of the columns.
        rarity: of each of them, (V,) float64 inverse document frequencies.
        components: (D, V) float32, of all columns together.
    """

    settings: Tfidf
    pieces: tuple[tuple[str, ...], ...]
    rarity: tuple[np.ndarray, ...]
    components: np.ndarray

    kind = KIND

    @classmethod
    def fit(cls, texts: Sequence[str], settings: Tfidf) -> Self:
        """Learn vocabulary, rarity and components from the texts of the training part.

        Raises:
            DataError: fewer than two texts say anything, or they have no piece in common that is counted.
        """
        from sklearn.decomposition import TruncatedSVD

        said = [text for text in texts if text.strip()]
        if len(said) < FEWEST_TEXTS:
            raise DataError(
                _("The training part has no texts to learn from."),
                found=_("texts: {n}").format(n=len(said)),
                cure=_("Name the columns that hold them with --set data.text, or leave network.text away."),
            )
        counters = _counters(settings)
        try:
            columns = _stacked([counter.fit_transform(said) for counter in counters])
        except ValueError as error:  # "empty vocabulary", "no terms remain"
            raise DataError(
                _("Nothing in the texts of the training part is counted."),
                found=str(error),
                cure="--set network.tfidf.at_least=1",
            ) from error
        size = min(settings.components, len(said) - 1, columns.shape[1] - 1)
        if size < 1:
            raise DataError(_("The texts of the training part are all the same."), found=said[0][:80])
        svd = TruncatedSVD(size, n_iter=TURNS, random_state=0).fit(columns)
        return cls(
            settings,
            tuple(tuple(str(piece) for piece in counter.get_feature_names_out()) for counter in counters),
            tuple(np.asarray(counter.idf_, dtype=np.float64) for counter in counters),
            np.asarray(svd.components_, dtype=np.float32),
        )

    @property
    def size(self) -> int:
        """Numbers that a text becomes."""
        return len(self.components)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, D) float32 of length 1; a text of which nothing is known is a row of zeros."""
        if not len(texts):
            return np.zeros((0, self.size), np.float32)
        columns = _stacked([counter.transform(texts) for counter in self._fitted])
        vectors = np.asarray(columns @ self.components.T, dtype=np.float64)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)

    @cached_property
    def _fitted(self) -> list[TfidfVectorizer]:
        counters = _counters(self.settings)
        for counter, pieces, rarity in zip(counters, self.pieces, self.rarity, strict=True):
            counter.vocabulary = {piece: number for number, piece in enumerate(pieces)}
            counter.idf_ = rarity
        return counters

    def save(self, folder: Path) -> None:
        """Write text.safetensors, then text.json."""
        tensors = {f"rarity-{number}": one for number, one in enumerate(self.rarity)}
        with atomic_path(folder / "text.safetensors") as temporary:
            save_file({"components": np.ascontiguousarray(self.components), **tensors}, temporary)
        facts = {"kind": KIND, "settings": self.settings.model_dump(mode="json"), "pieces": self.pieces}
        write_json(folder / "text.json", facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            RunError: a file is missing, damaged, or the two do not belong together.
        """
        try:
            facts: dict[str, Any] = json.loads((folder / "text.json").read_text(encoding="utf-8"))
            tensors = load_file(folder / "text.safetensors")
            pieces = tuple(tuple(str(piece) for piece in some) for some in facts["pieces"])
            rarity = tuple(tensors[f"rarity-{number}"] for number in range(len(pieces)))
            found = cls(Tfidf(**facts["settings"]), pieces, rarity, tensors["components"])
            columns = [len(some) for some in pieces]
            if [len(one) for one in rarity] != columns or found.components.shape[1] != sum(columns):
                raise ValueError(f"pieces {columns}, components {found.components.shape}")
            if len(_counters(found.settings)) != len(pieces):
                raise ValueError(f"settings {found.settings}, pieces {columns}")
            return found
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise RunError(
                _("The part of the model that reads texts can not be read."),
                file=folder,
                found=f"{type(error).__name__}: {error}"[:300],
                cure=_("Train again, or bring the folder back from a copy."),
            ) from error


def _counters(settings: Tfidf) -> list[TfidfVectorizer]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    common: dict[str, Any] = {"sublinear_tf": True, "strip_accents": "unicode", "min_df": settings.at_least}
    found = []
    if settings.words is not None:
        found.append(TfidfVectorizer(ngram_range=settings.words, stop_words=sorted(STOP_WORDS), **common))
    if settings.characters is not None:
        found.append(TfidfVectorizer(analyzer="char_wb", ngram_range=settings.characters, **common))
    return found


def _stacked(parts: Sequence[csr_matrix]) -> csr_matrix:
    from scipy.sparse import csr_matrix, hstack

    return csr_matrix(hstack(parts))
