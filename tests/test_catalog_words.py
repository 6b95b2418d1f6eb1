"""Words: how texts are folded, what a typed question means, sex and age."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laudo.catalog.document import MOST_TIMES, MOST_WORDS, make_document
from laudo.catalog.fold import clean, folded, words_of
from laudo.catalog.person import Ages, age_years_of, read_ages, sex_of
from laudo.catalog.snippet import LENGTH, make_snippet
from laudo.catalog.tsvector import vector_text
from laudo.catalog.words import Term, Words, read_words, shortened, typed
from laudo.core.errors import DataError
from laudo.core.stop_words import STOP_WORDS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Lesão, CORAÇÃO e vômitos", "lesao coracao e vomitos"),
        ("Lesa\u0303o", "lesao"),
        ("años niño pingüino", "anos nino pinguino"),
        ("T2-weighted 1e5 3.5 cm", "t2 weighted 1e5 3 5 cm"),
        ("β-hCG", "_3b2_ hcg"),
        ("ﬁstula Straße Ørsted İstanbul", "fistula strasse orsted istanbul"),
        ("a_b", "a b"),
        ("x\0y\x1b[2J", "x y 2j"),
    ],
)
def test_folding(text, words):
    assert folded(clean(text)) == words


@given(st.text())
def test_folded_words_are_what_both_data_bases_take_for_one_word(text):
    text = clean(text)
    text.encode()
    for word in words_of(text):
        assert word.folded
        assert set(word.folded) <= set("abcdefghijklmnopqrstuvwxyz0123456789_"), word
        assert 0 <= word.start < word.end <= len(text)


@pytest.mark.parametrize(
    ("typed_text", "wanted", "excluded"),
    [
        ("acute appendicitis", [("acute",), ("appendicitis",)], []),
        ('"acute appendicitis" ct', [("acute", "appendicitis"), ("ct",)], []),
        ("mass -liver", [("mass",)], [("liver",)]),
        ('-"right lung"', [], [("right", "lung")]),
        ("T2-weighted", [("t2", "weighted")], []),
        ("“os odontoideum”", [("os", "odontoideum")], []),
        ("the mass of the liver", [("mass",), ("liver",)], []),
        ("a massa do pulmão", [("massa",), ("pulmao",)], []),
        ("la masa del pulmón", [("masa",), ("pulmon",)], []),
        ('"mass of the liver"', [("mass", "of", "the", "liver")], []),
        ("MR - T2", [("mr",), ("t2",)], []),
        ('lone " quote', [("lone",), ("quote",)], []),
        ("ct ct CT", [("ct",)], []),
        ("", [], []),
        ("the", [], []),
        ('"" * - -- "', [], []),
    ],
)
def test_questions(typed_text, wanted, excluded):
    question = read_words(typed_text)
    assert [term.words for term in question.wanted] == wanted
    assert [term.words for term in question.excluded] == excluded


def test_beginnings():
    assert read_words('append* "acute app"*').wanted == (Term(("append",), True), Term(("acute", "app"), True))
    assert shortened(read_words("appendicitis ct 123456 -liver")).wanted == (
        Term(("appendic",), True), Term(("ct",)), Term(("123456",)),
    )  # fmt: skip


def test_words_that_are_left_out_are_told():
    assert read_words("the mass").dropped == ("the",)


def test_stop_words_are_spelled_as_they_are_compared():
    assert all(folded(word) == word for word in STOP_WORDS)
    assert not STOP_WORDS & {"ct", "mr", "his", "les", "te", "ms", "iv", "mi", "us"}


@given(st.text())
def test_every_text_is_a_question_and_says_the_same_when_typed_again(text):
    question = read_words(text)
    again = read_words(typed(question))
    assert {*again.wanted} == {*question.wanted}
    assert {*again.excluded} == {*question.excluded}


# documents -----------------------------------------------------------------------------------------------------------


def test_a_document_stays_within_what_postgresql_can_hold():
    document = make_document({"findings": "word " * (MOST_WORDS + 500), "discussion": "more"})
    assert sum(map(len, document.fields)) == MOST_WORDS
    assert sum(field.count("word") for field in document.fields) == MOST_TIMES
    assert "more" not in document.fields[-1]


def test_a_tsvector_has_places_and_weights_and_a_gap_between_fields():
    text = vector_text(
        make_document({"title": "a b", "diagnosis": "b", "caption": "c", "discussion": "d", "topic": "e"})
    )
    assert text == "'a':1A 'b':2A,5A 'c':8B 'd':15D 'e':16D"


# snippets ------------------------------------------------------------------------------------------------------------


def test_a_snippet_is_cut_around_what_was_found_and_marks_it():
    text = "Um " * 40 + "com  lesão\nexpansiva do fígado " + "e mais " * 40
    snippet = make_snippet({"caption": "nada", "findings": text}, read_words("lesao figad*").wanted)
    assert snippet.field == "findings"
    assert [snippet.text[a:b] for a, b in snippet.marks] == ["lesão", "fígado"]
    assert snippet.text.startswith("… ")
    assert snippet.text.endswith(" …")
    assert len(list(words_of(snippet.text))) == LENGTH


def test_without_words_a_snippet_is_the_caption():
    assert make_snippet({"caption": "An axial image"}, ()).text == "An axial image"
    assert make_snippet({}, ()).text == ""


@given(st.text(), st.text())
def test_marks_lie_within_the_snippet(text, question):
    snippet = make_snippet({"caption": clean(text)}, read_words(question).wanted or read_words(text).wanted)
    assert all(0 <= a < b <= len(snippet.text) for a, b in snippet.marks)
    for start, stop in snippet.marks:
        assert folded(snippet.text[start:stop])


# people --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sex"),
    [("female", "female"), ("F", "female"), ("Mulher", "female"), ("niña", "female"), ("M", "male"), ("Varón", "male"),
     ("masculino", "male"), ("O", "other"), ("", ""), ("0", ""), ("unknown", "")],
)  # fmt: skip
def test_sexes(text, sex):
    assert sex_of(text) == sex


@pytest.mark.parametrize(
    ("text", "years"),
    [("60", 60), ("060Y", 60), ("6 months", 0.5), ("018M", 1.5), ("45 años", 45), ("3 anos", 3), ("0", 0), ("52 semanas", 1),
     ("1,5", 1.5), ("34 y/o", 34), ("", None), ("adult", None), ("999", None), ("5 miles", None)],
)  # fmt: skip
def test_ages(text, years):
    found = age_years_of(text)
    assert (found is None) == (years is None)
    assert found is None or abs(found - years) < 0.01


@pytest.mark.parametrize(
    ("text", "ages"),
    [("60-", Ages(60)), ("60+", Ages(60)), ("-18", Ages(None, 19)), ("40-60", Ages(40, 61)), ("40–60", Ages(40, 61)),
     ("60", Ages(60, 61)), (">60", Ages(61)), (">=60", Ages(60)), ("<18", Ages(None, 18)), ("<= 18", Ages(None, 19))],
)  # fmt: skip
def test_ranges_of_ages(text, ages):
    assert read_ages(text) == ages


@pytest.mark.parametrize("text", ["", "-", "old", "60-40", "1e3", "--5", "60-70-80"])
def test_what_is_no_range_of_ages_is_refused(text):
    with pytest.raises(DataError):
        read_ages(text)


def test_an_empty_question_is_none():
    assert not Words()
    assert read_words("-x")
