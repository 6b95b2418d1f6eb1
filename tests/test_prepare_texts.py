"""The texts of samples, and the same without the words that name the class."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.core.errors import RecipeError
from laudo.core.letters import plain
from laudo.prepare.texts import naming_words, sample_texts, without_words


def test_columns_stand_one_below_the_other_and_empty_ones_are_left_out():
    table = pd.DataFrame({"text": ["a", "", None], "findings": ["b", " c ", ""]})
    assert sample_texts(table, ["text", "findings"]) == ["a\nb", "c", ""]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(RecipeError) as refused:
        sample_texts(pd.DataFrame({"text": ["a"]}), ["text", "history"])
    assert "history" in str(refused.value.found)


def test_words_of_the_classes_name_them_but_not_those_that_say_nothing():
    words = naming_words(
        ["Brain and Neuro", "Head and Neck", "Dental, Oral, or Tooth"], {"Brain and Neuro": ["Cerebr*"]}
    )
    assert set(words) == {"brain", "neuro", "head", "neck", "dental", "oral", "tooth", "cerebr*"}
    assert list(words) == sorted(words, key=lambda word: (-len(word), word))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("MRI of the Brain, brains", "mri of the ,"),
        ("brainstem stays", "brainstem stays"),
        ("Lesões no CÉREBRO e cerebral", "lesoes no e"),
        ("soft-tissue  computed\ntomography scan", "soft-tissue scan"),
        ("c.t. of", ". of"),
        ("act of ct", "act of"),
    ],
)
def test_words_are_taken_out_whole(text, left):
    words = naming_words(["Brain"], {"Brain": ["cerebr*"], "CT": ["computed tomography", "c.t", "ct"]})
    assert without_words([text], words) == [left]


@given(st.text(alphabet="abctmr .\nÁé-", max_size=60))
def test_none_of_the_words_is_left(text):
    words = naming_words([], {"CT": ["ct", "tac"], "MR": ["mr", "ra*"]})
    (left,) = without_words([text], words)
    assert not re.search(r"(?<!\w)(ct|tac|mr)(?!\w)|(?<!\w)ra", left)
    kept = [word for word in plain(text).split() if not re.search(r"(ct|tac|mr|ra)", word)]
    assert [word for word in left.split() if word in kept] == kept


def test_without_words_to_take_out_only_the_form_changes():
    assert without_words(["Ânodo  Ç"], ()) == ["anodo  c"]
