"""Texts as weighed words: against scikit-learn's own pipeline, with accents, and as files."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import Normalizer

from laudo.core.errors import DataError, RunError
from laudo.core.recipe import Tfidf
from laudo.core.stop_words import STOP_WORDS
from laudo.networks.tfidf_text import TfidfText

TEXTS = [
    "Axial CT of the chest shows a nodule.",
    "Coronal MR of the brain shows a mass in the left temporal lobe.",
    "Sagittal MR of the spine: herniated disc.",
    "CT of the abdomen with contrast shows free fluid.",
    "Chest radiograph is normal.",
    "Brain MR with contrast shows an enhancing mass.",
    "",
    "Tomografia do tórax com nódulo no pulmão.",
    "Resonancia magnética del cráneo con lesión frontal.",
]
SETTINGS = Tfidf(at_least=1, components=5)


def test_it_is_scikit_learns_pipeline():
    found = TfidfText.fit(TEXTS, SETTINGS)
    common = {"sublinear_tf": True, "strip_accents": "unicode"}
    words = TfidfVectorizer(ngram_range=(1, 2), stop_words=sorted(STOP_WORDS), **common)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **common)
    said = [text for text in TEXTS if text]
    oracle = make_pipeline(make_union(words, letters), TruncatedSVD(5, n_iter=7, random_state=0), Normalizer()).fit(
        said
    )
    np.testing.assert_allclose(found.encode(said), oracle.transform(said), atol=1e-5)
    new = ["CT of the brain", "a herniated nodule in the chest"]
    np.testing.assert_allclose(found.encode(new), oracle.transform(new), atol=1e-5)


def test_accents_and_capitals_do_not_count():
    found = TfidfText.fit(TEXTS, SETTINGS)
    written, plain = found.encode(["LESIÓN del Cráneo", "lesion do cranio"])[0], found.encode(["lesion del craneo"])[0]
    np.testing.assert_allclose(written, plain, atol=1e-6)


@pytest.mark.parametrize("words", ["the of and with", "com uma das", "con los del"])
def test_words_that_say_nothing_are_nothing(words):
    found = TfidfText.fit(TEXTS, Tfidf(characters=None, at_least=1, components=5))
    assert not found.encode([words]).any()


@given(st.lists(st.text(max_size=40), max_size=6))
def test_any_text_becomes_a_vector_of_length_one_or_nothing(texts):
    found = _FITTED.encode(texts)
    assert found.shape == (len(texts), 5)
    assert found.dtype == np.float32
    lengths = np.linalg.norm(found.astype(float), axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))


_FITTED = TfidfText.fit(TEXTS, SETTINGS)


def test_saved_and_loaded_it_says_the_same(tmp_path):
    _FITTED.save(tmp_path)
    loaded = TfidfText.load(tmp_path)
    np.testing.assert_array_equal(loaded.encode(TEXTS), _FITTED.encode(TEXTS))
    assert loaded.settings == SETTINGS


def test_there_are_never_more_numbers_than_texts_allow():
    assert TfidfText.fit(TEXTS, Tfidf(at_least=1, components=400)).size == 7  # eight texts say something


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["", "  "], "no texts to learn from"),
        (["one"], "no texts to learn from"),
        (["the of", "and with"], "is counted"),
    ],
)
def test_texts_that_say_nothing_are_refused(texts, told):
    with pytest.raises(DataError, match=told):
        TfidfText.fit(texts, Tfidf(characters=None, at_least=1))


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    _FITTED.save(tmp_path)
    facts = json.loads((tmp_path / "text.json").read_text())
    facts["pieces"][0].append("strange")
    (tmp_path / "text.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match="reads texts"):
        TfidfText.load(tmp_path)
